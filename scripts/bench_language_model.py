"""Times one LSTM layer and one step of training a language model, tfast against its rivals.

    python scripts/bench_language_model.py --fastai-python ../fastai/bin/python

Stock Keras runs in this Python, fastai (and PyTorch's own LSTM) in the one given; without it they
are left out. Each rival runs in a process of its own, in turn with the others; the peak of its
memory is that process's. Beside the step one plain matrix product is timed, of the size of the
decoder's: its rate is about what the machine can do, and the share that the step reaches of it says
how much is left to win.
"""

import argparse
import itertools
import resource
import statistics
import subprocess
import sys

BATCH, TIME = 32, 70


def tfast_layer(sizes):
    """Forward and backward of the LSTM kernel."""
    from tfast.text.models.weight_drop import WeightDrop

    return _keras_layer(sizes, lambda lstm: WeightDrop(lstm, 0.0))


def keras_layer(sizes):
    """Forward and backward of the stock layer."""
    return _keras_layer(sizes, lambda lstm: lstm)


def _keras_layer(sizes, wrap):
    import keras
    import tensorflow as tf

    layer = wrap(keras.layers.LSTM(sizes.hidden, return_sequences=True))
    inputs = tf.random.normal((BATCH, TIME, sizes.embed))
    layer(inputs)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(inputs, training=True))
        return tape.gradient(loss, [inputs, *layer.trainable_weights])

    return lambda: step()[0].numpy()


def fastai_layer(sizes):
    """Forward and backward of `torch.nn.LSTM`."""
    import torch

    layer = torch.nn.LSTM(sizes.embed, sizes.hidden, batch_first=True)
    inputs = torch.randn(BATCH, TIME, sizes.embed, requires_grad=True)
    wanted = [inputs, *layer.parameters()]
    # Not `backward`, which would add to the gradients of the round before.
    return lambda: torch.autograd.grad(layer(inputs)[0].sum(), wanted)


def _windows(sizes):
    import numpy as np

    tokens = np.random.default_rng(0).integers(9, sizes.vocab, (BATCH, TIME + 1), "int32")
    return tokens[:, :-1], tokens[:, 1:]


def tfast_step(sizes):
    """A step of `LanguageModel` as `fit` makes it."""
    import numpy as np

    from tfast.text.models.language_model import LanguageModel
    from tfast.training.optimizers.fused_adam import FusedAdam

    ids, targets = _windows(sizes)
    model = LanguageModel(sizes.vocab, embed_size=sizes.embed, hidden_size=sizes.hidden)
    model.compile(FusedAdam())
    inputs = {"token_ids": ids, "starts_anew": np.zeros(BATCH, bool)}
    return lambda: model.train_on_batch(inputs, targets)


def keras_step(sizes):
    """The same sizes by stock layers: tied decoder, all logits, dropout of its kinds."""
    import keras

    ids, targets = _windows(sizes)
    drop, widths = keras.layers.SpatialDropout1D, [sizes.hidden, sizes.hidden, sizes.embed]
    layers = [drop(0.25)]
    for width in widths:
        layers += [keras.layers.LSTM(width, return_sequences=True), drop(0.15)]

    class Stock(keras.Model):
        def __init__(self):
            super().__init__()
            self.table = keras.layers.ReversibleEmbedding(sizes.vocab, sizes.embed)
            self.lstms = keras.Sequential(layers)

        def call(self, ids, training=False):
            return self.table(self.lstms(self.table(ids), training=training), reverse=True)

    model = Stock()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return lambda: model.train_on_batch(ids, targets)


def fastai_step(sizes):
    """A step of fastai's AWD-LSTM with its regularizers and its own Adam."""
    import torch
    from fastai.optimizer import Adam
    from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_lm_config
    from fastai.text.models.core import get_language_model

    ids, targets = (torch.from_numpy(array).long() for array in _windows(sizes))
    config = awd_lstm_lm_config | {"emb_sz": sizes.embed, "n_hid": sizes.hidden}
    model = get_language_model(AWD_LSTM, sizes.vocab, config)
    optimizer = Adam(model.parameters(), lr=1e-3)
    cross_entropy = torch.nn.CrossEntropyLoss()

    def step():
        logits, raw, dropped = model(ids)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        (logits.argmax(-1) == targets).float().mean()
        loss = loss + 2 * dropped.pow(2).mean() + (raw[:, 1:] - raw[:, :-1]).pow(2).mean()
        # Not `backward`, which would add to gradients that must then be set to zero.
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    return step


