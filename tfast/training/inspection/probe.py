"""A training step that measures and changes nothing, on every backend of Keras."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tfast.training.optimizers.keras_private import (
    all_layers,
    compilation,
    own_trainable_variables,
    variable_index,
)
from tfast.training.optimizers.untracked import wrap_method
from tfast.types import Tensor

# Histograms look at no more activations of a layer than this.
MOST_IN_HISTOGRAM = 2**16
# Float16 gradients are measured at this scale; `LossScaleOptimizer` would drop some.
FLOAT16_SCALE = 1024.0


class Probe:
    """Measures activations of some layers, and gradients of all, on one batch.

    It is a second model around the first, with an optimizer that writes norms down instead of
    stepping. So Keras compiles it as it compiles the model's own step.

    Args:
        model: a compiled model, built.
        layers: list of its layers.
        near_zero, histogram_range, num_bins: see `TrainingStatistics`.
    """

    def __init__(self, model: keras.Model, layers: Sequence[keras.Layer], **options: Any) -> None:
        self.names = [layer.name for layer in layers]
        self._model = model
        self._layers = layers
        self._options = options
        self._measured: Any = None
        self._compiled_as: Any = None
        self._trainable: list[int] | None = None

    def belongs_to(self, model: keras.Model) -> bool:
        """Whether it can go on measuring this model."""
        return model is self._model

    def measure(
        self, batch: tuple[Any, ...]
    ) -> tuple[list[list[float]], list[np.ndarray], dict[str, tuple[float, float]]]:
        """Runs the step.

        Args:
            batch: `(inputs, targets)` or `(inputs, targets, sample_weights)`.

        Returns:
            Mean, standard deviation and fraction near zero, floats `(layers, 3)`; histograms,
            `(layers, num_bins)`; and a dict from layer paths to `(gradient norm / weight norm,
            root mean square of the weights)`.
        """
        model = self._model
        if hasattr(model, "jax_state_sync"):
            model.jax_state_sync()  # in the middle of `fit` the variables are empty
        trainable = [id(variable) for variable in model.trainable_variables]
        # The first time, after freezing, and after `compile`: another loss may be measured then.
        if trainable != self._trainable or compilation(model) is not self._compiled_as:
            self._measured = _compiled(_MeasuredModel(model, self._layers, **self._options))
            self._trainable, self._compiled_as = trainable, compilation(model)
        with _unchanged(model.non_trainable_variables + model.metrics_variables):
            self._measured.train_on_batch(*batch)
        moments = ops.convert_to_numpy(self._measured.moments).tolist()
        histograms = list(ops.convert_to_numpy(self._measured.histograms))
        return moments, histograms, self._gradient_ratios()

    def _gradient_ratios(self) -> dict[str, tuple[float, float]]:
        norms = ops.convert_to_numpy(self._measured.optimizer.squared_norms)
        squared = {
            id(variable): pair
            for variable, pair in zip(self._model.trainable_variables, norms, strict=True)
        }
        ratios = {}
        for layer in all_layers(self._model):
            own = [v for v in own_trainable_variables(layer) if id(v) in squared]
            if own:
                pairs = [squared[id(v)] for v in own]
                gradient, weights = np.sqrt(np.sum(pairs, axis=0, dtype="float64"))
                size = sum(math.prod(v.shape) for v in own)
                path = (layer.path or layer.name).removeprefix(f"{self._model.name}/")
                with np.errstate(invalid="ignore"):  # infinite both
                    ratio = float(gradient / max(weights, 1e-12))
                ratios[path] = ratio, float(weights) / math.sqrt(size)
        return ratios


class _MeasuredModel(keras.Model):
    """The model, with the outputs of some layers measured in passing."""

    def __init__(
        self,
        inner: keras.Model,
        layers: Sequence[keras.Layer],
        *,
        near_zero: float,
        histogram_range: tuple[float, float],
        num_bins: int,
    ) -> None:
        super().__init__(name="measured", dtype=inner.dtype_policy)
        self.inner = inner
        self.near_zero = near_zero
        self.histogram_range = histogram_range
        self.num_bins = num_bins
        self._measured_layers = list(layers)
        zeros = {"initializer": "zeros", "trainable": False, "dtype": "float32"}
        self.moments = self.add_weight((len(layers), 3), aggregation="mean", **zeros)
        self.histograms = self.add_weight((len(layers), num_bins), aggregation="mean", **zeros)

    def build(self, input_shape: Any) -> None:
        """The inner model is built."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        outputs: dict[str, Tensor] = {}
        with contextlib.ExitStack() as stack:
            for layer in self._measured_layers:
                stack.enter_context(_outputs_kept(layer, outputs))
            result = self.inner(inputs, training=training)
        activations = [outputs[layer.name] for layer in self._measured_layers]
        self.moments.assign(ops.stack([self._moments(values) for values in activations]))
        self.histograms.assign(ops.stack([self._histogram(values) for values in activations]))
        return result

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        return self.inner.compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )

    @property
    def metrics(self) -> list[keras.Metric]:
        # What the inner loss may count.
        return [*super().metrics, *self.inner.metrics]

    def _moments(self, values: Tensor) -> Tensor:
        near_zero = ops.cast(ops.abs(values) < self.near_zero, "float32")
        return ops.stack([ops.mean(values), ops.std(values), ops.mean(near_zero)])

    def _histogram(self, values: Tensor) -> Tensor:
        values = ops.reshape(values, (-1,))
        # An odd stride meets all channels, whose number is mostly even.
        stride = max(1, values.shape[0] // MOST_IN_HISTOGRAM) if values.shape[0] else 1
        values = values[:: stride | 1]
        low, high = self.histogram_range
        bins = ops.floor((values - low) * (self.num_bins / (high - low)))
        bins = ops.cast(ops.clip(bins, 0, self.num_bins - 1), "int32")
        counts = ops.segment_sum(ops.ones_like(values), bins, num_segments=self.num_bins)
        return counts / ops.sum(counts)


class _NormRecorder(keras.optimizers.Optimizer):
    """Writes down the squared norms of gradients and weights, and steps nowhere."""

    def __init__(self, gradient_scale: float) -> None:
        super().__init__(0.0, name="norm_recorder")
        self.gradient_scale = gradient_scale

    def scale_loss(self, loss: Tensor) -> Tensor:
        return loss * self.gradient_scale

    def build(self, variables: list[keras.Variable]) -> None:
        if not self.built:
            super().build(variables)
            shape = (len(variables), 2)
            self.squared_norms = self.add_variable(shape, dtype="float32", name="squared_norms")

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        index = variable_index(self, variable)
        # Made dense: TensorFlow gives an embedding's in slices, several of them for one row.
        gradient = ops.zeros(variable.shape, "float32") + ops.cast(gradient, "float32")
        pair = [gradient / self.gradient_scale, ops.cast(variable, "float32")]
        pair = [ops.sum(ops.square(values)) for values in pair]
        self.squared_norms.assign(
            ops.scatter_update(self.squared_norms, [[index]], ops.stack([ops.stack(pair)]))
        )


def _compiled(measured: _MeasuredModel) -> _MeasuredModel:
    model = measured.inner
    recorder = _NormRecorder(FLOAT16_SCALE if model.compute_dtype == "float16" else 1.0)
    measured.compile(recorder, jit_compile=model.jit_compile, auto_scale_loss=False)
    measured.built = True
    return measured


@contextlib.contextmanager
def _outputs_kept(layer: keras.Layer, outputs: dict[str, Tensor]) -> Iterator[None]:
    """While it lasts, the layer's call leaves its output, as float32, in a dict."""

    def call(original: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        outputs[layer.name] = ops.cast(keras.tree.flatten(result)[0], "float32")
        return result

    undo = wrap_method(layer, "call", call)
    try:
        yield
    finally:
        undo()


@contextlib.contextmanager
def _unchanged(variables: Sequence[keras.Variable]) -> Iterator[None]:
    """Gives variables the values back that they have now."""
    # Copies: JAX gives the memory of what goes into a step to what comes out.
    values = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
