import numpy as np
import pytest

from tfast.fastai.conversion import ignored_names
from tfast.fastai.image_classifiers import image_classifier_from_fastai, image_classifier_to_fastai
from tfast.fastai.xresnet_names import FastaiNames, TimmNames
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet


def classifier(head="fastai"):
    body = xresnet(9, block_counts=(1, 1), expansion=1, stem_widths=(8, 8))
    return transfer_model(body, 4, head=head)


def test_to_fastai_and_back_is_exact():
    model = classifier()
    state = image_classifier_to_fastai(model)
    assert "1.2.num_batches_tracked" in ignored_names(state)
    copy = image_classifier_from_fastai(state)
    assert len(copy.weights) == len(model.weights)
    for ours, theirs in zip(model.weights, copy.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def test_another_head_is_refused():
    with pytest.raises(ValueError, match="no fastai head"):
        image_classifier_to_fastai(classifier("plain"))
    state = image_classifier_to_fastai(classifier())
    del state["1.8.weight"]
    with pytest.raises(ValueError, match=r"missing 1\.8\.weight"):
        image_classifier_from_fastai(state)


def test_a_body_of_timm_is_read_under_fastais_head():
    state = image_classifier_to_fastai(
        transfer_model(xresnet(9, block_counts=(1,) * 4, expansion=1), 2)
    )
    theirs, ours = TimmNames("0.model."), FastaiNames(3, 4, "0.")
    renamed = {}
    for stage in range(4):
        renamed |= zip(ours.convolution(stage, 0, 0), theirs.convolution(stage, 0, 0), strict=True)
        renamed |= zip(ours.convolution(stage, 0, 1), theirs.convolution(stage, 0, 1), strict=True)
        renamed |= zip(
            ours.shortcut(stage, 0, pooled=stage > 0),
            theirs.shortcut(stage, 0, pooled=stage > 0),
            strict=True,
        )
    for i in range(3):
        renamed |= zip(ours.stem(i), theirs.stem(i), strict=True)
    as_timm = {}
    for name, tensor in state.items():
        module, _, part = name.rpartition(".")
        as_timm[f"{renamed.get(module, module)}.{part}"] = tensor
    assert "0.model.layer1.0.conv1.weight" in as_timm
    model = image_classifier_from_fastai(as_timm)
    for name, tensor in image_classifier_to_fastai(model).items():
        np.testing.assert_array_equal(tensor, state[name], err_msg=name)
