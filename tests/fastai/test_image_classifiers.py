import numpy as np
import pytest

from tfast.fastai.conversion import ignored_names
from tfast.fastai.image_classifiers import image_classifier_from_fastai, image_classifier_to_fastai
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
