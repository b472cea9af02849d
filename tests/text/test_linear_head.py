import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, some_texts

from tfast.text.documents import pad_documents
from tfast.text.linear_head import STRENGTHS, fit_linear_head
from tfast.text.logistic_regression import stratified_order
from tfast.text.models.classifier import TextClassifier

SIZES = {"embed_size": 6, "hidden_size": 8, "num_layers": 2, "seed": 1}


def make(num_classes=2, **options):
    return TextClassifier(VOCAB_SIZE, num_classes, **(SIZES | options))


def mean_outputs(model, documents, *, last=None):
    """Each document read alone, its outputs averaged by NumPy."""
    read = tf.function(model.encoder, input_signature=[tf.TensorSpec([1, None], "int32")])
    rows = []
    for ids in documents:
        outputs, _ = read(ids[None])
        rows.append(np.asarray(outputs[0], "float64")[-(last or len(ids)) :].mean(axis=0))
    return np.array(rows)


def regression(outputs, labels, strength):
    """Scikit-learn's, on what the head's first layer makes of outputs."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = outputs.mean(axis=0), np.sqrt(outputs.var(axis=0) + 1e-5)

    def inputs(some):
        return (some - mean) / deviation / np.sqrt(outputs.shape[1])

    fitted = LogisticRegression(C=strength, max_iter=500, tol=1e-4).fit(inputs(outputs), labels)
    return lambda some: fitted.predict_proba(inputs(some))


@pytest.mark.parametrize(("num_classes", "head_size"), [(2, 4), (2, 50), (4, 8)])
def test_the_head_is_logistic_regression_on_the_mean_outputs(num_classes, head_size):
    documents, labels = some_texts(80, num_classes)
    model = make(num_classes, head_size=head_size)
    before = [np.array(weight) for weight in model.encoder.weights]
    found = fit_linear_head(model, documents, labels, batch_size=16)
    for old, new in zip(before, model.encoder.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    new_texts, _ = some_texts(30, num_classes, seed=1)
    expected = regression(mean_outputs(model, documents), labels, found.strength)(
        mean_outputs(model, new_texts)
    )
    assert expected.std() > 0.05  # it knows something
    probabilities = tf.nn.softmax(model(pad_documents(new_texts)))
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-4)


def test_left_out_texts_are_answered_by_what_learned_from_the_others():
    documents, labels = some_texts(60, 3)
    model = make(3)
    found = fit_linear_head(model, documents, labels, seed=5)
    outputs = mean_outputs(model, documents)
    order = stratified_order(labels, seed=5)
    for part in (0, 3):
        left_out = order[np.arange(60) % 5 == part]
        used = np.setdiff1d(np.arange(60), left_out)
        expected = regression(outputs[used], labels[used], found.strength)(outputs[left_out])
        probabilities = tf.nn.softmax(found.left_out[left_out])
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=2e-3)
    # What learned from all is surer of them.
    together = tf.nn.softmax(model(pad_documents(documents))).numpy()
    alone = tf.nn.softmax(found.left_out).numpy()
    rows = np.arange(60), labels
    assert together[rows].mean() > alone[rows].mean() + 0.02


def test_labels_of_chance_are_held_near_0_and_clear_ones_are_not():
    documents, labels = some_texts(120, 2)
    chance = np.random.RandomState(0).permutation(labels)
    strengths = [fit_linear_head(make(), documents, some).strength for some in (labels, chance)]
    assert strengths[0] > strengths[1] == min(STRENGTHS)


def test_what_is_averaged_are_the_last_tokens_and_backward_models_read_backwards():
    documents, labels = some_texts(40, 2)
    model = make(max_length=5, window=3)
    found = fit_linear_head(model, documents, labels)
    expected = regression(mean_outputs(model, documents, last=5), labels, found.strength)
    answers = tf.nn.softmax(model(pad_documents(documents)))
    np.testing.assert_allclose(
        answers, expected(mean_outputs(model, documents, last=5)), rtol=0, atol=1e-4
    )
    backward, forward = make(), make()
    forward.set_weights(backward.get_weights())
    fit_linear_head(backward, documents, labels, reverse=True)
    reversed_documents = tf.ragged.constant([ids[::-1] for ids in documents.to_list()], "int32")
    fit_linear_head(forward, reversed_documents, labels)
    for one, other in zip(backward.weights, forward.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_further_training_starts_from_the_same_answers():
    documents, labels = some_texts(80, 2)
    model = make(drop_mult=0, head_rate=0, head_size=9)
    fit_linear_head(model, documents, labels)
    inputs = pad_documents(documents)
    # By the statistics of this batch, which are those of all documents.
    np.testing.assert_allclose(model(inputs, training=True), model(inputs), rtol=0, atol=1e-4)


def test_the_only_text_of_a_class_is_not_left_out():
    documents, labels = some_texts(40, 2)
    rare = np.append(labels[:39], 2)
    model = make(num_classes=3)
    found = fit_linear_head(model, documents, rare)
    assert (found.left_out[39] == 0).all()
    assert (found.left_out[:39] != 0).all()
    # It is learned from.
    probabilities = tf.nn.softmax(model(pad_documents(documents))).numpy()[:, 2]
    assert probabilities[39] > np.median(probabilities)


def test_where_each_class_has_one_text_nothing_is_left_out():
    documents, _ = some_texts(2, 2)
    model = make()
    found = fit_linear_head(model, documents, [0, 1])
    assert found.strength == STRENGTHS[0]
    assert (found.left_out == 0).all()
    assert np.isfinite(model(pad_documents(documents))).all()


def test_what_does_not_fit_is_named():
    documents, labels = some_texts(8, 2)
    for wrong in (labels[:7], labels * 0, labels + 1, labels * 1.0):
        with pytest.raises(ValueError, match="label_ids must be 8 integers, each of 0 to 1"):
            fit_linear_head(make(), documents, wrong)
    with pytest.raises(ValueError, match="documents must be"):
        fit_linear_head(make(), documents.to_list(), labels)
    with pytest.raises(ValueError, match="head_size must be at least 4 for 2 classes, got 3"):
        fit_linear_head(make(head_size=3), documents, labels)
