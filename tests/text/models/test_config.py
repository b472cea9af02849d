import numpy as np
import pytest

from tfast.text.models.awd_lstm import AWDLSTM
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.config import AWDLSTMConfig
from tfast.text.models.language_model import LanguageModel

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 2}


def test_presets_are_those_of_fastai():
    language_model = AWDLSTMConfig.for_language_model(60_000)
    assert language_model == AWDLSTMConfig(60_000, 400, 1152, 3, 0.1, 0.15, 0.25, 0.02, 0.2, 1.0)
    classifier = AWDLSTMConfig.for_classifier(60_000)
    assert classifier == AWDLSTMConfig(60_000, 400, 1152, 3, 0.4, 0.3, 0.4, 0.05, 0.5, 1.0)
    assert AWDLSTMConfig.for_classifier(9, weight_rate=0.1).weight_rate == 0.1


def test_rates_are_multiplied_and_seeds_are_distinct():
    config = AWDLSTMConfig(20, **SIZES, drop_mult=0.5, weight_rate=0.4, seed=7)
    assert config.rate("weight_rate") == 0.2
    assert config.seeds() + config.later_seeds(2) == list(range(7, 7 + 5 + 2))
    assert AWDLSTMConfig(20, **SIZES).later_seeds(2) == [None, None]


@pytest.mark.parametrize(
    "make", [AWDLSTM, LanguageModel, lambda *a, **k: TextClassifier(*a, 3, **k)]
)
def test_models_take_the_config_or_its_fields(make):
    fields = {**SIZES, "drop_mult": 0.5, "seed": 1, "weight_rate": 0.3}
    assert make(20, **fields).get_config()["weight_rate"] == 0.3
    assert make(20, **SIZES, name="model").name == "model"


def test_models_take_a_config_alone():
    config = AWDLSTMConfig.for_classifier(20, **SIZES, seed=3)
    for model in (LanguageModel(config=config), TextClassifier(num_classes=3, config=config)):
        assert model.encoder.config is config
        assert type(model).from_config(model.get_config()).encoder.config == config


def test_integers_of_numpy_pass_and_can_be_written():
    config = AWDLSTMConfig(np.int64(20), hidden_size=np.int32(6), seed=np.int64(1))
    assert {type(x) for x in (config.vocab_size, config.hidden_size, config.seed)} == {int}


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: AWDLSTMConfig(0), "vocab_size must be a whole number of at least 1, got 0"),
        (lambda: AWDLSTMConfig(9, num_layers=1.5), "num_layers must be a whole number"),
        (lambda: AWDLSTMConfig(9, seed="a"), "seed must be a whole number"),
        (
            lambda: AWDLSTMConfig(9, hidden_rate=0.6, drop_mult=2.0),
            r"hidden_rate times drop_mult must be in \[0, 1\), got 0.6 times 2.0",
        ),
        (lambda: AWDLSTMConfig(9, drop_mult=None), "times drop_mult must be in"),
        (lambda: LanguageModel(), "vocab_size must be a whole number of at least 1, got None"),
        (lambda: LanguageModel(config={}), "config must be an AWDLSTMConfig, got {}"),
        (
            lambda: LanguageModel(9, config=AWDLSTMConfig(9), seed=1),
            "config must be given alone, got vocab_size, seed besides",
        ),
    ],
)
def test_bad_arguments_are_named(act, message):
    with pytest.raises(ValueError, match=message):
        act()
