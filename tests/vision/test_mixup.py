import checks
import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_weights import golden_arrays, golden_json

from tfast.vision.mixup import blend_examples, draw_mix, mixup, mixup_dataset


def examples(count=12, dtype="float32"):
    """Image i is full of i and has label i, so that a blend can be read off either."""
    images = np.broadcast_to(np.arange(count)[:, None, None, None], (count, 4, 4, 3))
    return tf.cast(images, dtype), tf.eye(count)


def batches(count=12, batch_size=5, dtype="float32"):
    return tf.data.Dataset.from_tensor_slices(examples(count, dtype)).batch(batch_size)


def all_labels(dataset):
    return np.concatenate([labels for _, labels in dataset])


def test_blend_gives_fastai_mixup_loss():
    golden = golden_json("fastai_numerics.json")["mixup_loss"]
    logits = golden_arrays("fastai_numerics.npz")["ls_logits"]
    labels = np.eye(logits.shape[1])[[0, 1, 2, 3, 4, 0]]
    _, mixed = blend_examples(logits, labels, golden["lam"], golden["perm"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.1, dtype="float64"
    )
    np.testing.assert_allclose(loss(mixed, logits), golden["value"], rtol=1e-7)


def test_blend_is_the_same_eagerly_and_in_a_dataset():
    images, labels = examples(4)
    checks.check_dataset_op(blend_examples, images, labels, [0.5, 0.6, 0.9, 1.0], [2, 0, 3, 1])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_images_and_labels_are_mixed_alike_in_every_batch(dtype):
    rows = 0
    for images, labels in batches(dtype=dtype).map(mixup(0.4)):
        assert images.dtype == dtype
        assert labels.dtype == "float32"
        np.testing.assert_allclose(tf.reduce_sum(labels, 1), 1.0, rtol=1e-6)
        # Image i was full of i, so each mixed image must be full of its label's mean.
        means = tf.linalg.matvec(labels, tf.range(12.0))
        expected = np.broadcast_to(means[:, None, None, None], images.shape)
        np.testing.assert_allclose(tf.cast(images, "float32"), expected, atol=0.1)
        rows += len(labels)
    assert rows == 12


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16", "float16"])
def test_no_dtype_policy_changes_a_batch(policy):
    before = all_labels(mixup_dataset(batches(), seed=1))
    keras.mixed_precision.set_dtype_policy(policy)
    images, _ = next(iter(mixup_dataset(batches(), seed=1)))
    assert images.dtype == "float32"
    np.testing.assert_array_equal(all_labels(mixup_dataset(batches(), seed=1)), before)


def test_mixup_draws_afresh_in_each_batch_and_epoch():
    images, labels = examples(8)
    dataset = tf.data.Dataset.from_tensors((images, labels)).repeat(2).map(mixup(0.4))
    epochs = [labels.numpy() for _ in range(2) for _, labels in dataset]
    for i in range(4):
        for j in range(i):
            assert not np.array_equal(epochs[i], epochs[j])


def test_mixup_follows_the_global_seed():
    def first_labels():
        keras.utils.set_random_seed(3)
        return all_labels(batches().map(mixup(0.4)))

    np.testing.assert_array_equal(first_labels(), first_labels())


def test_mixup_dataset_depends_on_seed_and_step_alone():
    endless = batches(8, 4).repeat()
    whole = [labels.numpy() for _, labels in mixup_dataset(endless, 0.4, seed=1).take(6)]
    # 4 and 2 batches an epoch: the batches are those of step 4, and so must the random numbers be.
    resumed = [labels.numpy() for _, labels in mixup_dataset(endless, seed=1, first_step=4).take(2)]
    np.testing.assert_array_equal(resumed, whole[4:])
    other = [labels.numpy() for _, labels in mixup_dataset(endless, 0.4, seed=2).take(6)]
    assert not np.array_equal(other, whole)
    assert not np.array_equal(whole[0], whole[2]), (
        "the second epoch repeats the first one's random numbers"
    )


def test_a_batch_of_one_stays_as_it_is():
    images, labels = next(iter(batches(3, 1).map(mixup(0.4))))
    np.testing.assert_array_equal(labels, tf.eye(3)[:1])
    np.testing.assert_array_equal(images, tf.zeros((1, 4, 4, 3)))


def test_batches_of_unknown_rank_are_mixed():
    images, labels = examples(4)
    dataset = tf.data.Dataset.from_generator(
        lambda: iter([(images, labels)]), output_types=("float32", "float32")
    )
    assert next(iter(dataset.map(mixup())))[0].shape == (4, 4, 4, 3)


@pytest.mark.parametrize("alpha", [0.1, 0.4, 2.0])
def test_fractions_follow_the_larger_half_of_a_beta_distribution(alpha):
    fractions, partners = draw_mix(100_000, alpha, seed=[1, 2])
    expected = np.random.RandomState(0).beta(alpha, alpha, 100_000)
    expected = np.maximum(expected, 1 - expected)
    quantiles = np.linspace(0.05, 0.95, 10)
    np.testing.assert_allclose(
        np.quantile(fractions, quantiles), np.quantile(expected, quantiles), atol=0.006
    )
    np.testing.assert_array_equal(np.sort(partners), np.arange(100_000))


@pytest.mark.parametrize("alpha", [1e-3, 1e4])
def test_fractions_stay_in_range_at_extreme_alpha(alpha):
    fractions = draw_mix(100_000, alpha, seed=[1, 2])[0].numpy()
    assert np.all((fractions >= 0.5) & (fractions <= 1))
    assert abs(fractions.mean() - (1 if alpha < 1 else 0.5)) < 0.01


@pytest.mark.parametrize("labels", [np.arange(12), np.eye(12, dtype="int64")])
def test_integer_labels_are_refused(labels):
    dataset = tf.data.Dataset.from_tensor_slices((examples()[0], labels)).batch(4)
    with pytest.raises(ValueError, match=r"labels must be one-hot labels, .*, got int64"):
        dataset.map(mixup(0.4))
    with pytest.raises(ValueError, match=r"labels must be .*, got int64"):
        mixup_dataset(dataset, 0.4, seed=0)


def test_integer_images_are_refused():
    with pytest.raises(ValueError, match=r"images must be pixels .*, got uint8"):
        batches(dtype="uint8").map(mixup(0.4))


@pytest.mark.parametrize("alpha", [0, -1.0, float("nan"), float("inf")])
def test_bad_alpha_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha must be a finite number above 0"):
        mixup(alpha)
    with pytest.raises(ValueError, match="alpha must be a finite number above 0"):
        mixup_dataset(batches(), alpha, seed=0)


def test_negative_first_step_is_refused():
    with pytest.raises(ValueError, match="first_step must be a whole number of at least 0, got -1"):
        mixup_dataset(batches(), seed=0, first_step=-1)


MIXERS = [lambda d: d.map(mixup(0.4)), lambda d: mixup_dataset(d, 0.4, seed=1)]


@pytest.mark.parametrize("mix", MIXERS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_sample_weights_are_mixed_with_their_examples(mix, dtype):
    images, labels = examples()
    weights = tf.cast(np.arange(12) % 5, dtype)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(5)
    for images, labels, mixed in mix(dataset):
        assert mixed.dtype == (dtype if dtype.startswith("float") else "float32")
        # An example's label says whose weights it has, and how much of each.
        expected = tf.linalg.matvec(labels, tf.cast(weights, "float32"))
        np.testing.assert_allclose(mixed, expected, rtol=1e-5)
        assert images.shape[1:] == (4, 4, 3)


@pytest.mark.parametrize("mix", MIXERS)
def test_features_and_labels_by_key_are_mixed_alike(mix):
    images, labels = examples()
    features = {"image": images, "age": tf.range(12.0)}
    targets = {"kind": labels, "number": tf.range(12.0)[:, None]}
    weights = {"kind": tf.range(12.0), "number": tf.ones(12)}
    dataset = tf.data.Dataset.from_tensor_slices((features, targets, weights)).batch(5)
    for features, targets, weights in mix(dataset):
        means = tf.linalg.matvec(targets["kind"], tf.range(12.0))
        for values in (features["age"], targets["number"][:, 0], weights["kind"]):
            np.testing.assert_allclose(values, means, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(features["image"][:, 1, 2, 0], means, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(weights["number"], tf.ones_like(means), rtol=1e-6)


@pytest.mark.parametrize("mix", MIXERS)
@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (({"image": tf.ones((2, 3)), "ids": [1, 2]}, tf.eye(2)), r"images\['ids'\] must .* int32"),
        ((tf.ones((2, 3)), {"kind": [1, 2]}), r"labels\['kind'\] must be one-hot .* got int32"),
        ((tf.ragged.constant([[1.0], [2.0, 3.0]]), tf.eye(2)), "images must .* a RaggedTensor"),
        ((tf.ones((2, 3)), tf.eye(2), ["a", "b"]), "sample_weights must be numbers, got string"),
        ({"image": tf.ones((2, 3)), "label": tf.eye(2)}, r"batches must be \(images, .* one value"),
        ((tf.ones((2, 3)),) * 4, r"batches must be .*, got 4 values"),
    ],
)
def test_what_cannot_be_mixed_is_refused_in_a_sentence(mix, batch, message):
    with pytest.raises(ValueError, match=message):
        mix(tf.data.Dataset.from_tensors(batch))


def test_a_model_fits_on_mixed_batches():
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(12)])
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    history = model.fit(batches().map(mixup(0.4)), epochs=2, shuffle=False, verbose=0)
    assert np.all(np.isfinite(history.history["loss"]))
