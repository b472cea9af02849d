"""Loading saved models whose layers, optimizers or schedules are tfast's."""

import importlib
import importlib.util
from typing import Any

import keras

from tfast.types import PathLike

# Every module that registers a class with Keras; a test keeps the list complete.
_REGISTERING = (
    "tfast.text.models.awd_lstm",
    "tfast.text.models.blended",
    "tfast.text.models.carried_states",
    "tfast.text.models.classifier",
    "tfast.text.models.dropouts",
    "tfast.text.models.forward_backward",
    "tfast.text.models.language_model",
    "tfast.text.models.perplexity",
    "tfast.text.models.tfidf",
    "tfast.text.models.weight_drop",
    "tfast.training.batch_norm",
    "tfast.training.joined_schedules",
    "tfast.training.optimizers.fused_adam",
    "tfast.training.optimizers.lookahead",
    "tfast.training.optimizers.rectified_adam",
    "tfast.training.schedules",
    "tfast.vision.layers.residual_blocks",
    "tfast.vision.layers.self_attention",
)
_REGISTERING_WITH_TENSORFLOW = (
    "tfast.text.tokenization.sentencepiece_splitter",
    "tfast.text.tokenization.tokenizer",
)


def load_model(path: PathLike, **options: Any) -> keras.Model:
    """Loads a `.keras` file of a model that tfast made or trained.

    Keras finds a class only after the module that defines it was imported. This imports all
    of tfast's, then calls `keras.saving.load_model`.

    Args:
        path: the file.
        **options: what `keras.saving.load_model` takes, such as `compile=False`.

    Returns:
        The model.

    Raises:
        ValueError: as `keras.saving.load_model` does.

    Examples:
        >>> import pathlib, tempfile
        >>> from tfast.vision import xresnet18
        >>> path = pathlib.Path(tempfile.mkdtemp(), "model.keras")
        >>> xresnet18(10).save(path)
        >>> load_model(path).name
        'xresnet18'
    """
    register()
    return keras.saving.load_model(path, **options)


def register() -> None:
    """Makes all classes of tfast known to Keras, so that its own functions load them."""
    for name in _REGISTERING:
        importlib.import_module(name)
    if importlib.util.find_spec("tensorflow") is not None:
        for name in _REGISTERING_WITH_TENSORFLOW:
            importlib.import_module(name)
