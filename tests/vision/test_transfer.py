import keras
import numpy as np
import pytest

from tfast.training.batch_norm import BatchNorm
from tfast.training.layer_groups import freeze_to
from tfast.training.optimizers.keras_private import all_layers
from tfast.vision.transfer import create_head, transfer_model, with_dtype_policy
from tfast.vision.xresnet import layer_groups, xresnet

FEATURES = np.random.default_rng(0).normal(size=(6, 3, 2, 4)).astype("float32")
IMAGES = np.random.default_rng(1).normal(size=(6, 16, 16, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 0, 1, 2])


def trained_model():
    return xresnet(10, block_counts=(1, 1), expansion=1, stem_widths=(8,))


def head_model(**options):
    features = keras.Input(FEATURES.shape[1:])
    return keras.Model(features, create_head(features, 3, **options))


def test_plain_head_is_one_product_of_maximum_and_mean():
    model = head_model(head="plain")
    kernel, bias = model.get_weights()
    pooled = np.concatenate([FEATURES.max((1, 2)), FEATURES.mean((1, 2))], axis=1)
    np.testing.assert_allclose(model(FEATURES), pooled @ kernel + bias, rtol=1e-4, atol=1e-5)


def test_fastai_head_is_its_formula():
    model = head_model()
    weights = {w.path: np.array(w) for w in model.weights}
    assert not [path for path in weights if path.endswith("bias")]

    def normalised(x):
        return x / np.sqrt(1 + 1e-5)

    pooled = np.concatenate([FEATURES.max((1, 2)), FEATURES.mean((1, 2))], axis=1)
    hidden = np.maximum(normalised(pooled) @ weights["head_0_dense/kernel"], 0)
    expected = normalised(hidden) @ weights["logits/kernel"]
    np.testing.assert_allclose(model(FEATURES), expected, rtol=1e-4, atol=1e-5)
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25, 0.5]


def test_new_model_shares_the_body_and_drops_the_old_head():
    trained = trained_model()
    model = transfer_model(trained, 3)
    (body, head), (old_body, _) = layer_groups(model), layer_groups(trained)
    assert body == old_body
    assert {layer.name.split("_")[0] for layer in head} == {"head", "logits"}
    assert transfer_model(model, 5).output_shape == (None, 5)


def test_a_head_of_convolutions_is_dropped_too():
    images = keras.Input((16, 16, 3))
    features = keras.layers.Conv2D(4, 3, name="features")(images)
    x = keras.layers.GlobalAveragePooling2D(keepdims=True)(features)
    x = keras.layers.Conv2D(10, 1, name="old_logits")(x)
    model = transfer_model(keras.Model(images, keras.layers.Flatten()(x)), 3)
    assert model.get_layer("head_pool").output.shape == (None, 2 * 4)
    assert "old_logits" not in [layer.name for layer in model.layers]


def test_frozen_body_keeps_its_weights_and_trains_its_batch_norms():
    model = transfer_model(trained_model(), 3)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    groups = layer_groups(model)
    freeze_to(model, groups, -1)
    before = {w.path: np.array(w) for w in model.weights}
    model.fit(IMAGES, LABELS, batch_size=6, epochs=2, verbose=0)
    norms = {
        w.path for layer in model.layers if isinstance(layer, BatchNorm) for w in layer.weights
    }
    head = {w.path for layer in groups[1] for w in layer.weights}
    moved = {w.path for w in model.weights if np.any(before[w.path] != np.array(w))}
    assert moved <= norms | head
    assert "logits/kernel" in moved
    assert "stem_0_norm/moving_mean" in moved
    assert "stage_1_block_0_1_norm/gamma" in moved


def test_weights_go_through_keras_files(tmp_path):
    model = transfer_model(trained_model(), 3)
    model.save_weights(tmp_path / "model.weights.h5")
    twin = transfer_model(trained_model(), 3)
    twin.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(twin(IMAGES), model(IMAGES), rtol=1e-5, atol=1e-6)


