"""Whether a run may go on from a checkpoint."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfast.training.checkpoints.run_variables import RunVariable
from tfast.types import PathLike


def check_same_settings(path: PathLike, saved: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Raises ValueError, naming each difference, if two dicts of settings are not equal."""
    different = differences(saved, ours)
    if different:
        raise ValueError(
            f"checkpoint={path} was made under other settings: {different}; "
            "set these as they were, remove the file to start again, or name another"
        )


def check_same_executions(path: PathLike, done: int, steps_per_execution: int) -> None:
    """Raises ValueError if no execution of a run begins where its checkpoint is.

    Args:
        path: the checkpoint, for the message.
        done: steps that the checkpoint has done of its epoch.
        steps_per_execution: of the model; the last one would run over the end of the epoch.
    """
    if done % steps_per_execution:
        raise ValueError(
            f"steps_per_execution must divide the {done} steps that checkpoint={path} has done "
            f"of its epoch, got {steps_per_execution}: compile the model with "
            f"steps_per_execution={math.gcd(done, steps_per_execution)}"
        )


def warn_of_other_environment(saved: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Warns that a run will not be bit-identical to one left alone, naming each difference."""
    different = differences(saved, ours)
    if different:
        warnings.warn(
            f"the run goes on, but not bit-identical: the checkpoint was made with {different}",
            stacklevel=4,  # whoever called `resumable_fit`
        )


def check_same_variables(
    path: PathLike, arrays: Mapping[str, np.ndarray], variables: Mapping[str, RunVariable]
) -> None:
    """Raises ValueError if stored arrays are not those of these variables.

    Args:
        path: the checkpoint, for the message.
        arrays: NumPy arrays by name; those named `callback/...` are passed over.
        variables: what they are to be set to, by name.
    """
    saved = {name for name in arrays if not name.startswith("callback/")}
    problem = None
    if saved != variables.keys():
        problem = f"it holds {len(saved)} variables, model, optimizer and metrics {len(variables)}"
    for name in sorted(saved & variables.keys()):
        array, variable = arrays[name], variables[name].variable
        if not problem and (array.shape, array.dtype.name) != (variable.shape, variable.dtype):
            problem = (
                f"{variable.path} is {variable.dtype} {tuple(variable.shape)}, "
                f"there {array.dtype.name} {array.shape}"
            )
    if problem:
        raise ValueError(f"checkpoint={path} is of another model: {problem}")


def differences(saved: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """Each setting that is not equal, with both values; empty where there is none."""
    missing = "(not set)"
    return ", ".join(
        f"{name}={saved.get(name, missing)!r} (now {ours.get(name, missing)!r})"
        for name in sorted(saved.keys() | ours.keys())
        if saved.get(name, missing) != ours.get(name, missing)
    )
