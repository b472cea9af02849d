"""What a ULMFiT run starts from: language models of one's own, or published ones."""

from pathlib import Path

from tfast.recipes.language_model_start import TextStart as TextStart
from tfast.recipes.language_model_start import read_language_models
from tfast.recipes.ulmfit_recipe import UlmfitRecipe


def read_pretrained(recipe: UlmfitRecipe) -> TextStart:
    """The language models to start from, with the vocabulary and the tokenizer that they know.

    Raises:
        ValueError: they are missing, damaged, or no language models of these directions.
        ImportError: a package is needed that is not installed.
    """
    name = recipe.pretrained
    if name is None:
        return TextStart()
    names = {False: name}
    if recipe.backward:
        names[True] = backward_name(name)
    return read_language_models(names, download=recipe.download)


def backward_name(name: str | Path) -> str | Path:
    """The backward model that belongs to a forward one.

    Raises:
        ValueError: none is known.

    Examples:
        >>> backward_name("fastai/wt103-fwd"), backward_name(Path("models/wt103-fwd.tgz")).name
        ('fastai/wt103-bwd', 'wt103-bwd.tgz')
        >>> backward_name(Path("run/language_model.keras")).name
        'backward_language_model.keras'
        >>> backward_name("tf2-ulmfit/en")
        Traceback (most recent call last):
        ValueError: backward must be left out: no backward model belongs to tf2-ulmfit/en
    """
    if isinstance(name, Path) and _is_own(name):
        return name.with_name(f"backward_{name.name}")
    last = name.name if isinstance(name, Path) else name
    if "fwd" not in last:
        raise ValueError(f"backward must be left out: no backward model belongs to {name}")
    backward = last.replace("fwd", "bwd")
    return name.with_name(backward) if isinstance(name, Path) else backward


def _is_own(name: str | Path) -> bool:
    return isinstance(name, Path) and name.suffix == ".keras"
