"""What a ULMFiT run needs before it trains: texts, words and models, read and checked."""

import dataclasses
import json
import zipfile

import keras
import tensorflow as tf
from text_data import Corpus, read_corpus, read_unlabelled
from text_tokens import look_up
from ulmfit_report import make_settings

from tfast.text.lm_batches import lm_batches
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.ulmfit import classifier_stages
from tfast.text.vocabulary import Vocabulary
from tfast.training.checkpoints.compatibility import check_same_settings
from tfast.training.checkpoints.resume import read_progress


@dataclasses.dataclass(frozen=True)
class Data:
    """What is trained on.

    Attributes:
        corpus: texts and labels.
        vocabulary: the words of the corpus.
        documents: dict of a part's name to ragged token ids: the parts of the corpus by
            `vocabulary`, "general" and "general valid" by `general_vocabulary`.
        general_vocabulary: the words of the model to start from, or None.
        pretrained: dict of direction (whether backward) to a language model; may be empty.
    """

    corpus: Corpus
    vocabulary: Vocabulary
    documents: dict
    general_vocabulary: Vocabulary | None
    pretrained: dict


def prepare(arguments):
    """Reads everything, and checks what would else show after hours.

    Returns:
        `Data`.

    Raises:
        ValueError: bad input.
    """
    pretrained, general_vocabulary = {}, None
    if arguments.pretrained:
        pretrained, general_vocabulary = read_pretrained(arguments)
    check_models(arguments, pretrained)
    corpus = read_corpus(
        arguments.data,
        valid=arguments.valid,
        test=arguments.test,
        unlabelled=arguments.unlabelled,
        num_labelled=arguments.num_labelled,
        num_unlabelled=arguments.num_unlabelled,
        text_column=arguments.text_column,
        label_column=arguments.label_column,
        seed=arguments.seed,
    )
    texts = {"train": corpus.train.texts, "valid": corpus.valid.texts, "test": corpus.test.texts}
    texts["unlabelled"] = corpus.unlabelled
    vocabulary, documents = look_up(texts, arguments, counted=("train", "unlabelled"))
    if arguments.general_text:
        texts = read_unlabelled(arguments.general_text, text_column=arguments.text_column)
        part = max(1, len(texts) // 20)
        texts = {"general valid": texts[:part], "general": texts[part:]}
        general_vocabulary, general = look_up(texts, arguments, counted=("general",))
        documents |= general
        general_vocabulary.save(arguments.output / "general" / "vocabulary.txt")
    check_documents(arguments, documents)
    vocabulary.save(arguments.output / "vocabulary.txt")
    return Data(corpus, vocabulary, documents, general_vocabulary, pretrained)


def read_pretrained(arguments):
    """The language models to start from, by direction, and the vocabulary that stands beside."""
    file = arguments.pretrained
    files = {False: file}
    if arguments.backward:
        files[True] = file.with_name(f"backward_{file.name}")
    vocabulary_file = file.with_name("vocabulary.txt")
    for path in (*files.values(), vocabulary_file):
        if not path.is_file():
            raise ValueError(f"--pretrained: {path} is missing")
    vocabulary, models = Vocabulary.load(vocabulary_file), {}
    for reverse, path in files.items():
        try:
            model = keras.saving.load_model(path, compile=False)
        except (ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise ValueError(f"--pretrained: {path} cannot be read: {error}") from error
        if not isinstance(model, LanguageModel):
            raise ValueError(f"--pretrained: {path} is no LanguageModel: {type(model).__name__}")
        size = model.encoder.settings["vocab_size"]
        if size != len(vocabulary):
            raise ValueError(
                f"--pretrained: {path} knows {size} words, but {vocabulary_file} has "
                f"{len(vocabulary)}"
            )
        models[reverse] = model
    return models, vocabulary


def check_models(arguments, pretrained):
    """Lets tiny twins of the models say what is wrong with stages and rates."""
    tiny = {"vocab_size": 9, "embed_size": 1, "hidden_size": 1}
    config = tiny | {"num_layers": arguments.layers}
    for model in pretrained.values():
        config = model.get_config() | tiny
        LanguageModel.from_config(config | {"drop_mult": arguments.lm_drop_mult})
    num_layers = config["num_layers"]
    LanguageModel(**tiny, num_layers=num_layers, drop_mult=arguments.lm_drop_mult)
    TextClassifier(num_classes=2, **tiny, num_layers=num_layers, drop_mult=arguments.drop_mult)
    make_classifier_stages(arguments, num_layers)


def make_classifier_stages(arguments, num_layers):
    """The stages of a classifier; its groups are embedding, LSTM layers and head."""
    return classifier_stages(
        num_layers + 2,
        peaks=arguments.learning_rates,
        epochs=arguments.epochs,
        slower_by=arguments.slower_by,
    )


def check_documents(arguments, documents):
    """Makes the language models' batches once, and compares with a checkpoint where one is."""
    parts = [documents[name] for name in ("valid", "general", "general valid") if name in documents]
    for part in (target_documents(documents), *parts):
        make_lm_batches(arguments, part, training=False)
    # All checkpoints of a run were made under the same settings.
    for checkpoint in sorted((arguments.output / "checkpoints").rglob("*.npz"))[:1]:
        settings = json.loads(json.dumps(make_settings(arguments, documents)))
        saved = read_progress(checkpoint)["settings"]
        check_same_settings(checkpoint, {name: saved.get(name) for name in settings}, settings)


def target_documents(documents):
    """What the language model of the corpus learns from."""
    return tf.concat([documents["train"], documents["unlabelled"]], 0)


def make_lm_batches(arguments, documents, *, training, first_step=None, reverse=False):
    """Windows of the joined documents."""
    return lm_batches(
        documents,
        batch_size=arguments.lm_batch_size,
        sequence_length=arguments.window,
        training=training,
        seed=arguments.seed,
        first_step=first_step,
        reverse=reverse,
    )
