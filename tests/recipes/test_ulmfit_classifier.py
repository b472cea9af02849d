from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, some_texts

from tfast.recipes.ulmfit_classifier import FittedClassifier, train_classifier, vote
from tfast.recipes.ulmfit_preparation import target_documents
from tfast.saving import load_model
from tfast.text.corpora import Corpus, Texts
from tfast.text.documents import pad_documents
from tfast.text.linear_head import fit_linear_head
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.ulmfit import transfer_encoder

SIZES = {"embed_size": 6, "hidden_size": 8, "num_layers": 1}


def prepare(output, *, labels=None, lm_epochs=0, unlabelled=0):
    """30 training texts, 10 for validation."""
    documents, ids = some_texts(40, 2)
    names = ["ab"[label] for label in (ids if labels is None else labels)]
    recipe = SimpleNamespace(
        fine_tune=False, seed=0, batch_size=8, drop_mult=0.5, max_length=50, lm_epochs=lm_epochs
    )
    return SimpleNamespace(
        output=output,
        recipe=recipe,
        vocabulary=range(VOCAB_SIZE),
        documents={
            "train": documents[:30],
            "valid": documents[30:],
            "unlabelled": documents[:unlabelled],
        },
        corpus=Corpus(
            Texts(["unused"] * 30, names[:30]),
            Texts(["unused"] * 10, names[30:]),
            Texts(["unused"], ["a"]),
            Texts(()),
        ),
    )


def test_a_frozen_encoder_gets_a_head_of_training_and_validation_texts(tmp_path, capsys):
    target = LanguageModel(VOCAB_SIZE, **SIZES)
    seconds = {}
    fitted = train_classifier(prepare(tmp_path), False, target, seconds)
    assert seconds.keys() == {"classifier"}
    documents, labels = some_texts(40, 2)
    alone = TextClassifier(VOCAB_SIZE, 2, head_size=4, **SIZES)
    transfer_encoder(target, alone)
    found = fit_linear_head(alone, documents, labels)
    np.testing.assert_allclose(fitted.left_out, found.left_out, atol=1e-4)
    right = (found.left_out.argmax(-1) == labels).mean()
    assert f"{right:.2%} right in cross-validation" in capsys.readouterr().out
    for model in (fitted.model, load_model(tmp_path / "classifier.keras")):
        np.testing.assert_allclose(
            model(pad_documents(documents)), alone(pad_documents(documents)), atol=1e-4
        )


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        ([0, 1] + [0] * 38, {}),  # nothing can be left out of the second class
        ([0, 1] * 20, {"lm_epochs": 1, "unlabelled": 29}),  # the encoder has read the texts
    ],
)
def test_where_training_texts_cannot_judge_the_validation_texts_are_not_learned_from(
    labels, options, tmp_path
):
    target = LanguageModel(VOCAB_SIZE, **SIZES)
    fitted = train_classifier(prepare(tmp_path, labels=labels, **options), False, target, {})
    assert fitted.left_out is None
    documents, _ = some_texts(40, 2)
    alone = TextClassifier(VOCAB_SIZE, 2, head_size=4, **SIZES)
    transfer_encoder(target, alone)
    fit_linear_head(alone, documents[:30], labels[:30])
    np.testing.assert_allclose(
        fitted.model(pad_documents(documents)), alone(pad_documents(documents)), atol=1e-4
    )


def test_where_there_are_more_others_the_language_model_does_not_read_the_training_texts(tmp_path):
    prepared = prepare(tmp_path, lm_epochs=1, unlabelled=30)
    assert target_documents(prepared.recipe, prepared.documents).shape[0] == 30
    fitted = train_classifier(prepared, False, LanguageModel(VOCAB_SIZE, **SIZES), {})
    assert fitted.left_out.shape == (40, 2)
    for fine_tune, unlabelled in ((True, 30), (False, 29)):
        prepared = prepare(tmp_path, lm_epochs=1, unlabelled=unlabelled)
        prepared.recipe.fine_tune = fine_tune
        read = target_documents(prepared.recipe, prepared.documents)
        assert read.shape[0] == 30 + unlabelled


def test_two_directions_are_never_certain():
    model = TextClassifier(VOCAB_SIZE, 2, **SIZES)
    certain = FittedClassifier(model, np.array([[0.0, 100.0]]))
    np.testing.assert_allclose(vote(certain, certain).left_out, [[np.log(1e-7), 0.0]])


@pytest.mark.parametrize("left_out", [True, False])
def test_two_directions_answer_left_out_texts_as_they_answer_all(left_out):
    documents, _ = some_texts(12, 2)
    models = [TextClassifier(VOCAB_SIZE, 2, **SIZES) for _ in range(2)]
    inputs = [pad_documents(documents), pad_documents(documents, reverse=True)]
    logits = [np.array(model(some)) for model, some in zip(models, inputs, strict=True)]
    both = vote(
        FittedClassifier(models[0], logits[0]),
        FittedClassifier(models[1], logits[1] if left_out else None),
    )
    if left_out:
        expected = tf.nn.softmax(both.model(inputs[0]))
        np.testing.assert_allclose(tf.nn.softmax(both.left_out), expected, atol=1e-6)
    else:
        assert both.left_out is None
