import keras
import numpy as np
import pytest

from tfast.training.checkpoints.compatibility import (
    check_same_executions,
    check_same_settings,
    check_same_variables,
    warn_of_other_environment,
)
from tfast.training.checkpoints.run_variables import RunVariable


def test_each_setting_that_differs_is_named():
    check_same_settings("run.npz", {"seed": 1}, {"seed": 1})
    with pytest.raises(
        ValueError, match=r"run.npz was .*: a=1 \(now '\(not set\)'\), b=2 \(now 3\);"
    ):
        check_same_settings("run.npz", {"a": 1, "b": 2, "c": 0}, {"b": 3, "c": 0})


@pytest.mark.parametrize(("done", "steps", "fits"), [(3, 2, 1), (4, 6, 2)])
def test_executions_that_would_run_over_the_epoch_are_refused(done, steps, fits):
    for possible in (1, fits, done):
        check_same_executions("run.npz", done, possible)
    check_same_executions("run.npz", 0, steps)
    message = f"must divide the {done} steps .*run.npz .*, got {steps}: .*execution={fits}$"
    with pytest.raises(ValueError, match=f"^steps_per_execution {message}"):
        check_same_executions("run.npz", done, steps)


def test_another_environment_is_a_warning_and_the_same_is_none():
    warn_of_other_environment({"keras": "1"}, {"keras": "1"})
    with pytest.warns(UserWarning, match="not bit-identical: .*keras='1' .now '2'"):
        warn_of_other_environment({"keras": "1"}, {"keras": "2"})


def test_variables_of_another_number_shape_or_dtype_are_refused():
    variable = keras.Variable(np.zeros((2, 3), "float32"), name="kernel")
    fits = {"model/0": np.zeros((2, 3), "float32"), "callback/A/0/best": np.ones(())}
    check_same_variables("run.npz", fits, {"model/0": RunVariable(variable, variable)})
    for arrays, message in (
        ({}, "it holds 0 variables, model, optimizer and metrics 1"),
        ({"model/0": np.zeros((3, 2), "float32")}, r"there float32 \(3, 2\)"),
        ({"model/0": np.zeros((2, 3), "float64")}, r"kernel is float32 \(2, 3\), there float64"),
    ):
        with pytest.raises(ValueError, match=message):
            check_same_variables("run.npz", arrays, {"model/0": RunVariable(variable, variable)})
