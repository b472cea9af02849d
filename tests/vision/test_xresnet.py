import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_weights import golden_arrays, golden_json, golden_state_dict, wave

import tfast.vision
from tfast.fastai.conversion import assign_entries
from tfast.fastai.xresnet import names_for, xresnet_entries
from tfast.fastai.xresnet_names import names_in
from tfast.vision import xresnet

NUMBERS = golden_json("fastai_numerics.json")
ARRAYS = golden_arrays("fastai_numerics.npz")
VARIANTS = golden_json("xresnet_variants.json")
VARIANT_ARRAYS = golden_arrays("xresnet_variants.npz")
# The odd height is on purpose.
IMAGES = wave((2, 3, 67, 64), 3).transpose(0, 2, 3, 1).astype("float32")
# fastai's top-level modules 0 to 8.
MODULE_ENDS = [
    *("stem_0_activation", "stem_1_activation", "stem_2_activation", "stem_pool"),
    *("stage_0_block_1_activation", "stage_1_block_1_activation"),
    *("stage_2_block_1_activation", "stage_3_block_1_activation", "pool"),
]


def load(model, keys):
    """Sets every weight; a name that fits nowhere raises."""
    state = golden_state_dict(keys)
    assign_entries(xresnet_entries(model, names_in(state)), state)


def golden_model(make, keys, **options):
    model = make(10, **options)
    load(model, keys)
    return model


def fastai_names(model):
    """Path of each variable to fastai's name."""
    return {
        entry.variable.path: entry.names[0] for entry in xresnet_entries(model, names_for(model))
    }


def assert_close(actual, expected, tolerance):
    """Relative to the largest value: logits of untrained deep nets are in the hundreds."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize(
    ("depth", "tolerance"),
    [
        (18, 1e-5),
        (50, 1e-4),
        pytest.param(34, 1e-4, marks=pytest.mark.slow),
        *(pytest.param(depth, None, marks=pytest.mark.slow) for depth in (101, 152)),
    ],
)
def test_weights_zero_gammas_and_logits_are_fastais(depth, tolerance):
    name = f"xresnet{depth}"
    golden, model = NUMBERS[name], getattr(xresnet, name)(10)
    assert model.name == name
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == golden["params"]
    gammas = [w for w in model.weights if w.path.endswith("gamma")]
    assert sum(not np.any(gamma) for gamma in gammas) == golden["zero_init_bn"]
    load(model, golden["keys"])
    if tolerance:
        assert_close(model(IMAGES, training=False), ARRAYS[f"{name}_logits"], tolerance)


def test_every_stage_gives_what_fastais_gives():
    model = golden_model(xresnet.xresnet18, NUMBERS["xresnet18"]["keys"])
    ends = keras.Model(model.input, [model.get_layer(name).output for name in MODULE_ENDS])
    for i, activations in enumerate(ends(IMAGES, training=False)):
        means = np.abs(activations).mean(axis=tuple(range(activations.ndim - 1)))[:8]
        assert_close(means, ARRAYS[f"xresnet18_stage{i}_mean_abs"], 1e-5)


def positions(path):
    """Height × width of a batch norm's input in an XResNet-18 on 64×64 images."""
    if path.startswith("stem"):
        return 32**2
    return (16, 8, 4, 2)[int(path[len("stage_")])] ** 2


def test_training_step_has_fastais_loss_gradients_and_statistics():
    keys = NUMBERS["xresnet18"]["keys"]
    model = golden_model(xresnet.xresnet18, keys)
    before = {w.path: np.array(w) for w in model.non_trainable_weights}
    images = wave((4, 3, 64, 64), 5).transpose(0, 2, 3, 1).astype("float32")
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    with tf.GradientTape() as tape:
        loss = loss_of(tf.one_hot([1, 3, 5, 7], 10), model(images, training=True))
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])

    names = fastai_names(model)
    assert_close(loss, ARRAYS["xresnet18_train_loss"], 1e-5)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        expected = NUMBERS["xresnet18_grad_norms"][names[weight.path]]
        # Absolute too: some gradients are zero in exact arithmetic.
        assert np.linalg.norm(gradient) == pytest.approx(expected, rel=1e-4, abs=1e-5), weight.path
    running = NUMBERS["xresnet18_running_mean_after"]
    for weight in model.non_trainable_weights:
        after = np.array(weight)
        if weight.path.endswith("variance"):  # biased; PyTorch's is not
            count = 4 * positions(weight.path)
            kept = 0.9 * before[weight.path]
            after = kept + (after - kept) * count / (count - 1)
        assert_close(after[:4], np.array(running[names[weight.path]]), 1e-5)


