"""Writes swift_notes/Tests/Fixtures: what `swift test` compares with.

    python swift_notes/python/make_fixtures.py

Texts with the tokens of the graph, tiny classifiers as portable folders with the answers of the
Keras models, images as PNG files, and one that TensorFlow resized.
"""

import argparse
import base64
import io
import json
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tfast.export.portable.images import export_portable_image_classifier
from tfast.export.portable.litert_text_graph import litert_text_core_bytes
from tfast.export.portable.text import export_portable_text_classifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary
from tfast.vision.preprocessing import ImagePreprocessing, resize_and_crop

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "swift_notes" / "Tests" / "Fixtures"
GOLDEN = ROOT / "tests" / "golden" / "rules_and_tokens.json"
TEXTS = ["A good film!", "Not GOOD at all...", "", "so so so bad<br />really", "don't watch it"]
IMAGE_SIZE = (6, 8)


def main():
    """Writes all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    output = parser.parse_args().output
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    keras.utils.set_random_seed(0)
    (output / "tokens.json").write_text(json.dumps(texts_with_tokens(), indent=0))
    (output / "resized.json").write_text(json.dumps(resized_image()))
    (output / "png.json").write_text(json.dumps(png_files(), indent=0))
    write_text_classifier(output / "text")
    write_image_classifiers(output)


def texts_with_tokens():
    """Texts in Base64, for they may be any bytes, and their tokens."""
    sys.path.insert(0, str(ROOT / "tests" / "swift_notes"))
    from fuzzed_texts import fuzzed_texts

    golden = [entry["text"].encode() for entry in json.loads(GOLDEN.read_text("utf-8"))]
    texts = [*golden, *fuzzed_texts(300, seed=15)]
    return [
        {"text": base64.b64encode(text).decode(), "tokens": [t.decode() for t in tokens]}
        for text, tokens in zip(texts, TextTokenizer()(tf.constant(texts)).to_list(), strict=True)
    ]


def write_text_classifier(folder):
    """A classifier of a few words, its answers for `TEXTS` as examples."""
    tokenizer = TextTokenizer()
    vocabulary = Vocabulary.from_tokens([tokenizer(tf.constant(TEXTS))], min_frequency=1)
    model = TextClassifier(len(vocabulary), 2, embed_size=6, hidden_size=8, num_layers=2)
    model({"token_ids": np.zeros((1, 1), "int32"), "lengths": np.ones(1, "int32")})
    for weight in model.trainable_weights:
        weight.assign(3 * weight)  # so that answers differ
    export_portable_text_classifier(
        model, folder, ["bad", "good"], tokenizer, vocabulary, examples=TEXTS
    )
    (folder.parent / "text.tflite").write_bytes(litert_text_core_bytes(model, precision="float32"))


def write_image_classifiers(output):
    """One of 6 x 8 pixels, for onnxruntime and for LiteRT."""
    preprocessing = ImagePreprocessing(crop_ratio=1.0)
    kernel = keras.initializers.RandomNormal(stddev=0.3, seed=1)
    model = keras.Sequential(
        [
            keras.Input((*IMAGE_SIZE, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(3, kernel_initializer=kernel),
        ]
    )
    images = np.random.RandomState(0).randint(0, 256, (5, *IMAGE_SIZE, 3)).astype("uint8")
    for folder, form in {"image": "onnx", "image_litert": "litert"}.items():
        export_portable_image_classifier(
            model, output / folder, ["cat", "dog", "fish"], preprocessing,
            file_format=form, examples=list(images),
        )  # fmt: skip


def png_files():
    """Images as PNG files of each kind, and their pixels; several ways of compression."""
    rows, columns = np.mgrid[:11, :13]
    waves = [127.5 + 127.5 * np.sin(0.3 * rows * k + 0.2 * columns) for k in (1, 2, 3, 4)]
    image = Image.fromarray(np.stack(waves, -1).astype("uint8"))
    noise = Image.fromarray(np.random.RandomState(0).randint(0, 256, (6, 5, 3)).astype("uint8"))
    files = [png(image.convert(mode)) for mode in ("L", "LA", "RGB", "RGBA")]
    files += [png(image.convert("RGB").quantize(colors)) for colors in (256, 100)]
    files += [png(noise, compress_level=level) for level in (0, 9)]
    files += [png(Image.new("RGB", (90, 8), (1, 2, 3))), png(Image.new("L", (1, 1), 7))]
    return [
        {
            "png": base64.b64encode(file).decode(),
            "height": (opened := Image.open(io.BytesIO(file)).convert("RGB")).height,
            "width": opened.width,
            "pixels": base64.b64encode(opened.tobytes()).decode(),
        }
        for file in files
    ]


def png(image, **options):
    """The content of an image's PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", bits=8, **options)
    return file.getvalue()


def resized_image():
    """An image, as a PPM file, and what `ImagePreprocessing` cuts out of it, as whole levels."""
    rows, columns = np.mgrid[:19, :27]
    waves = [127.5 + 127.5 * np.sin(0.6 * rows * k + 0.2 * columns) for k in (1, 2, 3)]
    image = np.stack(waves, -1).astype("uint8")
    found = []
    for height, width in [(8, 8), (12, 6), (19, 27), (24, 18)]:
        for ratio in (1.0, 1.14):
            for antialias in (True, False):
                levels = np.rint(
                    resize_and_crop(image, (height, width), crop_ratio=ratio, antialias=antialias)
                )
                settings = {"height": height, "width": width}
                settings |= {"crop_ratio": ratio, "antialias": antialias}
                pixels = base64.b64encode(levels.astype("uint8").tobytes()).decode()
                found.append(settings | {"pixels": pixels})
    return {"ppm": base64.b64encode(ppm(image)).decode(), "resized": found}


def ppm(image):
    """uint8 `(height, width, 3)` as a binary PPM file."""
    return b"P6\n%d %d\n255\n" % (image.shape[1], image.shape[0]) + image.tobytes()


if __name__ == "__main__":
    main()
