"""Small portable folders of a text and of an image classifier, with the models they are of."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfast.export import (
    export_image_classifier,
    export_portable_image_classifier,
    export_portable_text_classifier,
    export_text_classifier,
)
from tfast.text import TextClassifier, TextTokenizer, Vocabulary
from tfast.vision.preprocessing import ImagePreprocessing

TEXTS = ["It was GREAT, truly great fun!", "", "bad\n\nbad " * 20, "I don't know it's é", "ok"]
TEXT_CLASSES = ["bad", "good", "so-so"]


@pytest.fixture(scope="session")
def text_parts():
    """Model, tokenizer and vocabulary of a text classifier."""
    keras.utils.set_random_seed(0)
    tokenizer = TextTokenizer()
    vocabulary = Vocabulary.from_tokens([tokenizer(tf.constant(TEXTS))], min_frequency=1)
    model = TextClassifier(len(vocabulary), 3, embed_size=8, hidden_size=12, num_layers=2)
    for weight in model.trainable_weights:
        weight.assign(3 * weight)  # so that answers differ
    return model, tokenizer, vocabulary


@pytest.fixture(scope="session")
def text_folder(tmp_path_factory, text_parts):
    pytest.importorskip("onnxruntime")
    model, tokenizer, vocabulary = text_parts
    folder = tmp_path_factory.mktemp("text") / "served"
    export_portable_text_classifier(
        model, folder, TEXT_CLASSES, tokenizer, vocabulary, examples=TEXTS
    )
    return folder


@pytest.fixture(scope="session")
def saved_texts(tmp_path_factory, text_parts):
    """The same text classifier as a SavedModel: a function from texts to its answers."""
    folder = tmp_path_factory.mktemp("text") / "saved"
    export_text_classifier(*text_parts, folder, TEXT_CLASSES)
    loaded = tf.saved_model.load(folder)

    def classify(texts):
        return loaded.signatures["serving_default"](text=tf.constant(texts, tf.string))

    return classify


@pytest.fixture(scope="session")
def image_model():
    keras.utils.set_random_seed(0)
    stack = [layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(2)]
    return keras.Sequential([keras.Input((12, 16, 3)), *stack])


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory, image_model):
    pytest.importorskip("tf2onnx")
    folder = tmp_path_factory.mktemp("image") / "served"
    export_portable_image_classifier(image_model, folder, ["cat", "dog"], ImagePreprocessing())
    return folder


@pytest.fixture(scope="session")
def saved_images(tmp_path_factory, image_model):
    """The same image classifier as a SavedModel: a function from files to its answers."""
    folder = tmp_path_factory.mktemp("image") / "saved"
    export_image_classifier(image_model, folder, ["cat", "dog"], ImagePreprocessing())
    loaded = tf.saved_model.load(folder)

    def classify(files):
        return loaded.signatures["serving_default"](image_bytes=tf.constant(files, tf.string))

    return classify


@pytest.fixture
def photograph():
    """A smooth image, uint8 (60, 90, 3)."""
    coarse = np.random.RandomState(0).randint(0, 256, (6, 9, 3))
    return np.rint(tf.image.resize(coarse, (60, 90))).astype("uint8")
