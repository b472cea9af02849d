"""What callbacks carry from step to step, as named arrays."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras.callbacks import Callback

from tfast.training.optimizers.keras_private import (
    MODEL_OF_CALLBACK,
    SAVING_COUNTERS,
    SWAPPED,
    TENSORBOARD_COUNTERS,
)

# Keras's callbacks have no get_state: what theirs is, by name. None means nothing yet.
KERAS_STATES: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("best", "wait", "stopped_epoch", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: ("best", *SAVING_COUNTERS),
    keras.callbacks.OrbaxCheckpoint: ("best", *SAVING_COUNTERS),
    keras.callbacks.SwapEMAWeights: SWAPPED,
    keras.callbacks.TensorBoard: TENSORBOARD_COUNTERS,
}
# Its counters number what it writes, and nothing else.
_OPTIONAL = keras.callbacks.TensorBoard
# Those that carry nothing that counts. `CSVLogger`: see `continue_files`.
_STATELESS_OF_KERAS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.History,
    keras.callbacks.LambdaCallback,
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ProgbarLogger,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TerminateOnNaN,
)


def check_callbacks(callbacks: Iterable[Callback]) -> None:
    """Raises a ValueError that names a callback which cannot take part in a resumable run."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise ValueError(
                "callbacks must not hold BackupAndRestore: it goes back to checkpoints of its own"
            )


def get_callback_states(callbacks: Iterable[Callback]) -> dict[str, np.ndarray]:
    """Collects the states of those callbacks that have some.

    A callback has one if it has `get_state()`, which returns a dict of arrays, and
    `set_state(dict)`; or if it is one of Keras's in `KERAS_STATES`.

    Args:
        callbacks: Keras callbacks.

    Returns:
        NumPy arrays, named `callback/<class>/<which of this class>/<name>`.
    """
    return {
        f"{prefix}/{name}": np.asarray(value)
        for prefix, callback in _with_prefixes(callbacks)
        for name, value in _get_state(callback).items()
    }


def set_callback_states(callbacks: Iterable[Callback], arrays: Mapping[str, np.ndarray]) -> None:
    """Gives back what `get_callback_states` collected, to callbacks of the same kinds.

    Args:
        callbacks: Keras callbacks.
        arrays: NumPy arrays; names of other things in it are passed over.
    """
    for prefix, callback in _with_prefixes(callbacks):
        start = f"{prefix}/"
        state = {
            name.removeprefix(start): array
            for name, array in arrays.items()
            if name.startswith(start)
        }
        if not state:
            continue
        if hasattr(callback, "set_state"):
            callback.set_state(state)
        else:
            _set_keras_state(callback, state)


def callback_names(callbacks: Iterable[Callback]) -> list[str]:
    """Names of the callbacks whose state a run needs: two with the same ones can go on as one.

    Not those that set `state_is_optional`: checkpoints of earlier versions have no state of them.

    Examples:
        >>> callback_names([keras.callbacks.EarlyStopping(), keras.callbacks.TerminateOnNaN()])
        ['callback/EarlyStopping/0']
    """
    return [
        prefix
        for prefix, callback in _with_prefixes(callbacks)
        if not getattr(callback, "state_is_optional", isinstance(callback, _OPTIONAL))
    ]


def continue_files(callbacks: Iterable[Callback]) -> None:
    """Keeps callbacks from overwriting the file that they wrote before the interruption."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.CSVLogger):
            callback.append = True


def values_of_attributes(callbacks: Iterable[Callback]) -> list[dict[str, Any]]:
    """What the attributes of each callback hold, to find out later which have changed."""
    return [{k: _value(v) for k, v in vars(c).items()} for c in callbacks]


def attributes_not_saved(
    callbacks: Sequence[Callback], before: Sequence[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Attributes that have changed and that no state holds, by the class of their callback.

    Args:
        callbacks: Keras callbacks.
        before: what `values_of_attributes` gave for them.
    """
    found: dict[str, list[str]] = {}
    for callback, old in zip(callbacks, before, strict=True):
        if not _is_known(callback):
            known = {MODEL_OF_CALLBACK, "params", *_keras_names(callback)}
            names = vars(callback).keys() - known
            changed = [name for name in names if old.get(name) != _value(vars(callback)[name])]
            if changed:
                found[type(callback).__name__] = sorted(changed)
    return found


def warn_of_attributes_not_saved(
    callbacks: Iterable[Callback], not_saved: Mapping[str, Sequence[str]]
) -> None:
    """Warns of callbacks that begin again where the run goes on."""
    for name in sorted({type(callback).__name__ for callback in callbacks} & not_saved.keys()):
        warnings.warn(
            f"the run goes on, but the callback {name} begins again: the checkpoint does not hold "
            f"its {', '.join(not_saved[name])}; give it get_state() and set_state(dict), or set "
            "its stateless = True if it carries nothing",
            stacklevel=4,  # whoever called `resumable_fit`
        )


def _value(value: Any) -> Any:
    """Something that is another one when the value is: for plain values, lists and dicts."""
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    if isinstance(value, dict):
        return {key: _value(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.name, value.shape, value.tobytes()
    is_plain = isinstance(value, bool | int | float | str | bytes | set | None)
    return set(value) if isinstance(value, set) else value if is_plain else id(value)


def _is_known(callback: Callback) -> bool:
    if hasattr(callback, "get_state") or getattr(callback, "stateless", False):
        return True
    # Subclasses may carry more.
    return type(callback) in KERAS_STATES or type(callback) in _STATELESS_OF_KERAS


def _with_prefixes(callbacks: Iterable[Callback]) -> Iterator[tuple[str, Callback]]:
    seen: dict[str, int] = {}
    for callback in callbacks:
        if hasattr(callback, "get_state") or _keras_names(callback):
            kind = type(callback).__name__
            seen[kind] = seen.get(kind, -1) + 1
            yield f"callback/{kind}/{seen[kind]}", callback


def _keras_names(callback: Callback) -> tuple[str, ...]:
    return next((n for kind, n in KERAS_STATES.items() if isinstance(callback, kind)), ())


def _get_state(callback: Callback) -> Mapping[str, Any]:
    if hasattr(callback, "get_state"):
        return callback.get_state()
    state: dict[str, Any] = {}
    for name in _keras_names(callback):
        value = getattr(callback, name, None)
        if isinstance(value, list):
            state |= {f"{name}.{index}": array for index, array in enumerate(value)}
        elif value is not None:
            state[name] = value
    return state


def _set_keras_state(callback: Callback, state: Mapping[str, np.ndarray]) -> None:
    for name in _keras_names(callback):
        array = state.get(name)
        parts = [key for key in state if key.startswith(f"{name}.")]  # in their order
        value = [state[key] for key in parts] or (None if array is None else array.item())
        setattr(callback, name, value)
