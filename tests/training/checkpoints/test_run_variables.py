import keras
import numpy as np
from checks import two_replicas

from tfast.training.checkpoints.run_variables import run_variables


def make_model():
    norm = keras.layers.BatchNormalization(center=False, scale=False)
    model = keras.Sequential([keras.Input((2,)), norm])
    model.compile("sgd", "mse")
    model.optimizer.build([])
    return model


def test_model_optimizer_and_metrics_are_named():
    model = make_model()
    found = run_variables(model)
    assert list(found)[:3] == ["model/0", "model/1", "optimizer/0"]
    assert found["model/0"].copy is model.variables[0]
    found["model/1"].assign(np.float32([3, 4]))
    assert found["model/1"].read().tolist() == model.variables[1].numpy().tolist() == [3, 4]


def test_copies_on_two_devices_are_told_apart():
    with two_replicas().scope():
        model = make_model()
    found = run_variables(model)
    assert list(found)[:4] == ["model/0", "model/0/device 1", "model/1", "model/1/device 1"]
    found["model/0"].assign(np.float32([1, 2]))
    found["model/0/device 1"].assign(np.float32([3, 4]))
    assert run_variables(model)["model/0"].read().tolist() == [1, 2]
    assert run_variables(model)["model/0/device 1"].read().tolist() == [3, 4]
