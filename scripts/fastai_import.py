"""What import_fastai.py does: read, recognise, convert, export, check."""

import json

import numpy as np
import tensorflow as tf

from tfast.export.images import export_image_classifier
from tfast.export.text import export_language_model, export_text_classifier
from tfast.fastai.conversion import ignored_names
from tfast.fastai.image_classifiers import image_classifier_from_fastai
from tfast.fastai.kinds import kind_of
from tfast.fastai.reading import load_weights
from tfast.fastai.text_models import language_model_from_fastai, text_classifier_from_fastai
from tfast.fastai.vocabularies import load_labels, load_vocabulary, with_special_tokens_first
from tfast.fastai.xresnet import xresnet_from_fastai
from tfast.files import atomic_write
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary
from tfast.vision.preprocessing import ImagePreprocessing

# Probabilities that differ by more mean that something is wrong, not that sums were rounded.
TOLERANCE = 1e-4
# Read by both sides in the check: words of every vocabulary, an unknown one, and nothing.
SENTENCES = ["A film, and it's THE best of the year!", "zzyzx", ""]


def run(arguments):
    """Converts, exports and checks; the output folder appears whole or not at all.

    Returns:
        The largest difference of a probability between SavedModel and converted model.

    Raises:
        ValueError: input that does not fit, or a SavedModel that does not agree.
    """
    state_dict = load_weights(arguments.weights)
    print(f"{arguments.weights}: {len(state_dict)} tensors")
    with atomic_write(arguments.output, overwrite=arguments.overwrite) as folder:
        folder.mkdir()
        kind = kind_of(state_dict)
        if kind == "encoder":
            raise ValueError(
                "an encoder alone (learn.save_encoder) answers nothing: give what learn.save wrote"
            )
        is_text_model = kind in ("language_model", "text_classifier")
        import_model = import_text_model if is_text_model else import_image_model
        difference = import_model(kind, state_dict, arguments, folder)
        if not difference <= TOLERANCE:
            raise ValueError(f"the SavedModel differs from the model by {difference}: not written")
    return difference


def import_text_model(kind, state_dict, arguments, folder):
    """A language model or text classifier: see `run`."""
    if arguments.vocabulary is None:
        raise ValueError("--vocabulary: a text model needs its words")
    words, labels = load_vocabulary(arguments.vocabulary)
    state_dict, words = with_special_tokens_first(state_dict, words)
    vocabulary, tokenizer = Vocabulary(words), TextTokenizer()
    saved_model = folder / "saved_model"
    ignored = ignored_names(state_dict)
    if kind == "language_model":
        model = language_model_from_fastai(state_dict)
        describe("language model", model, ignored, vocabulary)
        export_language_model(model, tokenizer, vocabulary, saved_model)
    else:
        model = text_classifier_from_fastai(state_dict)
        labels = arguments.labels or labels or numbered(model.settings["num_classes"])
        describe("text classifier", model, ignored, vocabulary, labels)
        export_text_classifier(model, tokenizer, vocabulary, saved_model, labels)
    model.save(folder / "model.keras")
    vocabulary.save(folder / "vocabulary.txt")

    serve = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    differences = []
    for sentence in SENTENCES:  # one by one: no padding, which the export has to get right
        text = tf.constant([sentence])
        token_ids = vocabulary.encode(tokenizer(text)).to_tensor()
        logits = logits_of(model, token_ids)
        differences.append(largest_difference(serve(text=text)["probabilities"], logits))
    together = serve(text=tf.constant(SENTENCES))["probabilities"]
    alone = tf.concat([serve(text=tf.constant([s]))["probabilities"] for s in SENTENCES], 0)
    # NumPy's, because Python's loses a NaN.
    return float(np.max([*differences, np.abs(together - alone).max()]))


def logits_of(model, token_ids):
    """What the converted model says of one text: of its class, or of the next word."""
    if hasattr(model, "next_logits"):
        return model.next_logits(token_ids)[0]
    return model({"token_ids": token_ids, "lengths": tf.constant([token_ids.shape[1]])})


def import_image_model(kind, state_dict, arguments, folder):
    """An XResNet under whatever head: see `run`."""
    is_learner = kind == "image_classifier"
    convert = image_classifier_from_fastai if is_learner else xresnet_from_fastai
    model = convert(state_dict, activation=arguments.activation)
    labels = arguments.labels
    if labels is None and arguments.vocabulary is not None:
        labels = load_labels(arguments.vocabulary)
    labels = labels or numbered(model.output_shape[-1])
    kind = "vision_learner model" if is_learner else "XResNet"
    describe(kind, model, ignored_names(state_dict), (), labels)
    one_or_three = [v[0] if len(v) == 1 else v for v in (arguments.mean, arguments.std)]
    preprocessing = ImagePreprocessing(*one_or_three, crop_ratio=arguments.crop_ratio)
    size = (arguments.image_size, arguments.image_size)
    saved_model = folder / "saved_model"
    export_image_classifier(
        model, saved_model, labels, preprocessing, image_size=size, from_logits=True
    )
    model.save(folder / "model.keras")
    (folder / "preprocessing.json").write_text(json.dumps(preprocessing.to_dict(), indent=2) + "\n")

    serve = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    pictures = np.random.default_rng(0).integers(0, 256, (2, 300, 400, 3), "uint8")
    encoded = tf.stack([tf.io.encode_png(picture) for picture in pictures])
    logits = model(preprocessing(pictures, size), training=False)
    return largest_difference(serve(image_bytes=encoded)["probabilities"], logits)


def numbered(num_classes):
    """Labels for a model that came without."""
    print(f"No labels given: the {num_classes} classes are called by their numbers")
    return [str(number) for number in range(num_classes)]


def describe(kind, model, ignored, vocabulary=(), labels=()):
    """Prints what was found."""
    print(f"It is a {kind} of {model.count_params():,} parameters")
    if hasattr(model, "encoder"):
        widths = ", ".join(str(width) for width in model.encoder.widths)
        print(f"  embedding {model.encoder.settings['embed_size']}, LSTM layers of {widths}")
    if vocabulary:
        print(f"  {len(vocabulary):,} words")
    if len(labels):
        print(f"  {len(labels)} classes: {' '.join(labels[:10])}{' ...' * (len(labels) > 10)}")
    print(f"  {len(ignored)} tensors are copies or counters, for example {ignored[:2]}")


def largest_difference(probabilities, logits):
    """Between served probabilities and the softmax of logits."""
    return float(np.abs(probabilities - tf.nn.softmax(logits)).max())
