"""Inference of XResNets in every form that tfast exports, beside fastai.

    python scripts/benchmarks/export.py --fastai-python ~/fastai/bin/python
    python scripts/benchmarks/export.py --run runs/images --train images/train --valid images/valid

The Keras model; SavedModels of it as it is and with batch norms folded, as
`export_image_classifier` writes it; the files of `export_portable_image_classifier`; fastai's
eager model, channels-last. They take turns, each on every core. Weights are random; agreement is
with the Keras model, on noise. With --run, the output folder of `train_images.py`, nothing is
timed: printed is the fraction of validation images that each form labels correctly.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import json
import os
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rivals import rival
from timing import environment_line, print_comparison, side_by_side

from tfast.data.folders import read_class_folders
from tfast.export.folding import fold_batch_norms
from tfast.export.portable.images import export_portable_image_classifier
from tfast.export.portable.litert import litert_runner
from tfast.export.portable.onnx import onnx_runner
from tfast.export.saved_model import save_signatures
from tfast.vision import xresnet
from tfast.vision.preprocessing import ImagePreprocessing, decode_image, resize_and_crop

PREPROCESSING = ImagePreprocessing()
# Name, pixels, batch size, steps a timed call.
CASES = [("xresnet18", 32, 64, 3), ("xresnet50", 128, 16, 1)]
# Format, precision, and whether ranges are measured beforehand.
PORTABLE = [
    ("litert", "float32", False),
    ("litert", "float16", False),
    ("litert", "int8", False),
    ("litert", "int8", True),
    ("onnx", "float32", False),
    ("onnx", "float16", False),
    ("onnx", "int8", True),
]
# How many training images ranges are measured on.
NUM_MEASURED = 200


def main():
    """Prints every comparison of times, or that of labels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fastai-python", help="a Python with fastai")
    parser.add_argument("--rounds", type=int, default=7, help="timed calls of each rival")
    parser.add_argument(
        "--cases", nargs="+", default=[case[0] for case in CASES], help="names of models"
    )
    add = parser.add_argument
    add("--run", type=Path, help="output folder of train_images.py, whose labels to compare")
    add("--train", type=Path, help="the folder of images it was trained on")
    add("--valid", type=Path, help="a folder of others")
    arguments = parser.parse_args()
    if arguments.run and not (arguments.train and arguments.valid):
        parser.error("--run needs --train and --valid")
    print(environment_line("tfast", "tensorflow", "keras", "ai-edge-litert", "onnxruntime"))
    if arguments.run:
        try:
            with tempfile.TemporaryDirectory() as folder:
                compare_labels(arguments.run, arguments.train, arguments.valid, Path(folder))
        except (OSError, ValueError) as error:  # no run, no images
            parser.error(str(error))
        return
    missing = "fastai: left out, see --fastai-python"
    with rival(arguments.fastai_python, "images_fastai.py", missing=missing) as fastai:
        for case in CASES:
            if case[0] in arguments.cases:
                with tempfile.TemporaryDirectory() as folder:
                    compare(*case, Path(folder), fastai, arguments.rounds)


def compare(name, pixels, batch_size, steps, folder, fastai, rounds):
    """Sizes, agreement and speed of one model in all its forms."""
    raw_images = np.random.default_rng(0).integers(
        0, 256, (batch_size, pixels, pixels, 3), dtype="uint8"
    )
    images = PREPROCESSING.normalize(raw_images)
    model = moved(getattr(xresnet, name)(10, input_shape=(pixels, pixels, 3)), images)
    names = [f"class {i}" for i in range(10)]
    forms = saved_models(model, folder)
    forms |= portable_files(model, folder, names, PREPROCESSING, raw_images, (pixels, pixels))
    expected = forms["SavedModel, as it is"](raw_images)
    print(f"\n{name}, {pixels} px: megabytes, largest difference of a probability, same class")
    for label, form in forms.items():
        outputs = form(raw_images)
        difference = abs(outputs - expected).max()
        same = (outputs.argmax(-1) == expected.argmax(-1)).mean()
        files = [file for file in (folder / label).rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files) / 1e6
        print(f"  {label:32s} {size:8.1f} MB   {difference:.1e}   {same:7.1%}")

    works = {
        label: lambda form=form: [form(raw_images) for _ in range(steps)]
        for label, form in forms.items()
    }
    works["Keras predict_on_batch"] = lambda: [model.predict_on_batch(images) for _ in range(steps)]
    if fastai:
        # Measured: in a process that has trained before, its inference is a tenth faster.
        sizes = {"model": name, "pixels": pixels, "batch_size": batch_size}
        fastai.ask("train", **sizes, steps=3)
        works["fastai, eager"] = fastai.work("predict", **sizes, steps=steps)
    title = f"Inference, {name}, {pixels} px, batch {batch_size}"
    timings = side_by_side(works, rounds=rounds)
    print_comparison(title, timings, amount=steps * batch_size, unit="images")


