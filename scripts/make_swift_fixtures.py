"""Writes swift_notes/Tests/Fixtures: what `swift test` compares with.

    python scripts/make_swift_fixtures.py

Texts with the tokens of the graph, two tiny classifiers as portable folders with the answers of
onnxruntime in Python, and an image that TensorFlow resized.
"""

import argparse
import base64
import json
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfast.export.portable.onnx import onnx_bytes, onnx_runner
from tfast.export.portable.onnx_text_graph import onnx_text_core_bytes
from tfast.text.documents import pad_documents
from tfast.text.models.classifier import TextClassifier
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary
from tfast.vision.preprocessing import ImagePreprocessing, resize_and_crop

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "swift_notes" / "Tests" / "Fixtures"
GOLDEN = ROOT / "tests" / "golden" / "rules_and_tokens.json"
TEXTS = ["A good film!", "Not GOOD at all...", "", "so so so bad<br />really", "don't watch it"]
IMAGE_SIZE = (6, 8)

sys.path.insert(0, str(ROOT / "tests" / "swift_notes"))
from fuzzed_texts import fuzzed_texts
from portable_folders import write_image_folder, write_text_folder


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
    write_text_classifier(output / "text")
    write_image_classifier(output / "image")


def texts_with_tokens():
    """Texts in Base64, for they may be any bytes, and their tokens."""
    golden = [entry["text"].encode() for entry in json.loads(GOLDEN.read_text("utf-8"))]
    texts = [*golden, *fuzzed_texts(300, seed=15)]
    return [
        {"text": base64.b64encode(text).decode(), "tokens": [t.decode() for t in tokens]}
        for text, tokens in zip(texts, TextTokenizer()(tf.constant(texts)).to_list(), strict=True)
    ]


def write_text_classifier(folder):
    """A classifier of a few words, its answers for `TEXTS` as examples."""
    tokens = TextTokenizer()(tf.constant(TEXTS))
    vocabulary = Vocabulary.from_tokens([tokens], min_frequency=1)
    model = TextClassifier(len(vocabulary), 2, embed_size=6, hidden_size=8, num_layers=2)
    model({"token_ids": np.zeros((1, 1), "int32"), "lengths": np.ones(1, "int32")})
    for weight in model.trainable_weights:
        weight.assign(3 * weight)  # so that answers differ
    content = onnx_text_core_bytes(model)
    inputs = pad_documents(vocabulary.encode(tokens))
    answers = onnx_runner(content)(**{name: value.numpy() for name, value in inputs.items()})
    examples = list(zip(TEXTS, answers["probabilities"], strict=True))
    names = ["bad", "good"]
    write_text_folder(folder, content, vocabulary, names, examples, precision="float32")
    folder.with_suffix(".txt").unlink()


def write_image_classifier(folder):
    """A classifier of 6 x 8 pixels, with five images as PPM files."""
    preprocessing = ImagePreprocessing(crop_ratio=1.0)
    kernel = keras.initializers.RandomNormal(stddev=0.3, seed=1)
    model = keras.Sequential(
        [
            keras.Input((*IMAGE_SIZE, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(3, kernel_initializer=kernel),
        ]
    )

    def answer(pixels):
        return {"probabilities": tf.nn.softmax(model(preprocessing.normalize(pixels)))}

    spec = tf.TensorSpec((None, *IMAGE_SIZE, 3), tf.uint8, name="pixels")
    content = onnx_bytes(answer, [spec], parts=[model])
    pixels = np.random.RandomState(0).randint(0, 256, (5, *IMAGE_SIZE, 3)).astype("uint8")
    answers = onnx_runner(content)(pixels=pixels)["probabilities"]
    examples = [(ppm(image), row) for image, row in zip(pixels, answers, strict=True)]
    write_image_folder(folder, content, ["cat", "dog", "fish"], examples, preprocessing, IMAGE_SIZE)


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
