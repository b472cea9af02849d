import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.text.models.chunked_loss import chunked_softmax_cross_entropy
from tfast.text.models.language_model import LanguageModel
from tfast.text.models.sampled_loss import choose_candidates, sampled_softmax_cross_entropy

VOCAB, EMBED = 40, 4
TARGETS = np.array([[3, 17, 3], [39, 0, 5]])


def random_case():
    random = np.random.RandomState(0)
    hidden = tf.constant(random.standard_normal((2, 3, EMBED)), "float32")
    embeddings = tf.constant(random.standard_normal((VOCAB, EMBED)), "float32")
    return hidden, embeddings, tf.constant(random.standard_normal(VOCAB), "float32"), TARGETS


def seed(number=0):
    return keras.random.SeedGenerator(number)


def test_every_target_is_a_candidate_and_is_found_again():
    ids, log_weights, positions = map(np.array, choose_candidates(TARGETS, VOCAB, 12, seed()))
    assert len(set(ids.tolist())) == 12
    np.testing.assert_array_equal(ids[positions[TARGETS]], TARGETS)
    np.testing.assert_array_equal(log_weights[positions[TARGETS]], 0)


@pytest.mark.parametrize("num_candidates", [5, 6, 12, 39, 40])
def test_the_candidates_count_for_the_whole_vocabulary(num_candidates):
    targets = np.arange(5)
    _, log_weights, _ = choose_candidates(targets, VOCAB, num_candidates, seed())
    others = VOCAB if num_candidates > 5 else 5  # nothing is left to stand for the others
    assert float(np.exp(log_weights).sum()) == pytest.approx(others, rel=1e-5)


def test_the_normalizer_is_exact_in_expectation():
    _, embeddings, bias, _ = random_case()
    exponentials = np.exp(np.array(embeddings) @ np.ones(EMBED) / 2 + np.array(bias))
    generator, sums = seed(), []
    for _ in range(400):
        ids, log_weights, _ = choose_candidates(TARGETS, VOCAB, 15, generator)
        sums.append((exponentials[np.array(ids)] * np.exp(np.array(log_weights))).sum())
    error = np.std(sums) / np.sqrt(len(sums))
    assert error < 0.03 * exponentials.sum()
    assert np.mean(sums) == pytest.approx(exponentials.sum(), abs=4 * error)


def test_all_words_as_candidates_give_the_exact_loss_and_gradient():
    results = []
    for function in (
        chunked_softmax_cross_entropy,
        lambda *case: sampled_softmax_cross_entropy(*case, num_candidates=VOCAB, seed=seed()),
        # One less: what is left out counts by what is taken in its stead.
        lambda *case: sampled_softmax_cross_entropy(*case, num_candidates=VOCAB - 1, seed=seed()),
    ):
        hidden, embeddings, bias, targets = random_case()
        with tf.GradientTape() as tape:
            tape.watch([hidden, embeddings, bias])
            loss, _ = function(hidden, embeddings, bias, targets)
        gradients = tape.gradient(loss, [hidden, embeddings, bias])
        results.append([loss, *(tf.convert_to_tensor(gradient) for gradient in gradients)])
    for exact, same, near in zip(*results, strict=True):
        np.testing.assert_allclose(same, exact, rtol=1e-6)
        np.testing.assert_allclose(near, exact, atol=0.1)


def test_words_that_are_no_candidates_get_no_gradient():
    hidden, embeddings, bias, targets = random_case()
    with tf.GradientTape() as tape:
        tape.watch([embeddings, bias])
        loss, _ = sampled_softmax_cross_entropy(
            hidden, embeddings, bias, targets, num_candidates=8, seed=seed()
        )
    for gradient in tape.gradient(loss, [embeddings, bias]):
        dense = np.abs(tf.convert_to_tensor(gradient)).reshape(VOCAB, -1).sum(-1)
        assert (dense > 0).sum() == 8
        assert (dense[TARGETS] > 0).all()


def test_each_call_has_a_sample_of_its_own():
    generator = seed()
    samples = [set(np.array(choose_candidates(TARGETS, VOCAB, 12, generator).ids)) for _ in "ab"]
    assert samples[0] != samples[1]


def test_fewer_candidates_than_targets_are_refused():
    with pytest.raises(ValueError, match=r"num_candidates must be at least the 6 targets .* got 5"):
        sampled_softmax_cross_entropy(*random_case(), num_candidates=5, seed=seed())


def make_model(**options):
    keras.utils.set_random_seed(0)
    sizes = {"embed_size": 4, "hidden_size": 6, "num_layers": 1, "drop_mult": 0.0, "seed": 1}
    model = LanguageModel(VOCAB, **(sizes | options))
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False)
    return model


BATCH = {"token_ids": np.arange(12).reshape(2, 6), "starts_anew": np.ones(2, bool)}


def test_a_model_trains_by_candidates_and_is_measured_by_all_words():
    model, exact = make_model(num_candidates=16), make_model()
    targets = BATCH["token_ids"] + 1
    assert model.evaluate(BATCH, targets, verbose=0) == exact.evaluate(BATCH, targets, verbose=0)
    before = model.get_metrics_result()["perplexity"]
    model.fit(BATCH, targets, epochs=20, batch_size=2, shuffle=False, verbose=0)
    assert model.evaluate(BATCH, targets, verbose=0, return_dict=True)["perplexity"] < before / 1.5


def test_the_number_of_candidates_is_saved_with_the_model():
    model = LanguageModel.from_config(make_model(num_candidates=16).get_config())
    assert model.num_candidates == 16
