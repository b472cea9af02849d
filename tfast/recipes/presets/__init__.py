"""Runs that were made: their settings, their command, their machine and what they gave.

Each is a TOML file in this folder.
"""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

from tfast.arguments import one_of

FOLDER = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Preset:
    """A run that was made.

    Attributes:
        name: its name.
        recipe: "images", "ulmfit" or "language_model".
        title: what is learned, in a line.
        needs: settings that it leaves to whoever runs it: paths.
        command: the command that ran it.
        machine: where.
        settings: of the recipe, by name.
        results: what it gave, each a line.
    """

    name: str
    recipe: str
    title: str
    needs: tuple[str, ...]
    command: str
    machine: str
    settings: dict[str, Any]
    results: tuple[str, ...]


def preset_names(recipe: str | None = None) -> tuple[str, ...]:
    """The names of all presets, or of those for a recipe, sorted.

    Examples:
        >>> preset_names("images")
        ('cifar10', 'digits')
    """
    names = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return tuple(name for name in names if recipe in (None, load_preset(name).recipe))


def load_preset(name: str) -> Preset:
    """Reads a preset.

    Args:
        name: one of `preset_names()`.

    Returns:
        A `Preset`; its `settings` with what it `needs` are the arguments of a recipe.

    Raises:
        ValueError: there is none of that name.

    Examples:
        >>> preset = load_preset("cifar10")
        >>> preset.needs, preset.settings["image_size"]
        (('data', 'valid'), 32)
    """
    one_of("preset", name, sorted(path.stem for path in FOLDER.glob("*.toml")))
    content = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    for key in ("needs", "results"):
        content[key] = tuple(content[key])
    return Preset(name=name, **content)
