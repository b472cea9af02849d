"""How long a run took and how fast it was, through all its resumptions."""

import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


class Stopwatch(keras.callbacks.Callback):
    """Measures `fit`; `resumable_fit` carries on its counts.

    Attributes:
        seconds: spent in `fit`, validation included.
        training_seconds: spent on the `batches` counted for the rate.
        batches: training batches after the first ones of each epoch, which wait for the
            compiler and for the data.

    Examples:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> stopwatch = Stopwatch()
        >>> data = np.ones((8, 1)), np.ones((8, 1))
        >>> history = model.fit(*data, batch_size=2, callbacks=[stopwatch], verbose=0)
        >>> stopwatch.batches, stopwatch.seconds > stopwatch.training_seconds > 0
        (3, True)
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds = self.training_seconds = 0.0
        self.batches = 0
        self._now = 0.0
        self._last_batch: int | None = None

    @property
    def steps_per_second(self) -> float:
        """Training steps per second; 0 where none was counted."""
        return self.batches / self.training_seconds if self.batches else 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts."""
        self._now = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Lets the next batch be the first."""
        self._last_batch = None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts the batches since the last call."""
        passed = self._pass()
        if self._last_batch is not None:
            self.training_seconds += passed
            self.batches += batch - self._last_batch
        self._last_batch = batch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts the validation's time."""
        self._pass()

    def _pass(self) -> float:
        before, self._now = self._now, time.perf_counter()
        self.seconds += self._now - before
        return self._now - before

    def get_state(self) -> dict[str, np.ndarray]:
        """The counts, as a dict of arrays."""
        return {"counts": np.array([self.seconds, self.training_seconds, self.batches])}

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes on from what `get_state` gave."""
        self.seconds, self.training_seconds, batches = state["counts"].tolist()
        self.batches = int(batches)
