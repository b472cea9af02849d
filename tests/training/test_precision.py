import keras
import numpy as np
import pytest

from tfast.training.precision import float32_output, set_precision

INPUTS = np.random.RandomState(0).standard_normal((16, 3)).astype("float32")
TARGETS = INPUTS @ np.float32([[1.0], [-2.0], [0.5]])


def compiled_model():
    layers = [keras.Input((3,)), keras.layers.Dense(1, name="dense"), float32_output()]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.1), "mse")
    return model


@pytest.mark.parametrize(
    ("precision", "computed"),
    [("float32", "float32"), ("float16", "float16"), ("bfloat16", "bfloat16")],
)
def test_each_precision_computes_in_its_dtype_keeps_float32_and_learns(precision, computed):
    set_precision(precision)
    model = compiled_model()
    assert model.get_layer("dense").compute_dtype == computed
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (
        precision == "float16"
    )
    losses = model.fit(INPUTS, TARGETS, 4, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2
    assert model.predict(INPUTS, verbose=0).dtype == np.float32


def test_a_step_that_overflows_changes_no_weight_and_no_moment():
    set_precision("float16")
    model = compiled_model()
    model.fit(INPUTS, TARGETS, 16, verbose=0)
    model.optimizer.dynamic_scale.assign(2.0**100)
    inner = model.optimizer.inner_optimizer
    before = [np.asarray(variable) for variable in [*model.weights, *inner.variables]]
    model.fit(INPUTS, TARGETS, 16, verbose=0)
    after = [np.asarray(variable) for variable in [*model.weights, *inner.variables]]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    assert float(model.optimizer.dynamic_scale) == 2.0**99
    model.optimizer.dynamic_scale.assign(1024.0)
    model.fit(INPUTS, TARGETS, 16, verbose=0)
    assert np.abs(model.weights[0] - before[0]).max() > 0.01


def test_another_word_is_refused():
    with pytest.raises(ValueError, match=r"precision must be one of .*bfloat16., got"):
        set_precision("mixed_float16")
