import sys

import numpy as np

import tfast
from tfast.text.models.classifier import TextClassifier
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.vision.xresnet import xresnet


def test_saved_models_are_loaded_without_tensorflow(tmp_path):
    assert sys.modules["tensorflow"] is None
    models = [
        xresnet(3, block_counts=(1,), expansion=1, stem_widths=(8,)),
        TextClassifier(9, 2, embed_size=4, hidden_size=6, num_layers=1),
    ]
    for model in models:
        model.compile(FusedAdam(0.1), "mse")
        model.optimizer.build(model.trainable_variables)
        model.save(tmp_path / "model.keras")
        loaded = tfast.load_model(tmp_path / "model.keras")
        assert type(loaded) is type(model)
        for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
