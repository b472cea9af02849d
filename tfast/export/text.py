"""Text models as SavedModels that take raw strings."""

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from tfast.arguments import fraction, positive_number, whole_number
from tfast.export.saved_model import check_class_names, classify, save_signatures
from tfast.export.warmup import text_requests
from tfast.text.documents import pad_documents
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.generation import sample_words
from tfast.text.models.language_model import LanguageModel
from tfast.text.models.sizes import num_classes, vocabulary_size
from tfast.text.vocabulary import Vocabulary
from tfast.types import PathLike, Tensor

NUM_LIKELY_WORDS = 10

TEXT = tf.TensorSpec([None], tf.string, name="text")


def export_text_classifier(
    model: keras.Model,
    tokenizer: keras.Layer,
    vocabulary: Vocabulary,
    directory: PathLike,
    class_names: Sequence[str],
    *,
    reverse: bool = False,
    max_tokens: int | None = None,
    multi_label: bool = False,
    overwrite: bool = False,
) -> None:
    """Saves a text classifier with its tokenizer and vocabulary: raw strings in, labels out.

    The signature `serving_default` takes `text`, strings `(batch,)`, and returns
    `probabilities`, float32 `(batch, classes)`; `labels`, strings `(batch,)`, the name of the
    most probable class; and `class_names`, strings `(batch, classes)`, the names in order, in
    each row as TensorFlow Serving wants it. It does in the graph what was done for training,
    and keeps nothing between requests. TensorFlow alone loads it (and TensorFlow Text where the
    tokenizer splits by SentencePiece).

    On two cores one text is answered fastest with a thread for each operation::

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(2)

    Args:
        model: takes `{"token_ids": int32 (batch, time), "lengths": int32 (batch,)}`, padded
            after the end, and returns logits `(batch, classes)`, as a `TextClassifier` or a
            `BlendedClassifier` does.
        tokenizer: the layer from strings `(batch,)` to ragged tokens it was trained with.
        vocabulary: the `Vocabulary` it was trained with.
        directory: the folder to write. It appears whole or not at all.
        class_names: a name for each class, in the order of the logits.
        reverse: whether the model was trained on documents from their end: a backward model alone,
            and no `BlendedClassifier`, which reads pairs of words forwards.
        max_tokens: of a longer text only its last `max_tokens` tokens are read, so that one
            request cannot keep a server busy: time grows with the length of a text, and a
            megabyte of `a-a-a-` is a million tokens. None for no limit.
        multi_label: whether a text may have any number of the classes: each has a probability
            of its own (the sigmoid of its logit), and there are no `labels`. Otherwise a text
            has exactly one.
        overwrite: whether an existing directory may be replaced.

    Raises:
        ValueError: the directory exists, the names do not fit the model, `max_tokens` is below
            1, a `BlendedClassifier` with `reverse` or `multi_label`, the vocabulary has not as many
            words as the model, or the model has one output (as of a regression) without
            `multi_label`.

    Examples:
        >>> import pathlib, tempfile
        >>> from tfast.text import TextClassifier, TextTokenizer
        >>> tokenizer, folder = TextTokenizer(), pathlib.Path(tempfile.mkdtemp(), "classifier")
        >>> vocabulary = Vocabulary.from_tokens([tokenizer(tf.constant(["a good film"]))])
        >>> model = TextClassifier(len(vocabulary), 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> export_text_classifier(model, tokenizer, vocabulary, folder, ["bad", "good"])
        >>> classify = tf.saved_model.load(folder).signatures["serving_default"]
        >>> classify(text=tf.constant(["A film!"]))["probabilities"].shape
        TensorShape([1, 2])
    """
    class_names = check_class_names(class_names, num_classes(model), multi_label=multi_label)
    check_blend(model, reverse=reverse, multi_label=multi_label)
    check_vocabulary(model, vocabulary)
    if max_tokens is not None:
        max_tokens = whole_number("max_tokens", max_tokens)
    lookup = vocabulary.lookup_layer()

    def label(texts: Tensor) -> dict[str, Tensor]:
        tokens = tokenizer(texts)
        if max_tokens is not None:
            tokens = tokens[:, -max_tokens:]
        documents = tf.cast(lookup(tokens), "int32")
        logits = model(pad_documents(documents, reverse=reverse), training=False)
        return classify(logits, class_names, multi_label=multi_label)

    save_signatures(
        {"serving_default": (label, [TEXT])},
        directory,
        parts=[model, tokenizer, lookup],
        warmup=text_requests(),
        overwrite=overwrite,
    )


