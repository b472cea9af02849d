import numpy as np
import pytest

from tfast.text.logistic_regression import (
    answer_left_out,
    best_likelihood,
    number_of_parts,
    regress,
    stratified_order,
)


def some_features(count, num_classes, *, size=5, seed=0):
    random = np.random.RandomState(seed)
    labels = np.arange(count) % num_classes
    return random.standard_normal((count, size)) + np.eye(num_classes, size)[labels], labels


@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_logits_are_those_of_scikit_learn(num_classes):
    from sklearn.linear_model import LogisticRegression

    features, labels = some_features(60, num_classes)
    slopes, intercept = regress(features, labels, C=0.5, tol=1e-8)
    logits = features @ slopes + intercept
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = LogisticRegression(C=0.5, tol=1e-8).fit(features, labels).predict_proba(features)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-7)


def test_a_stratified_order_has_every_text_once_and_every_class_in_every_part():
    labels = np.array([0] * 11 + [1] * 5 + [2] * 7)
    order = stratified_order(labels, seed=3)
    assert sorted(order) == list(range(23))
    parts = np.arange(23) % number_of_parts(labels)
    assert all(set(labels[order][parts == part]) == {0, 1, 2} for part in range(5))
    assert stratified_order(labels, seed=3).tolist() == order.tolist()
    assert stratified_order(labels, seed=4).tolist() != order.tolist()


def test_each_text_is_answered_once_by_what_was_fitted_to_all_others_but_its_part():
    labels = np.sort(np.arange(23) % 2)
    asked = []

    def answer(used, left_out):
        asked.append(left_out)
        assert sorted([*used, *left_out]) == list(range(23))
        assert set(labels[used]) == {0, 1}
        return np.stack([left_out, -left_out], axis=1)

    logits = answer_left_out(answer, labels)
    assert sorted(np.concatenate(asked)) == list(range(23))
    np.testing.assert_array_equal(logits, np.stack([np.arange(23), -np.arange(23)], axis=1))


def test_small_classes_make_fewer_parts_and_a_class_of_one_none():
    assert number_of_parts(np.array([0] * 9 + [1] * 3)) == 3
    assert number_of_parts(np.arange(20) % 2) == 5
    with pytest.raises(ValueError, match="labels must have each class twice or more"):
        answer_left_out(lambda used, left_out: np.zeros((len(left_out), 2)), np.array([0, 0, 1]))


def test_likelihood_does_not_depend_on_how_sure_but_on_how_right():
    random = np.random.RandomState(0)
    labels = np.arange(200) % 2
    logits = np.eye(2)[labels] + random.standard_normal((200, 2))
    assert best_likelihood(logits, labels) == pytest.approx(
        best_likelihood(4 * logits, labels), 0.02
    )
    assert best_likelihood(logits, labels) > best_likelihood(
        random.standard_normal((200, 2)), labels
    )
    assert best_likelihood(1000.0 * np.eye(2)[labels], labels) == pytest.approx(0)
