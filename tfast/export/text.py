"""Text models as SavedModels that take raw strings."""

import keras
import tensorflow as tf

from tfast.export.saved_model import check_class_names, classify, save_signatures
from tfast.text.documents import pad_documents
from tfast.text.models.generation import sample_words

NUM_LIKELY_WORDS = 10

TEXT = tf.TensorSpec([None], tf.string, name="text")


def export_text_classifier(
    model, tokenizer, vocabulary, directory, class_names, *, reverse=False, overwrite=False
):
    """Saves a text classifier with its tokenizer and vocabulary: raw strings in, labels out.

    The signature `serving_default` takes `text`, strings `(batch,)`, and returns
    `probabilities`, float32 `(batch, classes)`, and `labels`, strings `(batch,)`. It does in
    the graph what was done for training, and keeps nothing between requests. TensorFlow alone
    loads it (and TensorFlow Text where the tokenizer splits by SentencePiece).

    On two cores one text is answered fastest with a thread for each operation::

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(2)

    Args:
        model: takes `{"token_ids": int32 (batch, time), "lengths": int32 (batch,)}`, padded
            behind, and returns logits `(batch, classes)`, as a `TextClassifier` does.
        tokenizer: the layer from strings `(batch,)` to ragged tokens it was trained with.
        vocabulary: the `Vocabulary` it was trained with.
        directory: where the SavedModel shall stand.
        class_names: a name for each class, in the order of the logits.
        reverse: whether the model was trained on documents from their end: a backward model alone.
        overwrite: whether an existing directory may be replaced.

    Raises:
        ValueError: the directory exists, or the names do not fit the model.
    """
    lookup = vocabulary.lookup_layer()

    class_names = check_class_names(class_names, num_classes(model))

    def label(texts):
        documents = tf.cast(lookup(tokenizer(texts)), "int32")
        logits = model(pad_documents(documents, reverse=reverse), training=False)
        return classify(logits, class_names)

    save_signatures(
        {"serving_default": (label, [TEXT])},
        directory,
        parts=[model, tokenizer, lookup],
        overwrite=overwrite,
    )


def export_language_model(
    model,
    tokenizer,
    vocabulary,
    directory,
    *,
    num_words=20,
    temperature=1.0,
    min_probability=0.0,
    overwrite=False,
):
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
        directory: where the SavedModel shall stand.
        num_words: how many words `generate` adds.
        temperature: of `generate`, as in `LanguageModel.generate`.
        min_probability: of `generate`, as in `LanguageModel.generate`.
        overwrite: whether an existing directory may be replaced.

    Raises:
        ValueError: the directory exists, or an argument out of range.
    """
    if num_words < 1 or temperature <= 0 or not 0 <= min_probability < 1:
        raise ValueError(
            "num_words must be at least 1, temperature above 0 and min_probability in [0, 1); "
            f"got {num_words}, {temperature} and {min_probability}"
        )
    lookup, inverse_lookup = vocabulary.lookup_layer(), vocabulary.inverse_lookup_layer()

    @tf.function(input_signature=[TEXT])  # one graph for both signatures
    def read(texts):
        return pad_documents(tf.cast(lookup(tokenizer(texts)), "int32"))

    def predict(texts):
        probabilities = tf.nn.softmax(_logits_at_ends(model, read(texts)))
        likeliest = tf.math.top_k(probabilities, NUM_LIKELY_WORDS).indices
        return {"probabilities": probabilities, "words": inverse_lookup(likeliest)}

    def generate(texts, seed):
        def draw(logits, step):
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
        overwrite=overwrite,
    )


def num_classes(model):
    """The width of what a classifier of texts returns."""
    inputs = {
        "token_ids": keras.KerasTensor((None, None), "int32"),
        "lengths": keras.KerasTensor((None,), "int32"),
    }
    return model.compute_output_spec(inputs).shape[-1]


def _logits_at_ends(model, inputs):
    hidden, _ = model.encoder(inputs["token_ids"])
    last = tf.gather(hidden, inputs["lengths"] - 1, batch_dims=1)
    return model.decoder(last, keras.ops.convert_to_tensor(model.encoder.embeddings))


def _generate(model, inputs, num_words, draw):
    """Word by word through prompts and what follows, so that rows may differ in length.

    After each token every row draws a next word; inside its prompt it then reads the prompt's
    own instead. Rows with short prompts draw more words than they need.
    """
    token_ids, lengths = inputs["token_ids"], inputs["lengths"]
    batch, time = tf.unstack(tf.shape(token_ids))
    num_steps = time + num_words - 1

    def read_and_draw(step, drawn, states, all_drawn):
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
    places = lengths[:, None] - 1 + tf.range(num_words)
    return tf.gather(tf.transpose(all_drawn.stack()), places, batch_dims=1)
