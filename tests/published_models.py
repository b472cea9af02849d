"""Small models of each kind, with what `publish` needs of them."""

import keras
import numpy as np

from tfast.text import (
    BlendedClassifier,
    ForwardBackwardClassifier,
    LanguageModel,
    TextClassifier,
    TfidfClassifier,
    Vocabulary,
)
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}
WORDS = [*SPECIAL_TOKENS, "good", "bad", "film"]
CLASSES = ["bad", "good"]
TEXTS = {"tokenizer": TextTokenizer(add_end=True), "vocabulary": Vocabulary(WORDS)}
IMAGES = {"preprocessing": ImagePreprocessing(0.5, 0.25, crop_ratio=1.0), "image_size": 16}


def text_classifier():
    return TextClassifier(len(WORDS), 2, head_size=5, **SIZES)


def body():
    return xresnet(2, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))


MODELS = {
    "language model": (lambda: LanguageModel(len(WORDS), **SIZES), TEXTS),
    "text classifier": (text_classifier, TEXTS | {"class_names": CLASSES}),
    "both directions": (
        lambda: ForwardBackwardClassifier(text_classifier(), text_classifier()),
        TEXTS | {"class_names": CLASSES},
    ),
    "blend": (
        lambda: BlendedClassifier(text_classifier(), TfidfClassifier(len(WORDS), 2, 4), weight=0.4),
        TEXTS | {"class_names": CLASSES},
    ),
    "xresnet": (body, IMAGES | {"class_names": CLASSES}),
    "transferred": (lambda: transfer_model(body(), 2), IMAGES | {"class_names": CLASSES}),
}


def trained(name):
    """A model whose every weight is its own, and what goes with it."""
    make, parts = MODELS[name]
    model, random = make(), np.random.RandomState(0)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(np.abs(random.normal(0.5, 0.2, weight.shape)))
    return model, parts


def answers(model):
    random = np.random.RandomState(1)
    if isinstance(model, LanguageModel):
        return np.asarray(model.next_logits(random.randint(0, 12, (2, 7)).astype("int32"))[0])
    if any(hasattr(model, name) for name in ("encoder", "forward", "tfidf")):
        ids = random.randint(0, 12, (2, 7)).astype("int32")
        return np.asarray(model({"token_ids": ids, "lengths": np.int32([7, 3])}))
    return np.asarray(model(random.normal(size=(2, 16, 16, 3)).astype("float32")))


def compiled(model):
    """With an optimizer that has state."""
    model.compile(keras.optimizers.Adam(), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.optimizer.build(model.trainable_variables)
    return model
