"""Trains an image classifier: the image path as calls. `tfast train-images` does the same.

    python scripts/train_images.py --output runs/digits
    python scripts/train_images.py --data images --model xresnet50 --output runs/images

--help lists the options.
"""

import sys
from pathlib import Path
from typing import Any

from tfast.cli.main import script_main
from tfast.recipes import ImageRecipe


def train_images(recipe: ImageRecipe, output: Path, resume: bool) -> dict[str, Any]:
    """Folder -> batches -> mixup -> XResNet -> SavedModel and report."""
    # The folder's images, checked and split in two, and an XResNet with its optimizer.
    prepared = recipe.prepare(output, resume=resume)
    # Augmented batches, mixed, to a fit that continues from its checkpoint.
    trained = recipe.train(prepared)
    # model.keras, a SavedModel that takes image files, result.json, then figures.
    return recipe.write(prepared, trained)


if __name__ == "__main__":
    sys.exit(script_main("train-images", arrow=train_images))