def tfast_product(sizes):
    """A matrix product of the decoder's size."""
    import tensorflow as tf

    hidden = tf.random.normal((BATCH * TIME, sizes.embed))
    table = tf.random.normal((sizes.vocab, sizes.embed))
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(hidden, table, transpose_b=True)[0]))
    return lambda: multiply().numpy()


def print_share(sizes, product, step):
    """How near the step comes to the rate of the plain product, given the seconds of both.

    A step has each product forward, and two backward: towards the inputs and the weights.
    """
    widths = [sizes.embed, sizes.hidden, sizes.hidden, sizes.embed]
    lstms = sum(4 * width * (before + width) for before, width in itertools.pairwise(widths))
    decoder = sizes.vocab * sizes.embed
    rate = 2 * BATCH * TIME * decoder / statistics.median(product)
    our_rate = 3 * 2 * BATCH * TIME * (lstms + decoder) / statistics.median(step)
    print(f"  one product {rate / 1e9:.1f} GFLOP/s, tfast's step {our_rate / rate:.0%} of that")


def describe(name):
    """Versions and threads of a rival's process."""
    from measure import environment_line

    if name.startswith("fastai"):
        import torch

        return f"{environment_line('fastai', 'torch')}, {torch.get_num_threads()} PyTorch threads"
    import tensorflow as tf

    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return f"{environment_line('tensorflow', 'keras')}, {threads or 'all'} TensorFlow threads"


def serve(name, sizes):
    """A rival's process: says what it runs on, then works once for each line it reads.

    It answers each time with its peak memory.
    """
    import environment  # before TensorFlow

    if name.startswith("tfast"):
        environment.keep_one_heap()  # as train_ulmfit.py does
    work = globals()[name](sizes)
    print(describe(name), flush=True)
    for _ in sys.stdin:
        work()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


class Rival:
    """A process that does one work again and again."""

    def __init__(self, python, name, sizes):
        command = [python, __file__, "--serve", name, *sizes]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.description = self.process.stdout.readline().strip()

    def __call__(self):
        """One round."""
        print("again", file=self.process.stdin, flush=True)
        self.peak = int(self.process.stdout.readline() or sys.exit("a rival's process ended"))

    def end(self):
        """Lets the process go and returns the peak of its memory in MiB."""
        self.process.stdin.close()
        self.process.wait()
        return self.peak / 1024


def main():
    """Compares the layer, then the step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fastai-python", help="Python with fastai")
    parser.add_argument("--vocab", type=int, default=60_000)
    parser.add_argument("--embed", type=int, default=400)
    parser.add_argument("--hidden", type=int, default=1152)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--works", nargs="+", choices=["layer", "step"], default=["layer", "step"])
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(arguments.serve, arguments)

    from measure import print_comparison, side_by_side

    pythons = {"tfast": sys.executable, "keras": sys.executable, "fastai": arguments.fastai_python}
    sizes = [f"--{name}={getattr(arguments, name)}" for name in ("vocab", "embed", "hidden")]
    for work in arguments.works:
        rivals = {
            name: Rival(python, f"{name}_{work}", sizes)
            for name, python in pythons.items()
            if python
        }
        for name, rival in rivals.items():
            print(f"{name}: {rival.description}")
        processes = dict(rivals)
        if work == "step":
            processes["one product"] = Rival(sys.executable, "tfast_product", sizes)
        seconds = side_by_side(processes, rounds=arguments.rounds)
        product = seconds.pop("one product", None)
        title = f"{work}: {' '.join(sizes)}, batch {BATCH}, {TIME} time steps"
        print_comparison(title, seconds, amount=BATCH * TIME, unit="tokens")
        if product:
            print_share(arguments, product, seconds["tfast"])
        for name, rival in processes.items():
            print(f"  {name:12s} peak memory {rival.end():8.0f} MiB")
    return None


if __name__ == "__main__":
    main()
