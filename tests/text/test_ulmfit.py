import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_weights import golden_arrays, golden_json, wave

from tfast.text.classifier_batches import classifier_batches
from tfast.text.lm_batches import lm_batches
from tfast.text.models import classifier, language_model
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.ulmfit import (
    classifier_stages,
    language_model_stages,
    transfer_encoder,
    transfer_rows,
    transfer_vocabulary,
    ulmfit_optimizer,
)
from tfast.training.unfreezing import GradualUnfreezing

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}


def test_rows_move_to_another_vocabulary_as_in_fastai():
    words = golden_json("fastai_numerics.json")["vocab_transfer"]
    golden = golden_arrays("fastai_numerics.npz")
    for rows, name in ((wave((5, 4), 1), "weight"), (wave((5,), 2), "bias")):
        moved = transfer_rows(rows, words["old"], words["new"])
        np.testing.assert_allclose(moved, golden[f"vocab_transfer_{name}"], rtol=1e-6)


def test_a_language_model_moves_to_another_vocabulary():
    model = LanguageModel(3, **SIZES, alpha=1.5)
    model.decoder.bias.assign([1.0, 2.0, 6.0])
    moved = transfer_vocabulary(model, ["a", "b", "c"], ["c", "d", "a", "b"], drop_mult=0.5)
    inputs = {"token_ids": np.array([[0, 1, 2]]), "starts_anew": np.array([True])}
    there = {**inputs, "token_ids": np.array([[2, 3, 0]])}
    expected = model(inputs)["logits"]
    np.testing.assert_allclose(moved(there)["logits"].numpy()[..., [2, 3, 0]], expected, atol=1e-6)
    np.testing.assert_array_equal(moved.decoder.bias, [6.0, 3.0, 1.0, 2.0])
    assert (moved.alpha, moved.encoder.settings["drop_mult"]) == (1.5, 0.5)


def test_new_words_are_read_as_unknown_ones():
    model = LanguageModel(3, **SIZES)
    moved = transfer_vocabulary(model, ["xxunk", "b", "c"], ["xxunk", "c", "new", "b"])
    rows = np.array(model.encoder.embeddings)
    np.testing.assert_array_equal(moved.encoder.embeddings, rows[[0, 2, 0, 1]])
    without = transfer_vocabulary(model, ["a", "b", "c"], ["c", "new"])
    np.testing.assert_allclose(without.encoder.embeddings[1], rows.mean(axis=0), rtol=1e-6)


def test_the_three_models_train_one_after_the_other(capsys):
    random = np.random.RandomState(0)
    documents = tf.ragged.constant(
        [random.randint(2, 12, length).tolist() for length in (9, 4, 7, 6)], dtype="int32"
    )
    general = LanguageModel(12, **SIZES)
    words = [str(number) for number in range(12)]
    target = transfer_vocabulary(general, words, words)
    target.compile(ulmfit_optimizer())
    groups = language_model.layer_groups(target)
    stages = language_model_stages(epochs=(1, 1))
    batches = lm_batches(documents, batch_size=2, sequence_length=4, training=True)
    history = GradualUnfreezing(groups, stages).fit(target, batches, verbose=0)
    assert np.isfinite(history.history["perplexity"]).all()

    model = TextClassifier(12, 2, **SIZES)
    transfer_encoder(target, model)
    trained = [np.array(weight) for weight in model.encoder.weights]
    model.compile(
        ulmfit_optimizer(clip_norm=None), keras.losses.CategoricalCrossentropy(from_logits=True)
    )
    groups = classifier.layer_groups(model)
    batches = classifier_batches(
        documents, [0, 1, 0, 1], num_classes=2, batch_size=2, training=True
    )
    stages = classifier_stages(len(groups), peaks=(2e-2, 1e-2), epochs=(1, 1))
    GradualUnfreezing(groups, stages[:1]).fit(model, batches, verbose=0)
    for before, after in zip(trained, model.encoder.weights, strict=True):
        np.testing.assert_array_equal(before, after)
    GradualUnfreezing(groups, stages[1:]).fit(model, batches, verbose=0)
    assert all(np.any(b != a) for b, a in zip(trained, model.encoder.weights, strict=True))


def test_each_group_of_the_classifier_learns_2_6_times_slower_than_the_next():
    for stage in classifier_stages(5):
        multipliers = np.array(stage.multipliers)
        np.testing.assert_allclose(multipliers[1:] / multipliers[:-1], 2.6)
        assert multipliers[-1] == 1
    assert set(classifier_stages(5, slower_by=1)[-1].multipliers) == {1}


def test_bad_arguments_are_named():
    with pytest.raises(
        ValueError, match="old_words must have a word for each of the 3 rows, got 2"
    ):
        transfer_rows(np.ones((3, 2)), ["a", "b"], ["a"])
    with pytest.raises(ValueError, match="embed_size 4 and 5"):
        transfer_encoder(
            LanguageModel(12, **SIZES), TextClassifier(12, 2, **(SIZES | {"embed_size": 5}))
        )
    with pytest.raises(ValueError, match="peaks and epochs"):
        classifier_stages(3)
