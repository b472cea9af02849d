"""A language model on the AWD-LSTM encoder, trained with its state carried between batches."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tfast.text.models.awd_lstm import AWDLSTM, TiedDecoder
from tfast.text.models.carried_states import CarriedStates
from tfast.text.models.chunked_loss import chunked_softmax_cross_entropy
from tfast.text.models.config import AWDLSTMConfig, take_config
from tfast.text.models.generation import continue_prompt
from tfast.text.models.perplexity import Perplexity
from tfast.text.models.regularization import (
    activation_regularization,
    temporal_activation_regularization,
)
from tfast.text.models.replicas import mean_loss_of_replica, prepare_data, refuse_clipping
from tfast.text.models.sampled_loss import sampled_softmax_cross_entropy
from tfast.types import Tensor, TensorLike


@keras.saving.register_keras_serializable(package="tfast")
class LanguageModel(keras.Model):
    """Predicts each token's successor; made for `fit` on the batches of `lm_batches`.

    Inputs are `{"token_ids": (batch, time) integers, "starts_anew": (batch,) bool}`, targets
    `(batch, time)` integers. The state continues from batch to batch, row by row; where
    `starts_anew` is true it starts with zeros. Training has a state of its own, and evaluation and
    prediction have theirs, so validating in the middle of an epoch changes nothing. Both are
    weights that do not train: checkpoints hold them.

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
        vocab_size: number of different token ids, where no `config` is given.
        config: an `AWDLSTMConfig`.
        alpha: weight of the activation regularization, in training.
        beta: weight of the temporal activation regularization, in training.
        max_batch_size: the largest batch whose state can be carried; smaller ones will do.
        num_candidates: from how many words the loss of training is estimated, see
            `sampled_softmax_cross_entropy`: two to three times as fast for a small model with a
            large vocabulary. At least the tokens of a batch. None for the exact loss, which
            evaluation always has.
        **options: fields of `AWDLSTMConfig` by name, where no `config` is given, with the
            defaults of `AWDLSTMConfig.for_language_model`; and `name`, `dtype`, `trainable`.

    Raises:
        ValueError: see `AWDLSTMConfig`; or `max_batch_size` is below 1.

    Source: Merity et al. 2017, Regularizing and Optimizing LSTM Language Models; fastai 2.8.12
        `language_model_learner` with `AWD_LSTM`, `RNNRegularizer`, `ModelResetter`.

    Examples:
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
        vocab_size: int | None = None,
        *,
        config: AWDLSTMConfig | None = None,
        alpha: float = 2.0,
        beta: float = 1.0,
        max_batch_size: int = 256,
        num_candidates: int | None = None,
        **options: Any,
    ) -> None:
        config = take_config(config, vocab_size, options)
        super().__init__(**options)
        self.alpha = alpha
        self.beta = beta
        self.num_candidates = num_candidates
        if num_candidates is not None:
            self.candidate_seed = keras.random.SeedGenerator(config.later_seeds(2)[1])
        dtype = self.dtype_policy
        self.encoder = AWDLSTM(config=config, dtype=dtype, name="encoder")
        self.output_dropout = keras.layers.SpatialDropout1D(
            config.rate("output_rate"),
            seed=config.later_seeds(1)[0],
            dtype=dtype,
            name="output_dropout",
        )
        self.decoder = TiedDecoder(config.vocab_size, dtype=dtype, name="decoder")
        self.carried_states = CarriedStates(
            self.encoder.state_widths, max_batch_size, dtype="float32", name="carried_states"
        )
        self.accuracy = keras.metrics.Mean(name="accuracy")
        self.perplexity = Perplexity(name="perplexity")
        self.built = True

    def call(self, inputs: dict[str, TensorLike], training: bool = False) -> dict[str, Tensor]:
        """Logits, hidden and dropped outputs; the carried state becomes the one after them."""
        states = self.carried_states.read(inputs["starts_anew"], training=training)
        hidden, states = self.encoder(inputs["token_ids"], states=states, training=training)
        self.carried_states.write(states, training=training)
        dropped = self.output_dropout(hidden, training=training)
        logits = self.decoder(dropped, self.encoder.embeddings)
        return {"logits": logits, "hidden": hidden, "dropped": dropped}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Mean cross-entropy, in training plus the regularizers; counts the metrics."""
        if sample_weight is not None:
            raise ValueError(
                "sample_weight must be None (every token counts the same), got another"
            )
        tensors = (y_pred["dropped"], self.encoder.embeddings, self.decoder.bias, y)
        if training and self.num_candidates is not None:
            loss, accuracy = sampled_softmax_cross_entropy(
                *tensors, num_candidates=self.num_candidates, seed=self.candidate_seed
            )
        else:
            loss, accuracy = chunked_softmax_cross_entropy(*tensors, with_gradient=training)
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

    def next_logits(
        self, token_ids: TensorLike, states: list[Tensor] | None = None
    ) -> tuple[Tensor, list[Tensor]]:
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

    def generate(
        self,
        prompt_ids: TensorLike,
        num_words: int,
        *,
        temperature: float = 1.0,
        min_probability: float = 0.0,
        seed: int | None = None,
    ) -> np.ndarray:
        """Continues a prompt. The unknown word is never written.

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
            ValueError: `prompt_ids` is something else, `num_words` is negative, `temperature` not
                above 0, or `min_probability` not in [0, 1).

        Source: fastai 2.8.12 `LMLearner.predict`.

        Examples:
            >>> model = LanguageModel(50, embed_size=4, hidden_size=6, num_layers=1)
            >>> model.generate([[3, 4, 5], [6, 7, 8]], 5, temperature=0.8, seed=0).shape
            (2, 5)
        """
        return continue_prompt(
            self.next_logits,
            prompt_ids,
            num_words,
            temperature=temperature,
            min_probability=min_probability,
            seed=seed,
        )

    def export(self, *positional: Any, **options: Any) -> None:
        """Refused with a ValueError: an export would carry its state between requests."""
        raise ValueError(
            "a LanguageModel must be exported by tfast.export.text.export_language_model, which "
            "takes strings and carries no state between requests, got a call of export()"
        )

    def get_config(self) -> dict[str, Any]:
        """Every argument, the fields of the config by name."""
        return {
            **super().get_config(),
            **self.encoder.settings,
            "alpha": self.alpha,
            "beta": self.beta,
            "max_batch_size": self.carried_states.max_batch_size,
            "num_candidates": self.num_candidates,
        }


def layer_groups(model: LanguageModel) -> list[list[keras.layers.Layer]]:
    """The groups for layer-wise rates: each LSTM, then the embedding with the tied decoder.

    Args:
        model: a `LanguageModel`.

    Returns:
        List of lists of layers.

    Source: fastai `awd_lstm_lm_split`: the shared table counts as the end of the model.

    Examples:
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
