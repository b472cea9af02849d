"""Options of the command line, made from the settings of a recipe: no default is written twice."""

import argparse
import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from tfast.recipes.presets import load_preset, preset_names
from tfast.recipes.recipe import Recipe
from tfast.recipes.run_folder import hold

AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)


def add_settings(parser: argparse.ArgumentParser, recipe_class: type[Recipe]) -> None:
    """Adds an option for each setting of a recipe: `--batch-size` for `batch_size`.

    Args:
        parser: gets the options. Those that are not given are not in its result.
        recipe_class: the recipe.
    """
    kinds = typing.get_type_hints(recipe_class)
    add = parser.add_argument
    for field in recipe_class.fields():
        if field.metadata["group"]:
            add = parser.add_argument_group(field.metadata["group"]).add_argument
        keywords = _keywords(kinds[field.name])
        if field.metadata["metavar"]:
            keywords["metavar"] = field.metadata["metavar"]
        help_text = field.metadata["help"].replace("%", "%%") + _default_text(field)
        add(_option(field.name), default=argparse.SUPPRESS, help=help_text, **keywords)


def add_preset(parser: argparse.ArgumentParser, kind: str) -> None:
    """Adds `--preset`, of the presets for one kind of recipe."""
    parser.add_argument(
        "--preset",
        choices=preset_names(kind),
        help="settings of a run that was made, see `tfast recipes`; other options go before them",
    )


def add_run_options(parser: argparse.ArgumentParser, *, output: Path) -> None:
    """Adds `--output` and `--resume`."""
    parser.add_argument(
        "--output", type=Path, default=output, help="folder of the run (default: %(default)s)"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in that folder")
    parser.set_defaults(arrow=None)


def read_recipe(recipe_class: type[AnyRecipe], arguments: argparse.Namespace) -> AnyRecipe:
    """The recipe that a command line asks for.

    Args:
        recipe_class: the recipe.
        arguments: what the parser gave.

    Returns:
        The recipe with what was given; with the preset's settings for the rest, or what the
        recipe suggests without one.

    Raises:
        ValueError: a setting is refused by the recipe, or is missing for the preset.
    """
    given = {f.name: v for f in recipe_class.fields() if (v := _given(arguments, f.name)) != ()}
    if given.get("pretrained") not in (None, "auto", "none"):
        refused = [_option(name) for name in recipe_class.of_new_models if name in given]
        if refused:
            raise ValueError(
                f"{', '.join(refused)}: not with --pretrained, whose model has its own"
            )
    name = getattr(arguments, "preset", None)
    if name is None:
        return recipe_class.suggested(**given)
    preset = load_preset(name)
    missing = [_option(need) for need in preset.needs if need not in given]
    if missing:
        raise ValueError(f"--preset {name} needs {' and '.join(missing)} too")
    return recipe_class(**(preset.settings | given))


def run_recipe(recipe: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs a recipe that trains: by itself, or by the calls of a script in `arguments.arrow`.

    Returns:
        What `result.json` holds.
    """
    output, resume, arrow = arguments.output, arguments.resume, arguments.arrow
    if arrow is None:
        return recipe.run(output, resume=resume)
    with hold(output):
        return arrow(recipe, output, resume)


def _given(arguments: argparse.Namespace, name: str) -> Any:
    value = getattr(arguments, name, ())
    return tuple(value) if isinstance(value, list) else value


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _default_text(field: "dataclasses.Field[Any]") -> str:
    default, of = field.default, ""
    if default is None:
        default, of = field.metadata["otherwise"], " for a new model"
    if default is None:
        return ""
    if isinstance(default, bool):
        default = _option(field.name if default else f"no_{field.name}")
    values = default if isinstance(default, tuple) else (default,)
    return f" (default: {' '.join(map(str, values))}{of})"


def _keywords(kind: Any) -> dict[str, Any]:
    """What `add_argument` needs to read a value of a type."""
    kinds = typing.get_args(kind) if _is_union(kind) else (kind,)
    kinds = tuple(k for k in kinds if k is not types.NoneType)
    if bool in kinds:
        return {"action": argparse.BooleanOptionalAction}
    if typing.get_origin(kinds[0]) is typing.Literal:
        return {"metavar": f"{{{','.join(typing.get_args(kinds[0]))}}}"}
    if typing.get_origin(kinds[0]) is tuple:
        return {"nargs": "+", "type": typing.get_args(kinds[0])[0]}
    if str in kinds:
        return {"type": str}
    if Path in kinds and len(kinds) > 1:
        return {"type": _number_or_path, "metavar": "PATH|NUMBER"}
    return {"type": kinds[0]}


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _number_or_path(text: str) -> int | float | Path:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return Path(text)
