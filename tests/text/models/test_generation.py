import numpy as np
import pytest
import tensorflow as tf

from tfast.text.models.generation import check_sampling, continue_prompt, sample_words

PROBABILITIES = np.array([0.3, 0.4, 0.2, 0.1])
LOGITS = np.log(PROBABILITIES)[None].astype("float32").repeat(4000, 0)
NOISE = np.random.RandomState(0).random_sample(LOGITS.shape).astype("float32")


def frequencies(**options):
    options = {"temperature": 1.0, "min_probability": 0.0} | options
    return np.bincount(sample_words(LOGITS, NOISE, **options), minlength=4) / len(LOGITS)


def test_words_come_as_often_as_they_are_probable_and_the_unknown_one_never():
    expected = PROBABILITIES * [0, 1, 1, 1] / 0.7
    np.testing.assert_allclose(frequencies(), expected, atol=0.02)


def test_temperature_raises_probabilities_to_its_inverse():
    expected = (PROBABILITIES * [0, 1, 1, 1]) ** (1 / 0.5)
    np.testing.assert_allclose(frequencies(temperature=0.5), expected / expected.sum(), atol=0.02)
    np.testing.assert_array_equal(frequencies(temperature=1e-30), [0, 1, 0, 0])


def test_unlikely_words_are_left_out_as_long_as_one_is_likelier():
    # Without the unknown word: 0.571, 0.286, 0.143.
    np.testing.assert_allclose(frequencies(min_probability=0.2), [0, 2 / 3, 1 / 3, 0], atol=0.02)
    np.testing.assert_array_equal(frequencies(min_probability=0.5), [0, 1, 0, 0])
    np.testing.assert_array_equal(frequencies(min_probability=0.9), frequencies())


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("min_probability", [0.0, 0.5])
def test_noise_at_either_end_gives_a_likely_word(noise, min_probability):
    logits = np.array([[90.0, -40.0, 5.0, 60.0]], "float32")
    noise = np.full_like(logits, noise)
    words = sample_words(logits, noise, temperature=1.0, min_probability=min_probability)
    assert words.numpy().tolist() == [3]
    assert words.dtype == "int32"


def test_a_graph_samples_what_eager_code_does():
    graph = tf.function(
        lambda *tensors: sample_words(*tensors, temperature=0.7, min_probability=0.1),
        input_signature=[tf.TensorSpec([None, 4])] * 2,
    )
    expected = sample_words(LOGITS, NOISE, temperature=0.7, min_probability=0.1)
    np.testing.assert_array_equal(graph(LOGITS, NOISE), expected)


def next_logits(token_ids, states):
    """A model that counts on: after word n comes n + 1."""
    after = (np.asarray(token_ids)[:, -1] + 1) % 7
    return 100 * np.eye(7, dtype="float32")[after], (states or 0) + 1


def generate(prompt_ids=((1, 2), (3, 4)), num_words=2, **options):
    options = {"temperature": 1.0, "min_probability": 0.0, "seed": 0} | options
    return continue_prompt(next_logits, prompt_ids, num_words, **options)


def test_each_word_follows_the_one_before():
    np.testing.assert_array_equal(generate(), [[3, 4], [5, 6]])
    assert generate().dtype == "int32"
    assert generate(num_words=np.int64(0)).shape == (2, 0)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: generate([[1, 2], [3]]), "prompt_ids must be integers .* of the same length"),
        (lambda: generate([[0.5]]), "prompt_ids must be integers"),
        (lambda: generate([1, 2]), "prompt_ids must be integers"),
        (lambda: generate([[]]), "at least one in each row"),
        (lambda: generate(["word"]), "prompt_ids must be integers .* got \\['word'\\]"),
        (lambda: generate(num_words=-1), "num_words must be a whole number of at least 0, got -1"),
        (lambda: check_sampling(0.0, 0.0), "temperature must be a finite number above 0, got 0.0"),
        (lambda: check_sampling(1.0, 1.0), r"min_probability must be a number in \[0, 1\), got 1"),
    ],
)
def test_bad_arguments_are_named(act, message):
    with pytest.raises(ValueError, match=message):
        act()
