"""Trains a text classifier: the text path as calls. `tfast train-ulmfit` does the same.

    python scripts/train_ulmfit.py --output runs/docstrings
    python scripts/train_ulmfit.py --data reviews.csv --unlabelled more.csv --output runs/reviews

--help lists the options.
"""

import sys
from pathlib import Path
from typing import Any

from tfast.cli.main import script_main
from tfast.recipes import UlmfitRecipe


def train_ulmfit(recipe: UlmfitRecipe, output: Path, resume: bool) -> dict[str, Any]:
    """Strings -> token ids -> language model -> classifier -> SavedModel and report."""
    # Texts, read and split; tokens, vocabulary and token ids; the models to start from.
    prepared = recipe.prepare(output, resume=resume)
    # A language model of all texts; a classifier on its encoder, unfrozen layer by layer.
    trained = recipe.train(prepared)
    # A SavedModel that takes raw strings, result.json with TF-IDF beside it, then figures.
    return recipe.write(prepared, trained)


if __name__ == "__main__":
    sys.exit(script_main("train-ulmfit", arrow=train_ulmfit))
