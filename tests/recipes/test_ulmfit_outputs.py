import dataclasses
import json

import pytest
import tensorflow as tf
from small_data import TINY_TEXTS, write_reviews

from tfast.recipes import (
    InputError,
    PortableExport,
    UlmfitRecipe,
    ulmfit_outputs,
    ulmfit_training,
)
from tfast.recipes.served import Served
from tfast.text.library_docstrings import library_docstrings

COLUMNS = {"text_column": "review", "label_column": "stars"}
FILES = {
    "vocabulary.txt", "language_model.keras", "classifier.keras", "saved_model", "checkpoints",
    "language_model_curves.png", "classifier_curves.png", "language_model_history.csv",
    "tfidf.keras", "tfidf.json", "blended_classifier.keras",
    "classifier_history.csv", "confusions.png", "worst.csv", "result.json",
    "serving.json",
}  # fmt: skip


def test_a_run_leaves_models_that_serve_and_a_report(tmp_path, monkeypatch):
    # Labels that matplotlib would take for mathematics.
    reviews = write_reviews(tmp_path / "reviews.csv", labels=("Ba$$in", "Va$e_{x"))
    output = tmp_path / "run"
    recipe = UlmfitRecipe(data=reviews, **COLUMNS, **TINY_TEXTS)
    result = recipe.run(output)
    assert {path.name for path in output.iterdir()} >= FILES - {"confusions.png"}
    read = json.loads((output / "result.json").read_text())
    assert read.pop("environment")
    assert read == result
    assert (result["training_texts"], result["test_texts"]) == (39, 12)
    assert list(result["seconds"]) == ["tfidf", "language_model", "classifier", "blend"]
    assert result["accuracy"] == result["blend_accuracy"]
    assert 0 <= result["ulmfit_accuracy"] <= 1
    assert result["tfidf_accuracy"] > 0.9  # single words tell the label
    assert 0 <= result["blend_weight"] <= 1
    assert result["paths"] == {"data": str(reviews)}
    serve = tf.saved_model.load(str(output / "saved_model")).signatures["serving_default"]
    answer = serve(text=tf.constant(["It was fine .", ""]))
    assert set(answer["labels"].numpy()) <= {b"Ba$$in", b"Va$e_{x"}

    served = Served.read(output)
    assert served.class_names == ("Ba$$in", "Va$e_{x")
    assert (served.model, len(served.examples)) == ("blended_classifier.keras", 12)
    assert PortableExport(model=output).run(tmp_path / "portable") < 1e-4
    with pytest.raises(InputError, match="resume it, or name another"):
        recipe.prepare(output)
    with pytest.raises(InputError, match=r"made under other settings: seed=0 \(now 1\)"):
        UlmfitRecipe(data=reviews, seed=1, **COLUMNS, **TINY_TEXTS).prepare(output, resume=True)

    # Called again it only writes; and what is drawn cannot cost the rest.
    def fail(*arguments, **options):
        raise RuntimeError("no figure today")

    monkeypatch.setattr(ulmfit_outputs.figures, "plot_confusions", fail)
    (output / "result.json").unlink()
    with pytest.warns(UserWarning, match=r"confusions.png was not drawn"):
        again = dataclasses.replace(recipe, blend=False).run(output, resume=True)
    assert again["accuracy"] == again["ulmfit_accuracy"] == result["ulmfit_accuracy"]
    for name in ("tfidf_accuracy", "blend_accuracy", "blend_weight", "blend_sharpness"):
        assert again[name] == result[name]
    assert json.loads((output / "result.json").read_text())["accuracy"] == again["accuracy"]
    alone = tf.saved_model.load(str(output / "saved_model")).signatures["serving_default"]
    found = alone(text=tf.constant(["It was fine ."]))["probabilities"]
    assert abs(found - answer["probabilities"][:1]).numpy().max() > 1e-4
    assert Served.read(output).model == "classifier.keras"


def test_a_few_labels_leave_the_encoder_as_it_is(reviews, tmp_path):
    first = UlmfitRecipe(data=reviews, **COLUMNS, **TINY_TEXTS).prepare(tmp_path / "first")
    ulmfit_training.train_language_model(first, False, {})
    pretrained = tmp_path / "first" / "language_model.keras"
    output = tmp_path / "second"
    given = {"pretrained": pretrained, "lm_epochs": 0, "valid": 0.2, "test": 0.2, **COLUMNS}
    result = UlmfitRecipe(data=reviews, **given).run(output)
    left = {path.name for path in output.iterdir()}
    of_training = {name for name in FILES if name.endswith(("_history.csv", "_curves.png"))}
    assert left >= FILES - {"checkpoints"} - of_training
    assert not left & ({"checkpoints"} | of_training)
    assert list(result["seconds"]) == ["tfidf", "classifier", "blend"]
    serve = tf.saved_model.load(str(output / "saved_model")).signatures["serving_default"]
    answer = serve(text=tf.constant(["great lovely superb", "awful dull sad", ""]))["labels"]
    assert answer.numpy().tolist()[:2] == [b"good", b"bad"]

    with pytest.raises(InputError, match="resume it, or name another"):
        UlmfitRecipe(data=reviews, **given).prepare(output)
    with pytest.raises(InputError, match=r"result.json is of a run with other settings: seed=0 "):
        UlmfitRecipe(data=reviews, seed=1, **given).prepare(output, resume=True)
    UlmfitRecipe(data=reviews, **given).prepare(output, resume=True)
    # As if it had been killed before it wrote that.
    (output / "result.json").unlink()
    again = UlmfitRecipe(data=reviews, **given).run(output, resume=True)
    for name in ("accuracy", "ulmfit_accuracy", "tfidf_accuracy", "blend_weight"):
        assert again[name] == result[name]


@pytest.mark.slow
def test_without_data_libraries_are_told_apart_by_their_documentation(tmp_path, monkeypatch):
    from tfast.text import corpora

    monkeypatch.setattr(
        corpora,
        "library_docstrings",
        lambda number, seed: library_docstrings(20, libraries=("python", "keras"), seed=seed),
    )
    result = UlmfitRecipe(**TINY_TEXTS).run(tmp_path)
    assert result["unlabelled_texts"] == 16
    assert result["training_texts"] + result["test_texts"] < 40 - 16
