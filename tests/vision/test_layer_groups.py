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


def excited(images):
    """Squeeze and excitation: pooled as a head of convolutions is, but joined again."""
    x = keras.layers.GlobalAveragePooling2D(keepdims=True)(images)
    x = keras.layers.Conv2D(images.shape[-1], 1, activation="sigmoid")(x)
    return keras.layers.Multiply()([images, x])


@pytest.mark.parametrize("side", [8, 1])
def test_a_head_of_convolutions_begins_with_its_pooling(side):
    images = keras.Input((side, side, 3))
    features = excited(keras.layers.ReLU()(excited(images)))
    x = keras.layers.GlobalMaxPooling2D(name="pool", keepdims=True)(features)
    x = excited(keras.layers.Conv2D(5, 1)(x))
    model = keras.Model(images, keras.layers.Flatten()(keras.layers.Conv2D(2, 1)(x)))
    body, head = layer_groups(model)
    assert body[-1].output is features
    assert head[0].name == "pool"


@pytest.mark.parametrize("make", ["MobileNet", "MobileNetV3Small"])
def test_groups_of_mobile_nets(make):
    model = getattr(keras.applications, make)(input_shape=(32, 32, 3), weights=None, classes=2)
    for whole in (model, keras.Sequential([keras.Input((32, 32, 3)), model])):
        body, head = layer_groups(whole)
        assert isinstance(body[-1], keras.layers.Activation | keras.layers.ReLU)
        assert isinstance(head[0], keras.layers.GlobalAveragePooling2D)
