import keras
import numpy as np
import pytest
from keras import layers

from tfast.export.folding import fold_batch_norms, scale_and_shift
from tfast.training.batch_norm import BatchNorm
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet


def moved(model):
    """`model` with weights and statistics as training leaves them: none at 0 or 1."""
    random = np.random.RandomState(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(random.uniform(0.3, 1.7, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean", "bias")):
            weight.assign(0.3 * random.standard_normal(weight.shape))
    return model


def assert_equal_after_folding(model, *, norms_left, seed=0):
    shape = [side or 24 for side in model.input_shape[1:]]
    inputs = np.random.RandomState(seed).standard_normal((3, *shape)).astype("float32")
    folded = fold_batch_norms(model)
    expected, outputs = (np.asarray(m(inputs, training=False)) for m in (model, folded))
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5 * abs(expected).max())
    left = [layer for layer in folded.layers if isinstance(layer, layers.BatchNormalization)]
    assert len(left) == norms_left
    return folded


@pytest.mark.parametrize(
    "options",
    [
        {"expansion": 1},
        {"expansion": 4, "inner_scales": (2, 2), "groups": 32},
        {"expansion": 1, "squeeze_reduction": 16, "self_attention": True, "activation": "mish"},
    ],
)
def test_every_batch_norm_of_an_xresnet_folds(options):
    assert_equal_after_folding(moved(xresnet(5, block_counts=(1, 1), **options)), norms_left=0)


def test_gamma_that_starts_at_zero_folds():
    model = xresnet(5, block_counts=(1,), expansion=1)
    folded = assert_equal_after_folding(model, norms_left=0)
    assert not np.any(folded.get_layer("stage_0_block_0_1_conv").get_weights()[0])


def test_norms_of_a_transferred_head_fold_where_dense_layers_precede_them():
    model = transfer_model(xresnet(5, block_counts=(1,), expansion=1, stem_widths=(8,)), 3)
    # The first follows the joined pools, the second an activation.
    assert_equal_after_folding(moved(model), norms_left=2)


def test_bias_and_missing_gamma_and_beta_fold():
    model = keras.Sequential(
        [
            keras.Input((9, 9, 3)),
            layers.Conv2D(4, 3),
            BatchNorm(center=False),
            layers.Flatten(),
            layers.Dense(5),
            BatchNorm(scale=False),
        ]
    )
    assert_equal_after_folding(moved(model), norms_left=0)


def test_what_cannot_fold_stays():
    images = keras.Input((8, 8, 3))
    active = BatchNorm()(layers.Conv2D(4, 3, activation="relu")(images))
    shared = layers.Conv2D(4, 3)(images)
    twice = layers.Conv2D(4, 3)
    once_more = BatchNorm()
    model = keras.Model(
        images,
        layers.Add()(
            [
                active,
                shared,
                BatchNorm()(shared),
                BatchNorm()(twice(images)),
                twice(images),
                once_more(layers.Conv2D(4, 3)(images)),
                once_more(layers.Conv2D(4, 3)(images)),
            ]
        ),
    )
    assert_equal_after_folding(moved(model), norms_left=4)


def test_norms_of_layers_in_half_precision_stay():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, dtype="mixed_float16"), BatchNorm()]
    )
    assert_equal_after_folding(moved(model), norms_left=1)


class StandardizedConv2D(layers.Conv2D):
    """Convolves with a kernel of mean 0 and deviation 1."""

    def convolution_op(self, inputs, kernel):
        kernel = kernel - keras.ops.mean(kernel, axis=(0, 1, 2))
        return super().convolution_op(inputs, kernel / keras.ops.std(kernel, axis=(0, 1, 2)))


class HalvingNorm(layers.BatchNormalization):
    """Not only a scale and a shift by its weights."""

    def call(self, inputs, **options):
        return super().call(inputs, **options) / 2


def with_lora(layer):
    layer.build((None, None, None, 3) if isinstance(layer, layers.Conv2D) else (None, 3))
    layer.enable_lora(2)
    random = np.random.RandomState(1)
    layer.set_weights([random.standard_normal(w.shape) for w in layer.weights])
    return layer


@pytest.mark.parametrize(
    ("before", "norm"),
    [
        (lambda: StandardizedConv2D(4, 3), BatchNorm),
        (lambda: with_lora(layers.Conv2D(4, 3)), BatchNorm),
        (lambda: layers.Conv2D(4, 3), HalvingNorm),
        (lambda: layers.Conv2D(4, 3, activation="relu"), BatchNorm),
    ],
    ids=["weight standardisation", "LoRA", "another norm", "activation"],
)
def test_what_is_not_known_to_be_a_product_is_left_alone(before, norm):
    model = keras.Sequential([keras.Input((9, 9, 3)), before(), norm()])
    assert_equal_after_folding(moved(model), norms_left=1)


def test_dense_layers_with_lora_are_left_alone():
    model = keras.Sequential([keras.Input((3,)), with_lora(layers.Dense(4)), BatchNorm()])
    assert_equal_after_folding(moved(model), norms_left=1)


def test_quantized_layers_are_left_alone():
    model = moved(
        keras.Sequential([keras.Input((3,)), layers.Dense(4), BatchNorm(), layers.Dense(2)])
    )
    model.layers[0].quantize("int8")
    assert_equal_after_folding(model, norms_left=1)


def test_a_layer_that_its_configuration_does_not_make_is_named():
    class Growing(layers.Layer):
        def build(self, input_shape):
            for _ in range(self.num_weights):
                self.add_weight(shape=(2,))

        def call(self, inputs):
            return inputs

        num_weights = 1

    layer = Growing(name="growing")
    layer.num_weights = 2
    model = keras.Sequential([keras.Input((3,)), layer])
    with pytest.raises(ValueError, match=r"got 'growing' \(Growing\) whose copy has other weights"):
        fold_batch_norms(model)


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_a_batch_norm_is_a_scale_and_a_shift(options):
    norm = BatchNorm(**options)
    model = moved(keras.Sequential([keras.Input((5,)), norm]))
    inputs = np.random.RandomState(0).standard_normal((4, 5))
    scale, shift = scale_and_shift(norm)
    np.testing.assert_allclose(inputs * scale + shift, model(inputs), rtol=0, atol=1e-6)
    assert scale.dtype == shift.dtype == "float64"


def test_the_model_itself_is_left_as_it_was():
    model = moved(xresnet(5, block_counts=(1,), expansion=1, stem_widths=(8,)))
    weights, names = model.get_weights(), [layer.name for layer in model.layers]
    folded = fold_batch_norms(model)
    folded.set_weights([0 * weight for weight in folded.get_weights()])
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)
    assert [layer.name for layer in model.layers] == names
    assert model.get_layer("logits").output is not None  # has one place in one graph


def test_models_without_a_graph_are_refused():
    with pytest.raises(ValueError, match="model must be Functional or a built Sequential"):
        fold_batch_norms(keras.Sequential([layers.Dense(2)]))
