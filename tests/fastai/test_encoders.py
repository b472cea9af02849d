import numpy as np
import pytest

from tfast.fastai.encoders import encoder_from_fastai, encoder_to_fastai
from tfast.fastai.text_models import language_model_to_fastai
from tfast.text.models.awd_lstm import AWDLSTM
from tfast.text.models.language_model import LanguageModel

SIZES = {"embed_size": 6, "hidden_size": 8, "num_layers": 2}


def test_an_encoder_goes_to_fastai_and_back():
    model = LanguageModel(11, **SIZES)
    state = encoder_to_fastai(model.encoder)
    assert set(state) == {
        name.removeprefix("0.") for name in language_model_to_fastai(model) if name[0] == "0"
    }
    encoder = encoder_from_fastai(state, drop_mult=0.5)
    for ours, theirs in zip(model.encoder.weights, encoder.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def test_what_an_encoder_does_not_have_is_named():
    state = encoder_to_fastai(AWDLSTM(11, **SIZES))
    with pytest.raises(ValueError, match=r"left over 1\.decoder\.bias"):
        encoder_from_fastai(state | {"1.decoder.bias": np.ones(11)})
    del state["rnns.1.module.weight_ih_l0"]
    with pytest.raises(ValueError, match=r"missing rnns\.1\.module\.weight_ih_l0 \(24, 8\)"):
        encoder_from_fastai(state)
    with pytest.raises(ValueError, match=r"missing encoder\.weight: .* begin with 0\.encoder"):
        encoder_from_fastai({"0.encoder.weight": np.ones((2, 2))})