def compare_labels(run, train, valid, folder):
    """Counts right labels of every portable form of a classifier, and of the model itself."""
    settings = json.loads((run / "result.json").read_text())["settings"]
    names, size = settings["class_names"], (settings["image_size"],) * 2
    preprocessing = json.loads((run / "preprocessing.json").read_text())
    preprocessing = ImagePreprocessing.from_dict(preprocessing)

    def read(paths):
        encoded = (tf.io.read_file(path) for path in paths)
        decoded = (decode_image(content) for content in encoded)
        ratio = preprocessing.crop_ratio
        resized = [resize_and_crop(pixels, size, crop_ratio=ratio) for pixels in decoded]
        return np.stack(resized).round().astype("uint8")

    model = keras.saving.load_model(run / "model.keras", compile=False)
    paths = read_class_folders(train, class_names=names).file_paths
    measured_on = read(paths[:: max(1, len(paths) // NUM_MEASURED)])
    found = read_class_folders(valid, class_names=names)
    paths, labels = found.file_paths, found.labels
    raw_images = read(paths)
    forms = {"Keras": lambda pixels: model.predict_on_batch(preprocessing.normalize(pixels))}
    forms |= portable_files(model, folder, names, preprocessing, measured_on, size)
    print(f"\n{len(raw_images)} images of {valid}: fraction right")
    for label, form in forms.items():
        batches = [form(raw_images[i : i + 64]) for i in range(0, len(raw_images), 64)]
        right = np.concatenate(batches).argmax(-1) == labels
        print(f"  {label:32s} {right.mean():7.2%}")


def moved(model, images):
    """`model` with other gammas and statistics than it starts with, and logits of a fair size."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith("gamma"):
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    for _ in range(20):
        model(images, training=True)
    # Else one class has all the probability, whatever a conversion does.
    spread = np.std(model(images, training=False), axis=-1).mean()
    head = model.layers[-1]
    head.set_weights([weight / spread for weight in head.get_weights()])
    return model


def saved_models(model, folder):
    """Functions from pixels to probabilities: the folded SavedModel, and the model's own."""
    forms = {}
    pairs = {"SavedModel, folded": fold_batch_norms(model), "SavedModel, as it is": model}
    for label, part in pairs.items():

        def answer(pixels, part=part):
            logits = part(PREPROCESSING.normalize(pixels), training=False)
            return {"probabilities": tf.nn.softmax(logits)}

        pixels = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name="pixels")
        signatures = {"serving_default": (answer, [pixels])}
        save_signatures(signatures, folder / label, parts=[part])
        served = tf.saved_model.load(folder / label)
        # The signature alone does not keep what it belongs to alive.
        forms[label] = lambda raw_images, served=served: served.signatures["serving_default"](
            pixels=tf.constant(raw_images)
        )["probabilities"].numpy()
    return forms


def portable_files(model, folder, names, preprocessing, raw_images, size):
    """Functions from pixels to probabilities, of LiteRT and ONNX files."""
    forms = {}
    for file_format, precision, measured in PORTABLE:
        label = f"{file_format} {precision}{', measured ranges' if measured else ''}"
        export_portable_image_classifier(
            model,
            folder / label,
            names,
            preprocessing,
            file_format=file_format,
            precision=precision,
            examples=raw_images if measured else None,
            tolerance=1.0,  # printed, not judged
            image_size=size,
            from_logits=True,
        )
        content = next((folder / label).glob("model.*")).read_bytes()
        start = litert_runner if file_format == "litert" else onnx_runner
        run = start(content, num_threads=os.cpu_count())
        forms[label] = lambda raw_images, run=run: run(pixels=raw_images)["probabilities"]
    return forms


if __name__ == "__main__":
    main()
