"""Whether a run may go on from a checkpoint."""

import warnings


def check_same_settings(path, saved, ours):
    """Raises ValueError, naming each difference, if two dicts of settings are not equal."""
    differences = _differences(saved, ours)
    if differences:
        raise ValueError(
            f"checkpoint={path} was made under other settings: {differences}; "
            "set these as they were, remove the file to start anew, or name another"
        )


def warn_of_other_environment(saved, ours):
    """Warns that a run will not be the same to the bit, naming each difference."""
    differences = _differences(saved, ours)
    if differences:
        warnings.warn(
            f"the run goes on, but not to the bit: the checkpoint was made with {differences}",
            stacklevel=4,  # whoever called `resumable_fit`
        )


def check_same_variables(path, arrays, variables):
    """Raises ValueError if stored arrays are not those of these variables.

    Args:
        path: the checkpoint, for the message.
        arrays: dict of NumPy arrays; those named `callback/...` are passed over.
        variables: dict of Keras variables.
    """
    saved = {name for name in arrays if not name.startswith("callback/")}
    problem = None
    if saved != variables.keys():
        problem = f"it holds {len(saved)} variables, model, optimizer and metrics {len(variables)}"
    for name in sorted(saved & variables.keys()):
        array, variable = arrays[name], variables[name]
        if not problem and (array.shape, array.dtype.name) != (variable.shape, variable.dtype):
            problem = (
                f"{variable.path} is {variable.dtype} {tuple(variable.shape)}, "
                f"there {array.dtype.name} {array.shape}"
            )
    if problem:
        raise ValueError(f"checkpoint={path} is of another model: {problem}")


def _differences(saved, ours):
    missing = "(not set)"
    return ", ".join(
        f"{name}={saved.get(name, missing)!r} (now {ours.get(name, missing)!r})"
        for name in sorted(saved.keys() | ours.keys())
        if saved.get(name, missing) != ours.get(name, missing)
    )
