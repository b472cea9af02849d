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


def test_the_fewer_texts_the_less_a_network_weighs():
    # One that is as good as the other, and independent of it.
    expected = {10: 0.01, 50: 0.3, 200: 0.47, 2000: 0.5}
    for count, weight in expected.items():
        found = [
            fit_blend(
                *(some_logits(count, slope=1, seed=seed + offset)[0] for offset in (0, 100)),
                np.arange(count) % 2,
            ).weight
            for seed in range(20)
        ]
        assert np.mean(found) == pytest.approx(weight, abs=0.04)


def test_many_texts_decide_by_themselves():
    first, labels = some_logits(2000, slope=1, seed=0)
    second, _ = some_logits(2000, slope=1, seed=100)
    assert fit_blend(first, second, labels).weight == pytest.approx(0.5, abs=0.05)


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


@pytest.mark.parametrize("noise", [0.1, 1, 100])
def test_two_that_are_worse_than_chance_still_make_a_blend(noise):
    logits, labels = some_logits(2000, slope=-1, seed=0, noise=noise)
    blend = fit_blend(logits, logits, labels)
    assert 0 <= blend.weight <= 1
    assert blend.sharpness > 0.01


def test_what_does_not_fit_is_named():
    logits = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"first and second must be \(texts, classes\)"):
        fit_blend(logits, logits[:2], [0, 1, 0])
    with pytest.raises(ValueError, match="label_ids must be one or more, got none"):
        fit_blend(logits[:0], logits[:0], [])
