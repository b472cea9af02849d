import pytest
from small_data import TINY_TEXTS

from tfast.recipes import UlmfitRecipe
from tfast.recipes.ulmfit_training import train
from tfast.text.models.forward_backward import ForwardBackwardClassifier

COLUMNS = {"text_column": "review", "label_column": "stars"}


@pytest.mark.slow
def test_backward_models_vote_with_forward_ones_and_a_model_continues_elsewhere(reviews, tmp_path):
    first = UlmfitRecipe(data=reviews, backward=True, **COLUMNS, **TINY_TEXTS)
    trained = train(first.prepare(tmp_path / "first"))
    assert isinstance(trained.model, ForwardBackwardClassifier)
    assert list(trained.seconds) == [
        "language_model", "classifier", "backward_language_model", "backward_classifier",
    ]  # fmt: skip
    tiny = {k: v for k, v in TINY_TEXTS.items() if k not in UlmfitRecipe.of_new_models}
    # The vocabulary of the first run is beside it.
    pretrained = tmp_path / "first" / "language_model.keras"
    second = UlmfitRecipe(data=reviews, backward=True, pretrained=pretrained, **COLUMNS, **tiny)
    result = second.run(tmp_path / "second")
    assert 0 <= result["accuracy"] <= 1
