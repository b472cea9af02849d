"""A language model on the AWD-LSTM encoder, trained with its state carried between batches."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tfast.text.models.awd_lstm import AWDLSTM, TiedDecoder, scaled_rate
from tfast.text.models.carried_states import CarriedStates
from tfast.text.models.chunked_loss import chunked_softmax_cross_entropy
from tfast.text.models.generation import draw_words
from tfast.text.models.regularization import (
    activation_regularization,
    temporal_activation_regularization,
)
from tfast.text.models.replicas import mean_loss_of_replica, prepare_data, refuse_clipping


@keras.saving.register_keras_serializable(package="tfast")
class LanguageModel(keras.Model):
    """Predicts each token's successor; made for `fit` on the batches of `lm_batches`.

    Inputs are `{"token_ids": (batch, time) integers, "starts_anew": (batch,) bool}`, targets
    `(batch, time)` integers. The state goes on from batch to batch, row by row; where
    `starts_anew` is true it starts with zeros. Training has a state of its own, and evaluation
    and prediction have theirs, so validating in the middle of an epoch changes nothing. Both
    are weights that do not train: checkpoints hold them.

    The result is a dict: `logits` `(batch, time, vocab)` float32, `hidden` and `dropped`
    `(batch, time, embed_size)`, the last layer before and after the output dropout. The loss is
    computed from `dropped` chunk by chunk: nothing in a compiled step of fit or evaluate asks
    for `logits`, and they are never made. `predict` makes them all: prefer `next_logits`.

    `fit` minimizes cross-entropy in nats, plus the two activation regularizers; `compile` needs
    an optimizer and no loss. Clip gradients by the optimizer's `global_clipnorm` (see
    `tfast.text.ulmfit`). Metrics: `accuracy` and `perplexity`, counted in the pass of the loss.
    They weigh all tokens alike, where Keras averages `loss` by rows and gives a short last
    window full weight: compare `val_perplexity`; `val_loss` is only near its logarithm.

    Args:
        vocab_size: number of different token ids.
        embed_size: see `AWDLSTM`, as for all that is not explained here.
        hidden_size: width of the layers between.
        num_layers: number of LSTM layers.
        output_rate: locked dropout of the last layer's output.
        hidden_rate: locked dropout between layers.
        input_rate: locked dropout of the embedded tokens.
        embedding_rate: dropout of whole words.
        weight_rate: dropout of recurrent weights.
        drop_mult: all five rates are multiplied by it.
        alpha: weight of the activation regularization, in training.
        beta: weight of the temporal activation regularization, in training.
        max_batch_size: the largest batch whose state can be carried; smaller ones will do.
        seed: integer, for masks that can be repeated.

    Raises:
        ValueError: a size below 1, or a rate times `drop_mult` outside [0, 1).

    Source: Merity et al. 2017, Regularizing and Optimizing LSTM Language Models; fastai
        `language_model_learner` with `AWD_LSTM`, `RNNRegularizer`, `ModelResetter`.

    Example:
        >>> import numpy as np
        >>> model = LanguageModel(50, embed_size=4, hidden_size=6, num_layers=2)
        >>> model.compile("adam")
        >>> ids = np.arange(40).reshape(4, 10)
        >>> inputs = {"token_ids": ids, "starts_anew": np.ones(4, bool)}
        >>> history = model.fit(inputs, ids + 1, batch_size=4, shuffle=False, verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'loss', 'perplexity']
        >>> model.generate([[3, 4, 5]], num_words=2, seed=0).shape
        (1, 2)
    """

    def __init__(
        self,
        vocab_size,
        *,
        embed_size=400,
        hidden_size=1152,
        num_layers=3,
        output_rate=0.1,
        hidden_rate=0.15,
        input_rate=0.25,
        embedding_rate=0.02,
        weight_rate=0.2,
        drop_mult=1.0,
        alpha=2.0,
        beta=1.0,
        max_batch_size=256,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.output_rate = output_rate
        self.alpha = alpha
        self.beta = beta
        self.encoder = AWDLSTM(
            vocab_size,
            embed_size=embed_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            input_rate=input_rate,
            hidden_rate=hidden_rate,
            embedding_rate=embedding_rate,
            weight_rate=weight_rate,
            drop_mult=drop_mult,
            seed=seed,
            dtype=self.dtype_policy,
            name="encoder",
        )
        self.output_dropout = keras.layers.SpatialDropout1D(
            scaled_rate("output_rate", output_rate, drop_mult),
            seed=self.encoder.seeds_behind(1)[0],
            dtype=self.dtype_policy,
            name="output_dropout",
        )
        self.decoder = TiedDecoder(vocab_size, dtype=self.dtype_policy, name="decoder")
        self.carried_states = CarriedStates(
            self.encoder.state_widths, max_batch_size, dtype="float32", name="carried_states"
        )
        self.accuracy = keras.metrics.Mean(name="accuracy")
        self.perplexity = Perplexity(name="perplexity")
        self.built = True

    def call(self, inputs, training=False):
        """Logits, hidden and dropped outputs; moves the carried state on."""
        states = self.carried_states.read(inputs["starts_anew"], training=training)
        hidden, states = self.encoder(inputs["token_ids"], states=states, training=training)
        self.carried_states.write(states, training=training)
        dropped = self.output_dropout(hidden, training=training)
        logits = self.decoder(dropped, self.encoder.embeddings)
        return {"logits": logits, "hidden": hidden, "dropped": dropped}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy, in training plus the regularizers; counts the metrics."""
        if sample_weight is not None:
            raise ValueError("sample_weight is not supported: every token counts the same")
        result = chunked_softmax_cross_entropy(
            y_pred["dropped"],
            self.encoder.embeddings,
            self.decoder.bias,
            y,
            with_gradient=training,
        )
        loss, accuracy = result
        num_tokens = ops.cast(ops.size(y), "float32")
        self.accuracy.update_state(accuracy, sample_weight=num_tokens)
        self.perplexity.update_state(ops.stop_gradient(loss), sample_weight=num_tokens)
        if training:
            loss += activation_regularization(y_pred["dropped"], self.alpha)
            loss += temporal_activation_regularization(y_pred["hidden"], self.beta)
        return mean_loss_of_replica(loss, y)

    def fit(self, x: Any = None, *positional: Any, **options: Any) -> keras.callbacks.History:
        """As `keras.Model.fit`."""
        refuse_clipping(self)
        if "validation_data" in options:
            options["validation_data"] = self._prepare(options["validation_data"])
        return super().fit(self._prepare(x), *positional, **options)

    def evaluate(self, x: Any = None, *positional: Any, **options: Any) -> Any:
        """As `keras.Model.evaluate`."""
        return super().evaluate(self._prepare(x), *positional, **options)

    def predict(self, x: Any, *positional: Any, **options: Any) -> Any:
        """As `keras.Model.predict`."""
        return super().predict(self._prepare(x), *positional, **options)

    def _prepare(self, data: Any) -> Any:
        return prepare_data(self, data, max_rows=self.carried_states.max_batch_size)

    def next_logits(self, token_ids, states=None):
        """Logits for the token after the last one; reads and changes no carried state.

        Args:
            token_ids: `(batch, time)`, integers.
            states: what an earlier call returned for the tokens before, or None.

        Returns:
            Logits `(batch, vocab)`, float32, and the states after the last token.
        """
        hidden, states = self.encoder(token_ids, states=states)
        embeddings = ops.convert_to_tensor(self.encoder.embeddings)
        return self.decoder(hidden[:, -1], embeddings), states

    def generate(self, prompt_ids, num_words, *, temperature=1.0, min_probability=0.0, seed=None):
        """Goes on writing after a prompt. The unknown word is never written.

        Args:
            prompt_ids: `(batch, time)`, integers; at least one token each.
            num_words: how many tokens to add.
            temperature: probabilities are raised to its inverse: below 1 the likely words
                become likelier still.
            min_probability: words less likely than this, before the temperature, are not
                taken, as long as one is likelier.
            seed: integer for a text that can be repeated, or None.

        Returns:
            The new token ids, int32 `(batch, num_words)`.

        Raises:
            ValueError: an empty prompt, `temperature` not above 0, or `min_probability` not in
                [0, 1).

        Source: fastai `LMLearner.predict`.
        """
        token_ids = np.asarray(prompt_ids, "int32")
        if token_ids.ndim != 2 or not token_ids.size:
            raise ValueError(f"prompt_ids must be (batch, time), not of shape {token_ids.shape}")
        random = np.random.default_rng(seed)
        words, states = np.zeros((len(token_ids), 0), "int32"), None
        for _ in range(num_words):
            logits, states = self.next_logits(token_ids, states)
            token_ids = draw_words(
                ops.convert_to_numpy(logits), random, temperature, min_probability
            )
            words = np.concatenate([words, token_ids], axis=1)
        return words

    def get_config(self):
        """Every argument as it was given."""
        return {
            **super().get_config(),
            **self.encoder.settings,
            "output_rate": self.output_rate,
            "alpha": self.alpha,
            "beta": self.beta,
            "max_batch_size": self.carried_states.max_batch_size,
        }


def layer_groups(model):
    """The groups for layer-wise rates: each LSTM, then the embedding with the tied decoder.

    Args:
        model: a `LanguageModel`.

    Returns:
        List of lists of layers.

    Source: fastai `awd_lstm_lm_split`: the shared table counts as the end of the model.

    Example:
        >>> model = LanguageModel(50, embed_size=4, hidden_size=6, num_layers=2)
        >>> [[layer.name for layer in group] for group in layer_groups(model)]
        [['lstm_1', 'carried_states'], ['lstm_2'], ['embedding', 'decoder']]
    """
    first, *others = model.encoder.lstms
    return [
        [first, model.carried_states],
        *([lstm] for lstm in others),
        [model.encoder.embedding, model.decoder],
    ]


@keras.saving.register_keras_serializable(package="tfast")
class Perplexity(keras.metrics.Mean):
    """The exponential of the mean cross-entropy: how many words the model wavers between.

    Example:
        >>> import math
        >>> metric = Perplexity()
        >>> metric.update_state([math.log(2.0), math.log(8.0)])
        >>> round(float(metric.result()), 4)
        4.0
    """

    def result(self):
        """A float32 scalar."""
        return ops.exp(super().result())
