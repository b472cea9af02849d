"""What the numbers of a run depend on: its settings, and where it runs."""

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from tfast.arguments import whole_number
from tfast.training.checkpoints.callback_states import callback_names


def describe_environment() -> dict[str, str | int | None]:
    """Versions, processors and switches, as a dict of strings and integers.

    Examples:
        >>> sorted(describe_environment())[:3]
        ['TF_ENABLE_ONEDNN_OPTS', 'keras', 'machine']
    """
    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        backend: sys.modules[backend].__version__,
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "unset"),
        "machine": platform.machine(),
        # Sums are split among as many threads.
        "processors": os.cpu_count(),
    }


def describe_settings(
    model: keras.Model,
    callbacks: Iterable[keras.callbacks.Callback],
    epochs: int,
    steps_per_epoch: int,
    settings: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What two runs must have in common, as JSON gives it back: tuples become lists.

    Args:
        model: a compiled Keras model.
        callbacks: as in `resumable_fit`, like the others.
        epochs: how many.
        steps_per_epoch: batches in each.
        settings: further ones.

    Raises:
        ValueError: the model is not compiled, does not do whole epochs, or JSON cannot hold the
            settings.
    """
    if not getattr(model, "compiled", False):
        raise ValueError("model is not compiled: call model.compile(...) before the fit")
    steps_per_execution = whole_number("steps_per_execution", model.steps_per_execution)
    if steps_per_epoch % steps_per_execution:
        raise ValueError(
            f"steps_per_epoch must be a multiple of the model's steps_per_execution="
            f"{steps_per_execution}, or an epoch would run over, got {steps_per_epoch}"
        )
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    known = {
        "epochs": epochs,
        "steps_per_epoch": steps_per_epoch,
        "optimizer": type(optimizer).__name__,
        "dtype_policy": model.dtype_policy.name,
        "callbacks": callback_names(callbacks),
    }
    try:
        # NaN is not equal to itself: no run could go on under it.
        return json.loads(json.dumps(dict(settings or {}) | known, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"settings must be a dict that JSON can hold: {error}") from error
