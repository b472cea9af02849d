import subprocess
import sys

import pytest
from small_data import TINY_TEXTS

from tfast.recipes import InputError, UlmfitRecipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window must be a whole number of at least 1, got 0"),
        ({"valid": -0.1}, "valid must be a fraction between 0 and 1, a whole number or a path"),
        ({"test": float("inf")}, "test must be a fraction between 0 and 1, a whole number or a"),
        ({"valid": float("nan")}, "valid must be a fraction between 0 and 1, a whole number or a"),
        (
            {"epochs": (1, 1, 1)},
            "epochs and learning_rates must be given together, got epochs alone",
        ),
        (
            {"epochs": (1, 1, 1), "pretrained": "none"},
            "learning_rates must be one for each of 3 epochs, got 2",
        ),
        ({"pretrained": "none", "lm_epochs": 0}, "lm_epochs must be at least 1 for a new model"),
        (
            {"lm_batch_size": 2, "window": 9, "lm_candidates": 17},
            "lm_candidates must be 0 or at least the 18 tokens of a batch, got 17",
        ),
        ({"drop_mult": -1}, "drop_mult must be a finite number of at least 0, got -1"),
        ({"encoding": ""}, "encoding must be a text, got ''"),
        ({"general_text": "a", "pretrained": "b"}, "general_text must be left out beside"),
        ({"data": None, "unlabelled": "a.csv"}, "unlabelled must not be a path where data is not"),
        ({"data": None, "test": "a.csv"}, "test must not be a path where data is not given"),
        ({"pretrained": "a.keras", "layers": 3}, "layers must be left out beside pretrained"),
    ],
    ids=str,
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        UlmfitRecipe(**({"data": "a.csv"} | settings))


def test_settings_suit_what_is_given():
    assert UlmfitRecipe.suggested(data="a.csv") == UlmfitRecipe(data="a.csv")
    assert UlmfitRecipe.suggested().epochs == (1, 1, 4)
    assert UlmfitRecipe.suggested(data="a.csv", pretrained="none").epochs == (1, 3)
    # They depend on the texts.
    assert UlmfitRecipe.suggested(data="a.csv", pretrained="a.keras").epochs is None


def test_amounts_may_be_fractions_numbers_and_paths():
    recipe = UlmfitRecipe(data="a.csv", valid=300.0, test="test.csv", epochs=2, learning_rates=1)
    assert (recipe.valid, recipe.paths()["test"]) == (300, "test.csv")
    assert (recipe.epochs, recipe.learning_rates) == ((2,), (1.0,))


def test_paths_are_checked_before_anything_is_imported(tmp_path):
    code = f"""
import sys
from tfast.recipes import UlmfitRecipe, InputError
for name in ("data", "unlabelled", "general_text", "valid", "test", "pretrained"):
    try:
        UlmfitRecipe(**({{"data": "."}} | {{name: "nowhere"}})).prepare({str(tmp_path)!r})
    except InputError as error:
        print(error)
print("tensorflow" in sys.modules)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = shown.stdout.splitlines()
    assert lines[0] == "data must be a file or folder, got nowhere"
    assert (len(lines), lines[-1]) == (7, "False")


def test_a_run_is_not_overwritten(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(InputError, match="resume it, or name another"):
        UlmfitRecipe.suggested(**TINY_TEXTS).prepare(tmp_path)
