"""Trains an XResNet-50 and an AWD-LSTM language model where a GPU is, in three precisions.

    KERAS_BACKEND=jax python scripts/benchmarks/gpu.py
    KERAS_BACKEND=torch python scripts/benchmarks/gpu.py images --batch-size 128
    KERAS_BACKEND=jax python scripts/benchmarks/gpu.py --tiny     # does it run? on a processor, too

TensorFlow need not be there: JAX or PyTorch, and Keras with its optree and namex, are enough.
One batch lies on the device from the start, so the times are the model's and not the disk's.
The precisions take turns; a round is a `fit` of some steps. Beside them stands the rate of large
matrix products in the same precision, measured by the same backend, and the share of it that
training reaches. Counted are the products of the forward pass and twice as many of the backward
pass, nothing else. float32 is what the backend makes of it: on recent cards JAX computes products
in TensorFloat-32 by default, and PyTorch does so in convolutions and LSTMs. `--full-float32`
forbids that, as on the older cards on which half precision earned its name for speed.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import dataclasses
import math
import statistics

import keras
import numpy as np
from keras import ops
from timing import environment_line, side_by_side

from tfast.text import LanguageModel
from tfast.training.precision import POLICIES, set_precision
from tfast.vision.xresnet import xresnet


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What is trained, and how much of it. The defaults are XResNet-50 and fastai's AWD-LSTM."""

    block_counts: tuple = (3, 4, 6, 3)
    image_size: int = 128
    batch_size: int = 256  # images
    vocab_size: int = 60_000
    embed_size: int = 400
    hidden_size: int = 1152
    num_layers: int = 3
    window: int = 70
    text_batch_size: int = 128
    steps: int = 30  # of a round
    matrix_size: int = 8192


TINY = Sizes(
    block_counts=(1,), image_size=16, batch_size=4, vocab_size=50, embed_size=8, hidden_size=12,
    num_layers=2, window=5, text_batch_size=4, steps=2, matrix_size=128,
)  # fmt: skip
# Command line options that change a size.
OPTIONS = ("image_size", "batch_size", "text_batch_size", "window", "steps", "matrix_size")


def device_name():
    """What the backend computes on, in its own words."""
    if keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        return f"{device.platform}: {device.device_kind}"
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name()}, cuDNN {torch.backends.cudnn.version()}"
    return "cpu"


def forbid_tensor_float_32():
    """Lets no product of float32 numbers be less than that."""
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "float32")
    else:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def training(model, inputs, targets, num_steps):
    """A function that trains `num_steps` steps, and returns when the device is done."""
    inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
    targets = ops.convert_to_tensor(targets)

    def batches():
        while True:
            yield inputs, targets

    # Keras reads the loss when an epoch ends, and waits for it.
    return lambda: model.fit(batches(), steps_per_epoch=num_steps, shuffle=False, verbose=0)


def image_training(sizes):
    """(work, multiplications and additions of an image's forward pass)."""
    shape = (sizes.image_size, sizes.image_size, 3)
    model = xresnet(10, block_counts=sizes.block_counts, expansion=4, input_shape=shape)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    random = np.random.default_rng(0)
    images = random.standard_normal((sizes.batch_size, *shape), "float32")
    labels = random.integers(10, size=sizes.batch_size, dtype="int32")
    return training(model, images, labels, sizes.steps), forward_operations(model)


def forward_operations(model):
    """Multiplications and additions in the products of a Functional model, for one example."""
    return sum(
        # Each weight of a kernel meets each pixel of the result once.
        2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
        for layer in model.layers
        if hasattr(layer, "kernel")
    )


def text_training(sizes):
    """(work, multiplications and additions of a token's forward pass)."""
    model = LanguageModel(
        sizes.vocab_size,
        embed_size=sizes.embed_size,
        hidden_size=sizes.hidden_size,
        num_layers=sizes.num_layers,
        max_batch_size=sizes.text_batch_size,
    )
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=0.1))
    shape = sizes.text_batch_size, sizes.window + 1
    ids = np.random.default_rng(0).integers(9, sizes.vocab_size, shape, "int32")
    inputs = {"token_ids": ids[:, :-1], "starts_anew": np.zeros(len(ids), bool)}
    # LSTM kernels, and the embedding's table in its role of decoder.
    matrices = [weight for weight in model.trainable_weights if len(weight.shape) == 2]
    operations = sum(2 * math.prod(matrix.shape) for matrix in matrices)
    return training(model, inputs, ids[:, 1:], sizes.steps), operations


