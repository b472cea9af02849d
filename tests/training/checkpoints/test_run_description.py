import json

import keras
import pytest
import tensorflow as tf
from small_runs import make_model

from tfast.training.checkpoints.run_description import describe_environment, describe_settings


def test_versions_and_switches_are_named_and_json_holds_them(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    described = describe_environment()
    assert json.loads(json.dumps(described)) == described
    assert described["keras"] == keras.__version__
    assert described["tensorflow"] == tf.__version__
    assert described["TF_ENABLE_ONEDNN_OPTS"] == "0"


def test_settings_are_those_given_and_what_the_run_is_made_of():
    callbacks = [keras.callbacks.EarlyStopping()]
    described = describe_settings(make_model(), callbacks, 2, 6, {"sizes": (1, 2)})
    assert described == {
        "epochs": 2,
        "steps_per_epoch": 6,
        "optimizer": "SGD",
        "dtype_policy": "float32",
        "callbacks": ["callback/EarlyStopping/0"],
        "sizes": [1, 2],
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1}])
def test_settings_that_json_cannot_hold_are_refused(value):
    with pytest.raises(ValueError, match=r"^settings must be a dict that JSON can hold: "):
        describe_settings(make_model(), [], 2, 6, {"x": value})
