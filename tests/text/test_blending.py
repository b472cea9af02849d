import numpy as np
import pytest

from tfast.text.blending import fit_blend


def some_logits(count, *, slope, seed, noise=1.0):
    """Two classes; the larger the slope, the more is known of the labels."""
    random = np.random.RandomState(seed)
    labels = np.arange(count) % 2
    logits = slope * (2 * labels - 1) + noise * random.standard_normal(count)
    return np.stack([-logits, logits], axis=1) / 2, labels


def accuracy(logits, labels):
    return (logits.argmax(-1) == labels).mean()


def test_what_knows_nothing_gets_no_weight():
    good, labels = some_logits(4000, slope=2, seed=0)
    bad, _ = some_logits(4000, slope=0, seed=1, noise=2)
    assert fit_blend(good, bad, labels).weight >= 0.96
    assert fit_blend(bad, good, labels).weight <= 0.04


def test_two_that_know_different_things_share_the_weight_and_do_better_together():
    first, labels = some_logits(4000, slope=0.8, seed=0)
    second, _ = some_logits(4000, slope=0.8, seed=1)
    blend = fit_blend(first, second, labels)
    assert 0.4 <= blend.weight <= 0.6
    mixed = blend.weight * first + (1 - blend.weight) * second
    assert accuracy(mixed, labels) > max(accuracy(first, labels), accuracy(second, labels)) + 0.04


def test_few_texts_leave_no_one_out():
    for seed in range(8):
        first, labels = some_logits(4, slope=1, seed=seed)
        second, _ = some_logits(4, slope=1, seed=seed + 100)
        assert 0.1 < fit_blend(first, second, labels).weight < 0.9


def test_few_texts_leave_the_weight_with_the_one_that_is_trusted():
    weights = {False: [], True: []}
    for seed in range(20):
        first, labels = some_logits(10, slope=1, seed=seed)
        second, _ = some_logits(10, slope=1, seed=seed + 100)
        for trust, found in weights.items():
            found.append(fit_blend(first, second, labels, trust_second=trust).weight)
    assert np.median(weights[True]) < 0.5 * np.median(weights[False])
    assert all(np.less(weights[True], weights[False]))


def test_many_texts_overrule_it():
    first, labels = some_logits(2000, slope=0.8, seed=0)
    second, _ = some_logits(2000, slope=0.8, seed=1)
    blends = [fit_blend(first, second, labels, trust_second=trust) for trust in (False, True)]
    assert blends[1] == pytest.approx(blends[0], abs=0.01)


def test_too_sure_a_classifier_is_flattened_and_too_unsure_a_one_sharpened():
    logits, labels = some_logits(2000, slope=1, seed=0)
    own = fit_blend(logits, logits, labels).sharpness
    for factor in (4, 1 / 2):
        blend = fit_blend(factor * logits, factor * logits, labels)
        assert blend.sharpness == pytest.approx(own / factor, rel=0.2)


def test_scales_of_the_two_are_found():
    first, labels = some_logits(4000, slope=0.8, seed=0)
    second, _ = some_logits(4000, slope=0.8, seed=1)
    blend = fit_blend(3 * first, second, labels)
    assert blend.weight == pytest.approx(0.25, abs=0.06)


def test_infinite_certainty_about_a_wrong_class_does_not_decide_alone():
    first, labels = some_logits(100, slope=1, seed=0)
    sure = np.where(first == first.max(1, keepdims=True), 0.0, -1e4)
    assert np.isfinite(fit_blend(sure, first, labels)).all()


def test_what_does_not_fit_is_named():
    logits = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"first and second must be \(texts, classes\)"):
        fit_blend(logits, logits[:2], [0, 1, 0])
    with pytest.raises(ValueError, match="label_ids must be one or more, got none"):
        fit_blend(logits[:0], logits[:0], [])