def matrix_product(sizes, precision):
    """(work, its multiplications and additions): large matrix products, one after another."""
    shape, repetitions = (sizes.matrix_size, sizes.matrix_size), 20
    first = keras.random.normal(shape, dtype=precision)
    # Columns of length 1 or so: no product outgrows float16.
    second = keras.random.normal(shape, stddev=sizes.matrix_size**-0.5, dtype=precision)

    def work():
        product = first
        for _ in range(repetitions):
            product = ops.matmul(product, second)
        ops.convert_to_numpy(product[0, 0])  # waits

    return work, 2 * sizes.matrix_size**3 * repetitions


def compare(title, make, unit, items_per_step, sizes, arguments):
    """Times one kind of training in each precision, beside matrix products in the same."""
    works, operations = {}, {}
    for precision in arguments.precisions:
        set_precision(precision)
        works[precision, "training"], for_one = make(sizes)
        # The backward pass has two products for each of the forward pass.
        operations[precision, "training"] = 3 * for_one * items_per_step * sizes.steps
        key = precision, "matrix products"
        works[key], operations[key] = matrix_product(sizes, precision)
    set_precision("float32")
    timings = side_by_side(works, rounds=arguments.rounds)
    seconds = {key: [timing.wall for timing in times] for key, times in timings.items()}
    print(f"\n{title}, {arguments.rounds} rounds of {sizes.steps} steps")
    first = arguments.precisions[0]
    for precision in arguments.precisions:
        times, products = (seconds[precision, kind] for kind in ("training", "matrix products"))
        median, plain = statistics.median(times), seconds[first, "training"]
        ratio = statistics.median(p / t for t, p in zip(times, plain, strict=True))
        rate = operations[precision, "training"] / median / 1e12
        peak = operations[precision, "matrix products"] / statistics.median(products) / 1e12
        in_a_step = [1000 * value / sizes.steps for value in (median, min(times), max(times))]
        print(
            "  {:15s} {:8.2f} ms a step ({:.2f} to {:.2f})".format(POLICIES[precision], *in_a_step),
            f"{items_per_step * sizes.steps / median:10.0f} {unit}/s  {ratio:5.2f} times {first}; "
            f"{rate:.3g} of {peak:.3g} TFLOP/s, {rate / peak:.0%}",
            flush=True,
        )


def bench_images(sizes, arguments):
    """XResNet-50, unless the sizes say otherwise."""
    title = f"XResNet {sizes.block_counts}, {sizes.image_size} px, batch {sizes.batch_size}"
    compare(title, image_training, "images", sizes.batch_size, sizes, arguments)


def bench_texts(sizes, arguments):
    """The language model of ULMFiT, unless the sizes say otherwise."""
    widths = f"{sizes.embed_size}/{sizes.hidden_size}/{sizes.num_layers}"
    title = (
        f"AWD-LSTM {widths}, vocabulary {sizes.vocab_size}, "
        f"batch {sizes.text_batch_size}, window {sizes.window}"
    )
    num_tokens = sizes.text_batch_size * sizes.window
    compare(title, text_training, "tokens", num_tokens, sizes, arguments)


PARTS = {"images": bench_images, "texts": bench_texts}


def main(arguments=None):
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; both without any")
    parser.add_argument("--tiny", action="store_true", help="sizes that say nothing about speed")
    parser.add_argument("--full-float32", action="store_true", help="no TensorFloat-32")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precisions", nargs="+", choices=POLICIES, default=list(POLICIES))
    for name in OPTIONS:
        option, default = f"--{name.replace('_', '-')}", getattr(Sizes, name)
        parser.add_argument(option, type=int, help=f"instead of {default}")
    arguments = parser.parse_args(arguments)
    unknown = set(arguments.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    backend = keras.backend.backend()
    if backend not in ("jax", "torch"):
        parser.error(f"KERAS_BACKEND must be jax or torch, not {backend}")
    given = {name: getattr(arguments, name) for name in OPTIONS if getattr(arguments, name)}
    sizes = dataclasses.replace(TINY if arguments.tiny else Sizes(), **given)
    print(environment_line("keras", backend))
    print(f"backend {backend}, device {device_name()}")
    if arguments.full_float32:
        forbid_tensor_float_32()
        print("TensorFloat-32 forbidden")
    if arguments.tiny:
        print("Tiny sizes show that it runs. Their times say nothing.")
    for part in arguments.parts or PARTS:
        PARTS[part](sizes, arguments)


if __name__ == "__main__":
    main()