@pytest.mark.parametrize(
    ("golden", "make", "options"),
    [
        ("xse_resnet18", xresnet.xse_resnet18, {}),
        ("xresnet18_deep", xresnet.xresnet18_deep, {}),
        ("xresnext18", xresnet.xresnext18, {}),
        (
            "xse_resnext50_mish_sa",
            xresnet.xse_resnext50,
            {"activation": "mish", "self_attention": True},
        ),
        ("timm_resnet18d", xresnet.xresnet18, {}),
        pytest.param(
            *("xresnet50_widths_32_64_64", xresnet.xresnet50, {"stem_widths": (32, 64, 64)}),
            marks=pytest.mark.slow,
        ),
        pytest.param("timm_resnet50d", xresnet.xresnet50, {}, marks=pytest.mark.slow),
    ],
)
def test_variants_have_fastais_and_timms_numbers(golden, make, options):
    if "self_attention" in options:
        # Its golden weights make logits so sensitive that fastai's float32 is 5e-3 away too.
        keras.mixed_precision.set_dtype_policy("float64")
    model = golden_model(make, VARIANTS[golden]["keys"], **options)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == VARIANTS[golden]["params"]
    assert_close(model(IMAGES, training=False), VARIANT_ARRAYS[f"{golden}_logits"], 1e-4)


def tiny(**options):
    options = {"block_counts": (1, 1), "expansion": 1, "stem_widths": (8, 8)} | options
    return xresnet.xresnet(3, **options)


def test_saved_model_loads_with_its_names_and_numbers(tmp_path):
    model = tiny(expansion=2, squeeze_reduction=4, self_attention=True, drop_rate=0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert_close(loaded(IMAGES), np.array(model(IMAGES)), 1e-6)
    assert json.loads(loaded.to_json()) == json.loads(model.to_json())


def test_names_do_not_depend_on_models_made_before():
    assert [layer.name for layer in tiny().layers] == [layer.name for layer in tiny().layers]


def test_logits_are_float32_under_mixed_precision():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    model = tiny(squeeze_reduction=4, self_attention=True)
    assert model.get_layer("stage_1_block_0_add").compute_dtype == "float16"
    logits = model(IMAGES, training=True)
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("oddity", [1, 2, 3, 5])
def test_any_image_size_will_do(oddity):
    assert tiny()(np.zeros((1, oddity, 2 * oddity, 3), "float32")).shape == (1, 3)


def test_grouped_convolutions_train():
    model = tiny(groups=4, inner_scales=(2, 2))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = np.array(model.get_layer("stage_0_block_0_0_conv").kernel)
    for _ in range(2):  # the first step moves gamma away from 0
        model.train_on_batch(IMAGES, np.array([0, 2]))
    assert np.any(before != np.array(model.get_layer("stage_0_block_0_0_conv").kernel))


def test_each_name_of_the_table_is_a_function_that_builds_it():
    for name in xresnet.XRESNETS:
        build = getattr(xresnet, name)
        assert build.__name__ == name
        assert build is getattr(tfast.vision, name)
    model = xresnet.xse_resnext18_deeper(
        np.int64(3), block_counts=(1,), stem_widths=(64,), name="small"
    )
    assert model.name == "small"
    assert model.get_layer("stage_0_block_0_0_conv").groups == 32
    assert xresnet.xresnet18(3).name == "xresnet18"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 0}, "num_classes must be a whole number of at least 1, got 0"),
        ({"num_classes": 3, "stem_widths": ()}, "stem_widths must hold one whole number or more"),
        ({"num_classes": 3, "stem_widths": (8, 0)}, "stem_widths must be a whole number"),
        ({"num_classes": 3, "drop_rate": 1.0}, r"drop_rate must be a number in \[0, 1\), got 1.0"),
        ({"num_classes": 3, "input_shape": (32, 32)}, "input_shape must be .*, got"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        xresnet.xresnet18(**options)
