"""A model that tfast saved as `.keras`, with what its run left beside it."""

import json
from pathlib import Path

import keras

from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import TOPIC_VECTORS, FileSource
from tfast.pretrained.text_files import is_backward, read_topic_vectors
from tfast.saving import load_model
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.models.sizes import vocabulary_size
from tfast.text.tokenization.sentencepiece_splitter import ASSET
from tfast.text.tokenization.tokenizer_files import TOKENIZER_FILE, load_tokenizer
from tfast.text.vocabulary import Vocabulary
from tfast.vision.preprocessing import ImagePreprocessing

TEXT_MODELS = (LanguageModel, TextClassifier, ForwardBackwardClassifier, BlendedClassifier)
# Text models whose encoders cannot be asked to read from the end.
ONLY_FORWARD = (ForwardBackwardClassifier, BlendedClassifier)


def load(source: FileSource) -> Pretrained:
    """Reads the model, and what lies beside it.

    Of a text model that is `vocabulary.txt`, with topic vectors and settings of the tokenizer if
    there are any; of an image model `preprocessing.json`.

    Raises:
        ValueError: the file is damaged or of another model, or a text model's vocabulary is
            missing or of another size.
    """
    path, beside = source.path(source.file), source.beside()
    model = read_keras(path)
    if not isinstance(model, TEXT_MODELS):
        preprocessing = beside.find("preprocessing.json")
        return Pretrained(
            source.name,
            model,
            source.provenance(),
            preprocessing=None if preprocessing is None else read_preprocessing(preprocessing),
        )
    vocabulary = read_vocabulary(beside.path("vocabulary.txt"), model)
    topics = beside.find(TOPIC_VECTORS)
    for name in (TOKENIZER_FILE, ASSET):  # checked and recorded before `load_tokenizer` reads them
        beside.find(name)
    return Pretrained(
        source.name,
        model,
        source.provenance(),
        tokenizer=load_tokenizer(source.folder),
        vocabulary=vocabulary,
        reverse=not isinstance(model, ONLY_FORWARD) and is_backward(Path(source.file)),
        topic_vectors=None if topics is None else read_topic_vectors(topics, len(vocabulary)),
    )


def read_keras(path: Path) -> keras.Model:
    """The model, not compiled.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        return load_model(path, compile=False)
    except Exception as error:  # whatever zip, JSON, HDF5 and Keras raise over a damaged file
        raise ValueError(f"{path} cannot be read: {error}") from error


def read_vocabulary(path: Path, model: keras.Model) -> Vocabulary:
    """A text model's vocabulary.

    Raises:
        ValueError: it is no vocabulary, or has not as many words as the model.
    """
    vocabulary = Vocabulary.load(path)
    size = vocabulary_size(model)
    if size != len(vocabulary):
        raise ValueError(f"{path} must have the model's {size} words, got {len(vocabulary)}")
    return vocabulary


def read_preprocessing(path: Path) -> ImagePreprocessing:
    """An image model's preprocessing.

    Raises:
        ValueError: it is damaged.
    """
    try:
        return ImagePreprocessing.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} must be preprocessing, got {error}") from None
