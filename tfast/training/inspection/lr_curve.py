"""The curve of the learning-rate range test, and four ways to read it."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclasses.dataclass(frozen=True)
class LearningRateCurve:
    """Smoothed losses over learning rates, and what they suggest.

    Attributes:
        rates: array (steps,) of growing learning rates.
        losses: array (steps,) of smoothed losses.
        skip_start: points at the start that the suggestions leave out.
        skip_end: points at the end that the suggestions and the plot leave out.

    Examples:
        >>> rates = np.geomspace(1e-4, 1.0, 5)
        >>> LearningRateCurve(rates, np.array([3.0, 2.9, 1.0, 0.9, 7.0])).steep
        0.001

    Source: fastai `valley`, `steep`, `minimum`, `slide`.
    """

    rates: np.ndarray
    losses: np.ndarray
    skip_start: int = 0
    skip_end: int = 0

    @property
    def valley(self) -> float:
        """The rate two thirds down the longest stretch of falling losses: a good default."""
        rates, losses = self._looked_at()
        lengths = np.ones(len(losses), int)  # of the longest falling subsequence up to each
        for i in range(1, len(losses)):
            higher = losses[:i] > losses[i]
            lengths[i] = 1 + np.max(lengths[:i], where=higher, initial=0)
        end = int(np.argmax(lengths))
        start = end - lengths[end] if end else 0
        third = (end - start) / 3
        return float(rates[max(start + int(third) + int(third / 2), 0)])

    @property
    def steep(self) -> float:
        """The rate at which the loss falls fastest."""
        rates, losses = self._looked_at()
        return float(rates[np.argmin(np.diff(losses) / np.diff(np.log(rates)))])

    @property
    def minimum(self) -> float:
        """A tenth of the rate with the lowest loss."""
        rates, losses = self._looked_at()
        return float(rates[np.argmin(losses)] / 10)

    @property
    def slide(self) -> float:
        """Where a rule of 15 points, slid down from the end, has the same slope at both ends."""
        rates, losses = self._looked_at()
        slopes = np.gradient(losses)
        left = max(len(losses) - 16, 0)
        rule = len(losses) - 1 - left
        found = rates[left]
        while left >= 0 and abs(slopes[left + rule] - slopes[left]) > 0.005:
            found = rates[left]
            left -= 1
        return float(found)

    @property
    def suggestions(self) -> dict[str, float]:
        """A dict of all four."""
        return {name: getattr(self, name) for name in ("valley", "steep", "minimum", "slide")}

    def plot(self, axes: "Axes | None" = None) -> "Axes":
        """Draws the curve and the suggestions.

        Args:
            axes: matplotlib axes; new ones by default.

        Returns:
            The axes.
        """
        from matplotlib import pyplot

        if axes is None:
            _, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
        shown = slice(0, max(len(self.rates) - self.skip_end, 2))
        axes.plot(self.rates[shown], self.losses[shown], color="0.35")
        for marker, (name, rate) in zip("osD^", self.suggestions.items(), strict=True):
            loss = np.interp(np.log(rate), np.log(self.rates), self.losses)
            axes.plot(rate, loss, marker, markersize=8, label=f"{name} {rate:.1e}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss")
        axes.grid(alpha=0.3)
        axes.legend()
        return axes

    def _looked_at(self) -> tuple[np.ndarray, np.ndarray]:
        part = slice(self.skip_start, len(self.rates) - self.skip_end)
        if len(self.rates[part]) < 2:  # a short curve is looked at whole
            part = slice(None)
        return self.rates[part], self.losses[part]
