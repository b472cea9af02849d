"""What callbacks carry from step to step, as named arrays."""

import keras
import numpy as np

from tfast.training.optimizers.keras_private import MODEL_CHECKPOINT_COUNTERS

# Keras's callbacks have no get_state: what theirs is, by name. None stands for nothing yet.
KERAS_STATES = {
    keras.callbacks.EarlyStopping: ("best", "wait", "stopped_epoch", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: ("best", *MODEL_CHECKPOINT_COUNTERS),
}


def get_callback_states(callbacks):
    """Collects the states of those callbacks that have some.

    A callback has one if it has `get_state()`, which returns a dict of arrays, and
    `set_state(dict)`; or if it is one of Keras's in `KERAS_STATES`.

    Args:
        callbacks: a list of Keras callbacks.

    Returns:
        A dict of NumPy arrays, named `callback/<class>/<which of this class>/<name>`.
    """
    return {
        f"{prefix}/{name}": np.asarray(value)
        for prefix, callback in _with_prefixes(callbacks)
        for name, value in _get_state(callback).items()
    }


def set_callback_states(callbacks, arrays):
    """Gives back what `get_callback_states` collected, to callbacks of the same kinds.

    Args:
        callbacks: a list of Keras callbacks.
        arrays: a dict of NumPy arrays; names of other things in it are passed over.
    """
    for prefix, callback in _with_prefixes(callbacks):
        start = f"{prefix}/"
        state = {
            name.removeprefix(start): array
            for name, array in arrays.items()
            if name.startswith(start)
        }
        if hasattr(callback, "set_state"):
            callback.set_state(state)
        else:
            _set_keras_state(callback, state)


def callback_names(callbacks):
    """Names of the callbacks that have a state: two runs with the same ones can go on as one.

    Example:
        >>> callback_names([keras.callbacks.EarlyStopping(), keras.callbacks.TerminateOnNaN()])
        ['callback/EarlyStopping/0']
    """
    return [prefix for prefix, _ in _with_prefixes(callbacks)]


def _with_prefixes(callbacks):
    seen = {}
    for callback in callbacks:
        if hasattr(callback, "get_state") or _keras_names(callback):
            kind = type(callback).__name__
            seen[kind] = seen.get(kind, -1) + 1
            yield f"callback/{kind}/{seen[kind]}", callback


def _keras_names(callback):
    return next((n for kind, n in KERAS_STATES.items() if isinstance(callback, kind)), ())


def _get_state(callback):
    if hasattr(callback, "get_state"):
        return callback.get_state()
    state = {}
    for name in _keras_names(callback):
        value = getattr(callback, name, None)
        if isinstance(value, list):
            state |= {f"{name}.{index}": array for index, array in enumerate(value)}
        elif value is not None:
            state[name] = value
    return state


def _set_keras_state(callback, state):
    for name in _keras_names(callback):
        array = state.get(name)
        parts = [key for key in state if key.startswith(f"{name}.")]  # in their order
        value = [state[key] for key in parts] or (None if array is None else array.item())
        setattr(callback, name, value)
