"""Activation and gradient statistics while training: what happens inside, in time to see it."""

import json
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import keras
import numpy as np

from tfast.arguments import whole_number
from tfast.training.inspection.probe import Probe
from tfast.training.optimizers.keras_private import all_layers, strategy_scope

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Series: TypeAlias = dict[str, list[float]]  # for each layer a number at each step measured

# A layer whose weights are smaller was just initialised with zeros: no scale to measure with.
_SMALLEST_WEIGHTS = 1e-3  # root mean square
_NUMBERS = ("steps", "means", "standard_deviations", "near_zero_shares", "gradient_ratios")


class TrainingStatistics(keras.callbacks.Callback):
    """Measures activations and gradients every few steps, warns, and plots what it saw.

    The measuring is a training step of its own on a batch of its own, that of `data`, which
    changes nothing: not a weight, not a moment, no batch norm statistic, seed or metric. So
    the step that trains stays the one Keras compiled, bit by bit, and two measurements differ
    by what was learnt between them and not by their batches. The price: the gradients are
    those of this batch, not those that were applied. One measurement costs one training step
    of the same batch size (the first one is also compiled), so that with `every=10` and half
    a training batch the cost is about 5%, and with a whole one 10%.

    Args:
        layers: layers of the model, or their names, whose outputs are measured. Of a layer
            with several outputs, the first; of one that is called several times, the last
            call. Their gradients, and those of all other layers, are measured in any case.
        data: a batch as `fit` takes it, `(inputs, targets)` or with sample weights; one from
            the training data, so that its losses mean what they mean there.
        every: steps from one measurement to the next; the first step is measured.
        near_zero: activations below this in absolute value count as near zero.
        dead_share: a layer is dead when more of its activations are near zero, and their
            standard deviation has not grown since the measurement before (as it does where a
            block is initialised with zeros).
        exploding: a layer explodes when the standard deviation of its activations, or the
            norm of its gradient in relation to that of its weights, is larger. The latter is
            not asked of weights whose root mean square is below 0.001.
        histogram_range: activations between which the histogram has its bins. What lies
            outside counts in the outermost ones.
        num_bins: of the histogram.

    Attributes:
        steps: list of ints, the steps measured, the first one of the first `fit` being 1.
        means, standard_deviations, near_zero_shares: dict from each layer's name to a list of
            floats, one for each step measured.
        histograms: dict from each layer's name to a list of float arrays `(num_bins,)`,
            fractions of its activations (of at most 65,536 of them).
        gradient_ratios: dict from the path of each layer with trainable weights to a list of
            floats: norm of the gradient divided by norm of the weights.

    Raises:
        ValueError: a number is out of its range, there is no layer, or (when `fit` begins) one
            that the model does not have, or two of the same name.

    Warns:
        UserWarning: a layer is dead, explodes, or is not finite, with its name and the step;
            each kind once for each layer.

    Examples:
        >>> import numpy as np
        >>> hidden = keras.layers.Dense(8, activation="relu", name="hidden")
        >>> model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> batch = np.ones((16, 4)), np.ones((16, 1))
        >>> statistics = TrainingStatistics(["hidden"], batch, every=2)
        >>> history = model.fit(*batch, batch_size=4, callbacks=[statistics], verbose=0)
        >>> statistics.steps, len(statistics.means["hidden"])
        ([1, 3], 2)

    `resume.resumable_fit` goes on with the statistics too.

    Source: fastai `ActivationStats` and its `color_dim`, fast.ai Part 2 (2019), lesson 10.
    Differs: fastai hooks into the step itself, and measures no gradients.
    """

    def __init__(
        self,
        layers: Iterable[keras.Layer | str],
        data: tuple[Any, ...],
        *,
        every: int = 10,
        near_zero: float = 0.05,
        dead_share: float = 0.99,
        exploding: float = 1e3,
        histogram_range: tuple[float, float] = (-10.0, 10.0),
        num_bins: int = 80,
    ) -> None:
        super().__init__()
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("layers must be layers or names of layers, got none")
        if not histogram_range[0] < histogram_range[1]:
            raise ValueError(f"histogram_range must rise, got {histogram_range!r}")
        self.data = data
        self.every = whole_number("every", every)
        self.near_zero = near_zero
        self.dead_share = dead_share
        self.exploding = exploding
        self.histogram_range = histogram_range
        self.num_bins = whole_number("num_bins", num_bins)
        self.steps: list[int] = []
        self.means: Series = {}
        self.standard_deviations: Series = {}
        self.near_zero_shares: Series = {}
        self.histograms: dict[str, list[np.ndarray]] = {}
        self.gradient_ratios: Series = {}
        self._step = self._next = 0
        self._batch = -1
        self._probe: Probe | None = None
        self._warned: set[tuple[str, str]] = set()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Finds the layers."""
        found = _find_layers(self.model, self.layers)
        if self._probe is not None and self._probe.belongs_to(self.model):
            return  # compiled in the fit before
        with strategy_scope(self.model):  # of two processors, both measure the batch
            self._probe = Probe(
                self.model,
                found,
                near_zero=self.near_zero,
                histogram_range=self.histogram_range,
                num_bins=self.num_bins,
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Lets the batches count from 0 again."""
        self._batch = -1

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures where its turn has come."""
        self._step += batch - self._batch
        self._batch = batch
        if self._step > self._next:
            self._next = self._step - 1 + self.every
            self.measure(self._step)

    def measure(self, step: int) -> None:
        """Measures now, and records it for a step. Within `fit`, between two steps."""
        if self._probe is None:
            raise RuntimeError("TrainingStatistics measures inside of fit")
        with strategy_scope(self.model):
            activations, histograms, ratios = self._probe.measure(self.data)
        self.steps.append(step)
        for name, (mean, deviation, share), histogram in zip(
            self._probe.names, activations, histograms, strict=True
        ):
            self.means.setdefault(name, []).append(mean)
            self.standard_deviations.setdefault(name, []).append(deviation)
            self.near_zero_shares.setdefault(name, []).append(share)
            self.histograms.setdefault(name, []).append(histogram)
            self._judge_activations(name, step)
        for name, (ratio, weights) in ratios.items():
            earlier = [math.nan] * (len(self.steps) - 1)  # frozen until now
            self.gradient_ratios.setdefault(name, earlier).append(ratio)
            self._judge_gradient(name, step, ratio, weights)
        for values in self.gradient_ratios.values():
            values += [math.nan] * (len(self.steps) - len(values))

    def plot(self) -> "Figure":
        """Draws the histograms over time, a panel for each layer, and curves for all below.

        Returns:
            A matplotlib `Figure`.

        Raises:
            ValueError: nothing was measured yet.
        """
        from tfast.training.inspection.statistics_plot import plot_statistics

        return plot_statistics(self)

    def get_state(self) -> dict[str, np.ndarray]:
        """All that a resumed run needs, as a dict of NumPy arrays."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        numbers |= {"counters": [self._step, self._next, self._batch]}
        numbers |= {"warned": sorted(self._warned)}
        state = {"numbers": np.frombuffer(json.dumps(numbers).encode(), "uint8")}
        return state | {f"histograms.{name}": np.array(h) for name, h in self.histograms.items()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `get_state` gave."""
        numbers = json.loads(np.asarray(state["numbers"]).tobytes())
        for name in _NUMBERS:
            setattr(self, name, numbers[name])
        self._step, self._next, self._batch = numbers["counters"]
        self._warned = {tuple(kind) for kind in numbers["warned"]}
        self.histograms = {
            name.removeprefix("histograms."): list(shares)
            for name, shares in state.items()
            if name.startswith("histograms.")
        }

    def _judge_activations(self, name: str, step: int) -> None:
        mean, share = self.means[name][-1], self.near_zero_shares[name][-1]
        *earlier, deviation = self.standard_deviations[name]
        if not (math.isfinite(mean) and math.isfinite(deviation)):
            self._warn("activations that are not finite", name, step)
        elif deviation > self.exploding:
            self._warn(f"exploding activations, standard deviation {deviation:.3g}", name, step)
        elif share > self.dead_share and earlier and deviation <= earlier[-1]:
            self._warn(f"dead activations, {share:.1%} of them near zero", name, step)

    def _judge_gradient(self, name: str, step: int, ratio: float, weights: float) -> None:
        if not math.isfinite(ratio):
            self._warn("a gradient that is not finite", name, step)
        elif ratio > self.exploding and weights > _SMALLEST_WEIGHTS:
            self._warn(f"an exploding gradient, {ratio:.3g} times its weights", name, step)

    def _warn(self, what: str, name: str, step: int) -> None:
        kind = (name, what.split(",")[0])
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(f"layer {name} has {what}, at step {step}", stacklevel=2)


def _find_layers(model: keras.Model, wanted: Iterable[keras.Layer | str]) -> list[keras.Layer]:
    every = {layer.name: layer for layer in all_layers(model, include_self=False)}
    found = []
    for layer in wanted:
        name = layer if isinstance(layer, str) else layer.name
        if name not in every or (not isinstance(layer, str) and every[name] is not layer):
            raise ValueError(f"layers: model {model.name!r} has no layer {name!r}")
        found.append(every[name])
    if len({layer.name for layer in found}) < len(found):
        raise ValueError(f"layers: a name comes twice in {[layer.name for layer in found]}")
    return found
