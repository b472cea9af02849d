import json

import keras
import tensorflow as tf

from tfast.training.checkpoints.run_description import describe_environment


def test_versions_and_switches_are_named_and_json_holds_them(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    described = describe_environment()
    assert json.loads(json.dumps(described)) == described
    assert described["keras"] == keras.__version__
    assert described["tensorflow"] == tf.__version__
    assert described["TF_ENABLE_ONEDNN_OPTS"] == "0"
