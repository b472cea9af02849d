import keras
import pytest

from tfast.vision.layer_groups import layer_groups
from tfast.vision.xresnet import xresnet


def tiny():
    return xresnet(3, block_counts=(1, 1), expansion=1, stem_widths=(8, 8))


def test_groups_cut_where_pooling_begins():
    body, head = layer_groups(tiny())
    assert [layer.name for layer in head] == ["pool", "dropout", "logits"]
    assert body[0].name == "images"
    assert body[-1].name == "stage_1_block_0_activation"


def test_groups_need_a_model_that_leaves_images():
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"must go from images .* gives \(None, 2, 2, 2\)"):
        layer_groups(model)


def test_groups_need_a_built_model():
    with pytest.raises(ValueError, match="must be built"):
        layer_groups(keras.Sequential([keras.layers.Conv2D(2, 3)]))


def test_several_outputs_are_no_image():
    images = keras.Input((8, 8, 3))
    inner = keras.Model(images, [images, keras.layers.Conv2D(2, 3)(images)])
    first, _ = inner(images)
    model = keras.Model(images, keras.layers.Flatten()(keras.layers.ReLU(name="last")(first)))
    assert layer_groups(model)[0][-1].name == "last"
