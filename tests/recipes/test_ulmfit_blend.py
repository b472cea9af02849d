import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, some_texts

from tfast.recipes.baselines import Baseline, predict
from tfast.recipes.ulmfit_blend import blend_with_baseline
from tfast.recipes.ulmfit_preparation import labelled
from tfast.recipes.ulmfit_training import TrainedTexts
from tfast.saving import load_model
from tfast.text.blending import fit_blend
from tfast.text.corpora import Corpus, Texts
from tfast.text.documents import pad_documents
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.tfidf import CANDIDATES, fit_tfidf, left_out_logits


def prepare(output, *, blend=True, backward=False):
    documents, parts = {}, {}
    for seed, name in enumerate(("train", "valid", "test")):
        documents[name], labels = some_texts(60, 2, seed=seed)
        parts[name] = Texts(["unused"] * 60, ["ab"[label] for label in labels])
    return SimpleNamespace(
        output=output,
        corpus=Corpus(**parts, unlabelled=Texts(())),
        documents=documents,
        vocabulary=range(VOCAB_SIZE),
        recipe=SimpleNamespace(batch_size=16, blend=blend, backward=backward, seed=0),
    )


@pytest.fixture(scope="module")
def trained():
    documents, labels = some_texts(60, 2)
    sizes = {"vocab_size": VOCAB_SIZE, "num_classes": 2, "settings": CANDIDATES[0]}
    baseline = Baseline(fit_tfidf(documents, labels, **sizes), CANDIDATES[0], None, 0.1)
    # It has learned nothing.
    classifier = TextClassifier(VOCAB_SIZE, 2, embed_size=4, hidden_size=6, num_layers=1)
    return TrainedTexts(classifier, {}, baseline)


def test_the_exported_model_is_the_one_whose_probabilities_are_reported(trained, tmp_path):
    prepared = prepare(tmp_path)
    blended = blend_with_baseline(prepared, trained)
    assert isinstance(blended.served, BlendedClassifier)
    assert list(blended.probabilities) == ["ulmfit", "tfidf", "blend"]
    inputs = pad_documents(prepared.documents["test"])
    for model in (blended.served, load_model(tmp_path / "blended_classifier.keras")):
        found = tf.nn.softmax(model(inputs))
        np.testing.assert_allclose(found, blended.served_probabilities, rtol=0, atol=1e-6)
    assert blended.blend.weight < 0.5  # of what has learned nothing


def test_the_weight_comes_from_the_validation_texts_and_tfidf_then_learns_them(trained, tmp_path):
    prepared = prepare(tmp_path)
    blended = blend_with_baseline(prepared, trained)
    logits = [trained.model, trained.baseline.model]
    logits = [predict(prepared, model, "valid") for model in logits]
    assert blended.blend == fit_blend(*logits, prepared.corpus.label_ids(prepared.corpus.valid))
    both = tf.concat([prepared.documents["train"], prepared.documents["valid"]], 0)
    labels = [
        prepared.corpus.label_ids(getattr(prepared.corpus, name)) for name in ("train", "valid")
    ]
    sizes = {"vocab_size": VOCAB_SIZE, "num_classes": 2, "settings": CANDIDATES[0]}
    expected = predict(
        SimpleNamespace(documents={"test": prepared.documents["test"]}, recipe=prepared.recipe),
        fit_tfidf(both, [*labels[0], *labels[1]], **sizes),
        "test",
    )
    np.testing.assert_allclose(
        blended.probabilities["tfidf"], tf.nn.softmax(expected), rtol=0, atol=1e-6
    )


def test_a_classifier_that_all_labelled_texts_judge_is_weighed_by_all(trained, tmp_path):
    prepared = prepare(tmp_path)
    documents, label_ids = labelled(prepared, ("train", "valid"))
    good = np.eye(2)[label_ids] * 3 + np.random.RandomState(0).standard_normal((120, 2))
    blended = blend_with_baseline(prepared, dataclasses.replace(trained, left_out=good))
    theirs = left_out_logits(
        documents, label_ids, vocab_size=VOCAB_SIZE, settings=CANDIDATES[0], seed=0
    )
    assert blended.blend == fit_blend(good, theirs, label_ids)
    assert blended.blend.weight > 0.1
    alone = blend_with_baseline(prepared, trained)  # judged by the validation texts
    assert alone.blend.weight < blended.blend.weight


def test_without_the_setting_the_classifier_is_exported_alone(trained, tmp_path):
    blended = blend_with_baseline(prepare(tmp_path, blend=False), trained)
    assert blended.served is trained.model
    assert blended.served_probabilities is blended.probabilities["ulmfit"]
    assert blended.file == "classifier.keras"
    assert blended.probabilities.keys() == {"ulmfit", "tfidf", "blend"}
    assert not list(tmp_path.iterdir())


def test_both_directions_without_tfidf_have_a_file_of_their_own(trained, tmp_path):
    both = ForwardBackwardClassifier(trained.model, trained.model)
    trained = dataclasses.replace(trained, model=both)
    blended = blend_with_baseline(prepare(tmp_path, blend=False, backward=True), trained)
    assert [path.name for path in tmp_path.iterdir()] == [blended.file]
    assert isinstance(load_model(tmp_path / blended.file), ForwardBackwardClassifier)


def test_without_a_baseline_too(trained, tmp_path):
    blended = blend_with_baseline(prepare(tmp_path), TrainedTexts(trained.model, {}))
    assert blended.served is trained.model
    assert blended.blend is None
    assert blended.probabilities.keys() == {"ulmfit"}
