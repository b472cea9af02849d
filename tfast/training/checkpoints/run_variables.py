"""Everything that a training step reads or writes, on every device, by name."""

import dataclasses
from typing import Any

import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class RunVariable:
    """A variable, or its copy on one of several devices.

    Attributes:
        variable: the Keras variable.
        copy: what holds the values: `variable` itself, or TensorFlow's copy on a device.
    """

    variable: keras.Variable
    copy: Any

    def read(self) -> np.ndarray:
        """The values. Not a view of them where the backend may overwrite its memory."""
        return keras.ops.convert_to_numpy(self.copy)

    def assign(self, values: np.ndarray) -> None:
        """Sets the values."""
        self.copy.assign(values)


def run_variables(model: keras.Model) -> dict[str, RunVariable]:
    """Finds the variables of a compiled model, its optimizer and its metrics.

    Under a strategy of several devices each has copies of its own, and not all are alike: batch
    norm statistics, seeds and sums of metrics are those of the examples that the device saw.

    Returns:
        Variables named `model/0`, `optimizer/3`, `metrics/1`; copies on further devices
        `model/0/device 1` and so on.
    """
    kinds = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
    strategy = getattr(model, "distribute_strategy", None)  # of TensorFlow's models alone
    if strategy is not None and strategy.num_replicas_in_sync == 1:
        strategy = None
    found = {}
    for kind, variables in kinds.items():
        for index, variable in enumerate(variables):
            copies = [variable]
            if strategy is not None:
                copies = strategy.experimental_local_results(variable.value)
            for device, copy in enumerate(copies):
                name = f"{kind}/{index}/device {device}" if device else f"{kind}/{index}"
                found[name] = RunVariable(variable, copy)
    return found
