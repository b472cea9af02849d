import pytest
import tensorflow as tf

from tfast.data.epochs import batches_by_epoch


def epoch_batches(random_seed, start):
    """Steps with a number that depends on epoch and step alone."""
    return tf.data.Dataset.range(start, 3).map(
        lambda step: (
            random_seed[1],
            step,
            tf.random.stateless_uniform((), tf.stack([random_seed[0], 3 * random_seed[1] + step])),
        )
    )


def make(first_step=None, *, seed=7, training=True):
    return batches_by_epoch(
        epoch_batches, steps_per_epoch=3, seed=seed, training=training, first_step=first_step
    )


def values(dataset, count=-1):
    return [tuple(value.numpy() for value in batch) for batch in dataset.take(count)]


@pytest.mark.parametrize("first_step", range(8))
def test_a_later_start_continues_the_endless_run(first_step):
    whole = values(make(0), 10)
    assert [(epoch, step) for epoch, step, _ in whole] == [divmod(step, 3) for step in range(10)]
    assert values(make(first_step), 10 - first_step) == whole[first_step:]
    assert make(first_step).cardinality() == tf.data.INFINITE_CARDINALITY


def test_the_seed_decides():
    assert values(make(0), 4) == values(make(0), 4)
    assert values(make(0), 4) != values(make(0, seed=8), 4)


def test_without_a_step_each_iteration_is_another_epoch():
    dataset = make()
    assert len(dataset) == 3
    epochs = [values(dataset) for _ in range(3)]
    assert [[step for _, step, _ in epoch] for epoch in epochs] == [[0, 1, 2]] * 3
    assert len({epoch[0][0] for epoch in epochs}) == 3
    again = make()
    assert [values(again) for _ in range(3)] == epochs


def test_what_is_skipped_is_never_made():
    made = []

    def watched(random_seed, start):
        return epoch_batches(random_seed, start).map(
            lambda epoch, step, value: tf.py_function(
                lambda epoch, step: made.append((int(epoch), int(step))) or step,
                (epoch, step),
                tf.int64,
            )
        )

    dataset = batches_by_epoch(watched, steps_per_epoch=3, seed=1, training=True, first_step=5)
    values(dataset.map(lambda step: (step,)), 1)
    assert made[0] == (1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_step": -1}, "first_step must be a whole number of at least 0, got -1"),
        ({"first_step": 1.0}, "first_step must be a whole number of at least 0, got 1.0"),
        ({"first_step": 1, "training": False}, "first_step must be None where nothing is trained"),
        ({"first_step": 1, "seed": None}, "seed must be a whole number where first_step is given"),
    ],
)
def test_bad_starts_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
