"""Each tensor of each kind of model, replaced by something odd: one error that names it."""

import numpy as np
import pytest

from tfast.fastai import (
    language_model_from_fastai,
    language_model_to_fastai,
    text_classifier_from_fastai,
    text_classifier_to_fastai,
    xresnet_from_fastai,
    xresnet_to_fastai,
)
from tfast.text import LanguageModel, TextClassifier
from tfast.vision import xresnet

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 2}


def language_model():
    return language_model_from_fastai, language_model_to_fastai(LanguageModel(12, **SIZES))


def text_classifier():
    return text_classifier_from_fastai, text_classifier_to_fastai(TextClassifier(12, 3, **SIZES))


def small_xresnet():
    model = xresnet.xresnet(3, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
    return xresnet_from_fastai, xresnet_to_fastai(model)


# Of a tensor: what must be refused, whichever tensor it is.
ODD = {
    "no numbers": lambda a: a.astype("U"),
    "bytes": lambda a: a.astype("S"),
    "objects": lambda a: a.astype(object),
    "complex": lambda a: a.astype("complex64"),
    "dates": lambda a: np.zeros(a.shape, "M8[s]"),
    "durations": lambda a: np.zeros(a.shape, "m8[s]"),
    "records": lambda a: np.zeros(a.shape, [("a", "f4")]),
    "None": lambda a: None,
    "an empty one": lambda a: np.zeros((0,), "float32"),
    "an empty, large one": lambda a: np.zeros((0, 5000), "float32"),
}
# ... and what must be refused of floating tensors.
ODD_NUMBERS = {
    "NaN": lambda a: a * np.nan,
    "infinite": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 0, -np.inf, a),
    "too large for float32": lambda a: np.full(a.shape, 1e300),
    "another axis": lambda a: a[None],
    "no axis": lambda a: np.float32(1),
    "as many axes as there are": lambda a: a.reshape(a.shape + (1,) * (60 - a.ndim)),
}


@pytest.mark.parametrize("make", [language_model, text_classifier, small_xresnet])
@pytest.mark.parametrize("odd", [*ODD, *ODD_NUMBERS])
def test_an_odd_tensor_is_refused_by_its_name(make, odd):
    convert, state = make()
    for name, tensor in list(state.items())[:: 1 + len(state) // 10]:
        if odd in ODD_NUMBERS and tensor.dtype.kind != "f":
            continue
        with pytest.raises(ValueError, match=r"\S") as caught:
            convert(state | {name: (ODD | ODD_NUMBERS)[odd](np.asarray(tensor))})
        assert type(caught.value) is ValueError
        assert name in str(caught.value)


@pytest.mark.parametrize("make", [language_model, text_classifier, small_xresnet])
def test_other_layouts_of_the_same_numbers_are_read(make):
    convert, state = make()
    expected = [np.asarray(weight) for weight in convert(state).weights]
    for layout in (
        np.asfortranarray,
        lambda a: a.astype(a.dtype.newbyteorder()),
        lambda a: a.tolist(),
    ):
        found = convert(
            {name: layout(np.asarray(tensor)) for name, tensor in state.items()}
        ).weights
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
