"""The hyper-parameters of AWD-LSTM, in one list."""

import dataclasses
from collections.abc import Callable
from typing import Any

from tfast import arguments


@dataclasses.dataclass(frozen=True)
class AWDLSTMConfig:
    """Sizes and rates of dropout of an AWD-LSTM encoder and of what follows it.

    The defaults are those of a language model; `for_classifier` has those of a classifier. Every
    model that takes a config takes its fields by name, too.

    fastai's names and ours:

        emb_sz     embed_size          embed_p    embedding_rate
        n_hid      hidden_size         input_p    input_rate
        n_layers   num_layers          hidden_p   hidden_rate
        output_p   output_rate         weight_p   weight_rate
        drop_mult  drop_mult

    Args:
        vocab_size: number of different token ids.
        embed_size: width of the embedding and of the last LSTM layer.
        hidden_size: width of the LSTM layers between.
        num_layers: number of LSTM layers.
        output_rate: dropout of what the encoder returns: locked in a language model, plain in a
            classifier, where it is applied to what is pooled.
        hidden_rate: locked dropout between LSTM layers.
        input_rate: locked dropout of the embedded tokens.
        embedding_rate: dropout of whole words.
        weight_rate: dropout of recurrent weights.
        drop_mult: these five rates are multiplied by it.
        seed: integer, for masks that can be repeated; None for others each time.

    Raises:
        ValueError: a size is below 1, or a rate times `drop_mult` is not in [0, 1).

    Source: Merity et al. 2017, Regularizing and Optimizing LSTM Language Models; fastai 2.8.12
        `awd_lstm_lm_config` and `awd_lstm_clas_config`.

    Examples:
        >>> AWDLSTMConfig(60_000, drop_mult=0.5).rate("weight_rate")
        0.1
        >>> AWDLSTMConfig.for_classifier(60_000, num_layers=2).weight_rate
        0.5
    """

    vocab_size: int
    embed_size: int = 400
    hidden_size: int = 1152
    num_layers: int = 3
    output_rate: float = 0.1
    hidden_rate: float = 0.15
    input_rate: float = 0.25
    embedding_rate: float = 0.02
    weight_rate: float = 0.2
    drop_mult: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("vocab_size", "embed_size", "hidden_size", "num_layers"):
            # As integers of Python, which JSON can write.
            object.__setattr__(self, name, arguments.whole_number(name, getattr(self, name)))
        if self.seed is not None:
            seed = arguments.whole_number("seed", self.seed, minimum=None)
            object.__setattr__(self, "seed", seed)
        for field in dataclasses.fields(self):
            if field.name.endswith("_rate"):
                self.rate(field.name)  # for its check

    @classmethod
    def for_language_model(cls, vocab_size: int, **changes: Any) -> "AWDLSTMConfig":
        """The preset of a language model: the defaults, with changes by name."""
        return cls(vocab_size, **changes)

    @classmethod
    def for_classifier(cls, vocab_size: int, **changes: Any) -> "AWDLSTMConfig":
        """The preset of a text classifier, with changes by name."""
        return cls(vocab_size, **(CLASSIFIER_RATES | changes))

    def rate(self, name: str) -> float:
        """A rate of dropout as it is applied: times `drop_mult`.

        Raises:
            ValueError: the product is not in [0, 1).
        """
        rate = getattr(self, name)
        try:
            return arguments.fraction(name, rate * self.drop_mult)
        except (TypeError, ValueError):
            raise ValueError(
                f"{name} times drop_mult must be in [0, 1), got {rate} times {self.drop_mult}"
            ) from None

    def seeds(self) -> list[int | None]:
        """A seed for each dropout of an encoder: two a layer, and one for the embedding."""
        return self._seeds(0, 2 * self.num_layers + 1)

    def later_seeds(self, count: int) -> list[int | None]:
        """Seeds that no dropout of the encoder has, for those of a model around it."""
        return self._seeds(2 * self.num_layers + 1, count)

    def _seeds(self, start: int, count: int) -> list[int | None]:
        return [None if self.seed is None else self.seed + start + i for i in range(count)]


CLASSIFIER_RATES = {
    "output_rate": 0.4,
    "hidden_rate": 0.3,
    "input_rate": 0.4,
    "embedding_rate": 0.05,
    "weight_rate": 0.5,
}


def take_config(
    config: AWDLSTMConfig | None,
    vocab_size: int | None,
    options: dict[str, Any],
    preset: Callable[..., AWDLSTMConfig] = AWDLSTMConfig.for_language_model,
) -> AWDLSTMConfig:
    """The config of a model that was given one, or its fields by name.

    Args:
        config: what was given, or None.
        vocab_size: what was given, or None.
        options: keyword arguments of the model; fields of the config are taken out of it.
        preset: makes the config where none was given.

    Raises:
        ValueError: neither a config nor the size of a vocabulary, or a config with fields.

    Examples:
        >>> options = {"num_layers": 2, "name": "model"}
        >>> take_config(None, 50, options).num_layers, options
        (2, {'name': 'model'})
    """
    names = [field.name for field in dataclasses.fields(AWDLSTMConfig)]
    fields = {name: options.pop(name) for name in names if name in options}
    if config is None:
        return preset(vocab_size, **fields)
    if not isinstance(config, AWDLSTMConfig):
        raise ValueError(f"config must be an AWDLSTMConfig, got {config!r}")
    if vocab_size is not None or fields:
        names = [*(["vocab_size"] if vocab_size is not None else []), *fields]
        raise ValueError(f"config must be given alone, got {', '.join(names)} besides")
    return config
