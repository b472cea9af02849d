import numpy as np
import pytest

from tfast.text.logistic_regression import (
    answer_left_out,
    best_likelihood,
    can_be_left_out,
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
    parts = np.arange(23) % 5
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


@pytest.mark.parametrize("sizes", [(20, 3, 1, 2), (2, 2), (2, 1, 2), (1, 6, 7)], ids=str)
def test_all_know_all_classes_and_the_only_text_of_one_is_always_fitted_to(sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    asked = []

    def answer(used, left_out):
        asked.append(left_out)
        assert set(labels[used]) == set(labels)
        assert not set(used) & set(left_out)
        return np.ones((len(left_out), len(sizes)))

    logits = answer_left_out(answer, labels)
    judged = can_be_left_out(labels)
    assert sorted(np.concatenate(asked)) == np.flatnonzero(judged).tolist()
    assert len(asked) == min(5, judged.sum())
    assert (logits == judged[:, None]).all()


def test_texts_of_one_class_alone_are_not_left_out():
    assert not can_be_left_out(np.array([0, 0, 0, 1])).any()
    assert not can_be_left_out(np.array([0, 1])).any()


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