def test_logits_are_float32_under_mixed_precision():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    model = head_model()
    assert model.get_layer("head_0_dense").compute_dtype == "float16"
    assert model(FEATURES).dtype == "float32"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "mean"}, "head must be one of 'fastai', 'plain', got 'mean'"),
        ({"num_classes": 0}, "num_classes must be a whole number of at least 1, got 0"),
        ({"drop_rate": 1}, r"drop_rate must be a number in \[0, 1\), got 1"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        create_head(keras.Input((2, 2, 4)), **{"num_classes": 3} | options)


@pytest.mark.parametrize("saved", ["float32", "mixed_float16"])
@pytest.mark.parametrize("wanted", ["float32", "mixed_bfloat16"])
def test_loaded_model_computes_under_the_policy_asked_for(tmp_path, saved, wanted):
    keras.mixed_precision.set_dtype_policy(saved)
    trained_model().save(tmp_path / "trained.keras")
    keras.mixed_precision.set_dtype_policy(wanted)
    loaded = keras.saving.load_model(tmp_path / "trained.keras")
    model = with_dtype_policy(loaded, wanted)
    compute_dtype = keras.DTypePolicy(wanted).compute_dtype
    *layers, logits = model.layers[1:]  # after the input
    assert {layer.compute_dtype for layer in layers} == {compute_dtype}
    assert logits.compute_dtype == "float32"
    for expected, weight in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    transferred = transfer_model(model, 3)
    transferred.save(tmp_path / "transferred.keras")
    transferred = keras.saving.load_model(tmp_path / "transferred.keras")
    assert transferred.get_layer("stem_0_conv").compute_dtype == compute_dtype
    close = {"rtol": 0.1, "atol": 0.1}  # bfloat16 has 8 bits
    np.testing.assert_allclose(model(IMAGES), loaded(IMAGES), **close)


def functional_guide(base):
    """Keras's guide on transfer learning."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 2)(inputs)
    x = base(x, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.2)(x)
    return keras.Model(inputs, keras.layers.Dense(5)(x))


def sequential_guide(base):
    return keras.Sequential(
        [
            *(base, keras.layers.GlobalAveragePooling2D()),
            *(keras.layers.Dropout(0.2), keras.layers.Dense(5)),
        ]
    )


def nested_twice(base):
    return functional_guide(keras.Sequential([keras.Input((16, 16, 3)), base]))


def image_base():
    trained = xresnet(
        10, block_counts=(1, 1), expansion=1, stem_widths=(8,), input_shape=(16, 16, 3)
    )
    body, _ = layer_groups(trained)
    return keras.Model(trained.input, body[-1].output, name="base")


NESTED = [functional_guide, sequential_guide, nested_twice]


@pytest.mark.parametrize("nest", NESTED)
def test_nested_base_gets_a_new_head(nest, tmp_path):
    base = image_base()
    trained = nest(base)
    model = transfer_model(trained, 3, head="plain")
    assert layer_groups(model)[1][-1].name == "logits"
    for weight in base.weights:
        assert any(weight is each for each in model.weights)
    images = IMAGES / 2 if nest is not sequential_guide else IMAGES
    features = np.array(base(images, training=False))
    pooled = np.concatenate([features.max((1, 2)), features.mean((1, 2))], axis=1)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(model(IMAGES), pooled @ kernel + bias, rtol=1e-3, atol=1e-4)

    assert transfer_model(model, 4).output_shape == (None, 4)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    freeze_to(model, layer_groups(model), -1)
    model.fit(IMAGES, LABELS, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(IMAGES), model(IMAGES), rtol=1e-4, atol=1e-5)


def test_head_inside_a_nested_model_is_replaced():
    inputs = keras.Input((16, 16, 3))
    trained = trained_model()
    probabilities = keras.layers.Softmax()(trained(keras.layers.Rescaling(1 / 2)(inputs)))
    for nested in (keras.Model(inputs, probabilities), keras.Sequential([inputs, trained])):
        body, head = layer_groups(nested)
        assert body[-1].name == "stage_1_block_0_activation"
        assert [layer.name for layer in head][:3] == ["pool", "dropout", "logits"]
        model = transfer_model(nested, 3)
        assert model.output_shape == (None, 3)
        model(IMAGES)
        names = {weight.path for weight in model.weights}
        assert "stem_0_conv/kernel" in names
        assert sum("logits" in name for name in names) == 1


@pytest.mark.parametrize("nest", NESTED)
def test_nested_models_compute_under_the_policy_asked_for(nest):
    trained = nest(image_base())
    model = with_dtype_policy(trained, "mixed_bfloat16")
    dtypes = {
        layer.name: layer.compute_dtype
        for layer in all_layers(model)
        if not isinstance(layer, keras.layers.InputLayer | keras.Model)
    }
    logits = model.layers[-1].name
    assert dtypes.pop(logits) == "float32"
    assert set(dtypes.values()) == {"bfloat16"}
    assert len(dtypes) > 20
    close = {"rtol": 0.1, "atol": 0.1}  # bfloat16 has 8 bits
    np.testing.assert_allclose(model(IMAGES), trained(IMAGES), **close)
    # Back again: what is float32 in a mixed model is so on purpose.
    back = with_dtype_policy(with_dtype_policy(model, "mixed_float16"), "float32")
    np.testing.assert_allclose(back(IMAGES), trained(IMAGES), rtol=1e-4, atol=1e-5)


def test_wrapped_layers_compute_under_the_policy_asked_for():
    frames = keras.Input((2, 16, 16, 3))
    x = keras.layers.TimeDistributed(image_base())(frames)
    x = keras.layers.TimeDistributed(keras.layers.GlobalAveragePooling2D())(x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(3))(x)
    trained = keras.Model(frames, keras.layers.Dense(2)(x))
    model = with_dtype_policy(trained, "mixed_bfloat16")
    for layer in all_layers(model):
        if layer.weights and not isinstance(layer, keras.Model) and layer is not model.layers[-1]:
            assert layer.compute_dtype == "bfloat16", layer.name
    for expected, weight in zip(trained.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_models_with_a_class_of_their_own_inside_are_refused():
    class Own(keras.Model):
        def call(self, images):
            return images

    model = keras.Sequential([keras.Input((4, 4, 3)), Own(name="own"), keras.layers.Flatten()])
    with pytest.raises(ValueError, match=r"must be made of Functional .*, got 'own' of type Own"):
        with_dtype_policy(model, "mixed_bfloat16")