def export_language_model(
    model: LanguageModel,
    tokenizer: keras.Layer,
    vocabulary: Vocabulary,
    directory: PathLike,
    *,
    num_words: int = 20,
    temperature: float = 1.0,
    min_probability: float = 0.0,
    overwrite: bool = False,
) -> None:
    """Saves a language model with its tokenizer and vocabulary: raw strings in, words out.

    The signature `serving_default` takes `text`, strings `(batch,)`, and returns
    `probabilities`, float32 `(batch, vocab)`, of each word of the vocabulary to come next, and
    `words`, strings `(batch, 10)`, the likeliest ones. The signature `generate` takes `text`
    and `seed`, an int32 scalar, and returns `words`, strings `(batch, num_words)`: the same for
    the same seed and batch. Both keep nothing between requests.

    Args:
        model: a forward `LanguageModel`.
        tokenizer: the layer from strings `(batch,)` to ragged tokens it was trained with.
        vocabulary: the `Vocabulary` it was trained with.
        directory: the folder to write. It appears whole or not at all.
        num_words: how many words `generate` adds.
        temperature: of `generate`, as in `LanguageModel.generate`.
        min_probability: of `generate`, as in `LanguageModel.generate`.
        overwrite: whether an existing directory may be replaced.

    Raises:
        ValueError: the directory exists, the vocabulary has not as many words as the model, or an
            argument is out of range.
    """
    check_vocabulary(model, vocabulary)
    num_words = whole_number("num_words", num_words)
    temperature = positive_number("temperature", temperature)
    min_probability = fraction("min_probability", min_probability)
    lookup, inverse_lookup = vocabulary.lookup_layer(), vocabulary.inverse_lookup_layer()

    @tf.function(input_signature=[TEXT])  # one graph for both signatures
    def read(texts: Tensor) -> dict[str, Tensor]:
        return pad_documents(tf.cast(lookup(tokenizer(texts)), "int32"))

    def predict(texts: Tensor) -> dict[str, Tensor]:
        probabilities = tf.nn.softmax(_logits_at_ends(model, read(texts)))
        likeliest = tf.math.top_k(probabilities, NUM_LIKELY_WORDS).indices
        return {"probabilities": probabilities, "words": inverse_lookup(likeliest)}

    def generate(texts: Tensor, seed: Tensor) -> dict[str, Tensor]:
        def draw(logits: Tensor, step: Tensor) -> Tensor:
            noise = tf.random.stateless_uniform(tf.shape(logits), tf.stack([seed, step]))
            return sample_words(
                logits, noise, temperature=temperature, min_probability=min_probability
            )

        return {"words": inverse_lookup(_generate(model, read(texts), num_words, draw))}

    seed = tf.TensorSpec([], tf.int32, name="seed")
    save_signatures(
        {"serving_default": (predict, [TEXT]), "generate": (generate, [TEXT, seed])},
        directory,
        # Not the model as a whole, which has the states it carries in training among its weights.
        parts=[model.encoder, model.decoder, tokenizer, lookup, inverse_lookup],
        warmup=[*text_requests(), ("generate", {"text": ["A short text."], "seed": 0})],
        overwrite=overwrite,
    )


def check_blend(model: keras.Model, **options: bool) -> None:
    """Raises a ValueError where an option is True that a `BlendedClassifier` cannot have."""
    wrong = [name for name, value in options.items() if value]
    if wrong and isinstance(model, BlendedClassifier):
        raise ValueError(f"{wrong[0]} must be False for a BlendedClassifier, got True")


def check_vocabulary(model: keras.Model, vocabulary: Vocabulary) -> None:
    """Raises a ValueError where a vocabulary has not as many words as the model."""
    size = vocabulary_size(model)
    if size not in (None, len(vocabulary)):
        raise ValueError(
            f"vocabulary must have the {size} words of the model, got {len(vocabulary)}"
        )


def _logits_at_ends(model: LanguageModel, inputs: Mapping[str, Tensor]) -> Tensor:
    hidden, _ = model.encoder(inputs["token_ids"])
    last = tf.gather(hidden, inputs["lengths"] - 1, batch_dims=1)
    return model.decoder(last, keras.ops.convert_to_tensor(model.encoder.embeddings))


def _generate(
    model: LanguageModel,
    inputs: Mapping[str, Tensor],
    num_words: int,
    draw: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Word by word through prompts and what follows, so that rows may differ in length.

    After each token every row draws a next word; inside its prompt it then reads the prompt's
    own instead. Rows with short prompts draw more words than they need.
    """
    token_ids, lengths = inputs["token_ids"], inputs["lengths"]
    batch, time = tf.unstack(tf.shape(token_ids))
    num_steps = time + num_words - 1

    def read_and_draw(
        step: Tensor, drawn: Tensor, states: list[Tensor], all_drawn: tf.TensorArray
    ) -> tuple[Tensor, Tensor, list[Tensor], tf.TensorArray]:
        token = tf.where(step < lengths, token_ids[:, tf.minimum(step, time - 1)], drawn)
        logits, states = model.next_logits(token[:, None], states)
        drawn = draw(logits, step)
        return step + 1, drawn, states, all_drawn.write(step, drawn)

    nothing = tf.zeros([batch], "int32"), model.encoder.initial_states(batch)
    *_, all_drawn = tf.while_loop(
        lambda step, *_: step < num_steps,
        read_and_draw,
        [0, *nothing, tf.TensorArray("int32", num_steps)],
    )
    # The word drawn at a prompt's last token is the first new one.
    positions = lengths[:, None] - 1 + tf.range(num_words)
    return tf.gather(tf.transpose(all_drawn.stack()), positions, batch_dims=1)
