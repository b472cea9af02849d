"""What training and prediction do with numbers and data at the edge."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.text import LanguageModel, TextClassifier
from tfast.text.classifier_batches import classifier_batches
from tfast.text.lm_batches import lm_batches
from tfast.training.inspection.figures import count_confusions
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.vision import xresnet


def tiny_xresnet(num_classes=2):
    return xresnet.xresnet(num_classes, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))


def tiny_classifier(num_classes=2):
    return TextClassifier(12, num_classes, embed_size=6, hidden_size=8, num_layers=2)


def assert_finite(model):
    for weight in [*model.weights, *model.optimizer.variables]:
        if "float" in weight.dtype:
            assert np.isfinite(np.asarray(weight)).all(), weight.path


def compiled(model):
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(FusedAdam(0.01), loss, run_eagerly=True)
    return model


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_broken_image_spoils_at_most_its_own_prediction(value):
    model = tiny_xresnet()
    images = np.random.RandomState(0).standard_normal((3, 16, 16, 3)).astype("float32")
    whole = model.predict(images, verbose=0)
    images[1, 4, 5, 2] = value
    found = model.predict(images, verbose=0)
    np.testing.assert_allclose(found[[0, 2]], whole[[0, 2]], rtol=1e-5, atol=1e-6)
    # Of NaN itself a finite answer may come: oneDNN's ReLU makes 0 of it. No file holds NaN.
    assert np.isnan(value) or not np.isfinite(found[1]).any()


def test_a_batch_of_one_image_is_a_finite_step():
    model = compiled(tiny_xresnet())
    images = np.random.RandomState(0).standard_normal((3, 8, 8, 3)).astype("float32")
    model.fit(images, np.eye(2)[[0, 1, 1]], batch_size=1, verbose=0)
    assert_finite(model)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_documents_of_one_word_and_of_none_are_finite_steps(batch_size):
    documents = tf.ragged.constant([[2], [5], [7], [1]], dtype=tf.int32)  # the last is padding
    batches = classifier_batches(
        documents, [0, 1, 1, 0], num_classes=2, batch_size=batch_size, training=True, seed=1
    )
    model = compiled(tiny_classifier())
    history = model.fit(batches, epochs=2, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert_finite(model)


def test_a_language_model_reads_documents_of_one_word():
    documents = tf.ragged.constant([[2]] * 9, dtype=tf.int32)
    batches = lm_batches(documents, batch_size=1, sequence_length=4, training=True, seed=1)
    model = LanguageModel(12, embed_size=6, hidden_size=8, num_layers=1, max_batch_size=1)
    model.compile(FusedAdam(0.01), run_eagerly=True)
    assert np.isfinite(model.fit(batches, shuffle=False, verbose=0).history["loss"]).all()
    assert_finite(model)


def test_a_class_that_never_comes_has_a_small_probability_and_an_empty_row():
    documents = tf.ragged.constant([[2, 5], [5, 7], [7, 3], [3, 2]], dtype=tf.int32)
    labels = [0, 1, 1, 0]
    options = {"num_classes": 3, "batch_size": 2, "seed": 1}
    model = compiled(tiny_classifier(3))
    training = classifier_batches(documents, labels, training=True, **options)
    model.fit(training, epochs=8, shuffle=False, verbose=0)
    assert_finite(model)
    batches = classifier_batches(documents, batch_size=2, training=False)
    probabilities = tf.nn.softmax(model.predict(batches, verbose=0)).numpy()
    assert probabilities[:, 2].max() < probabilities[:, :2].max()
    counts = count_confusions(np.array(labels), probabilities.argmax(-1), 3)
    assert counts.shape == (3, 3)
    assert counts[2].sum() == 0
    assert counts.sum() == 4
