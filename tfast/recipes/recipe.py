"""What every recipe is: frozen settings, each with its default, its check and its help."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

from tfast.recipes.checks import Check, or_none

# Among the settings of every run. Raised when the same settings come to mean something else: other
# orders of the data, say.
RECIPE_VERSION = 3


def setting(
    default: Any,
    check: Check,
    help: str,
    *,
    metavar: str | None = None,
    group: str | None = None,
    same_on_resume: bool = True,
    otherwise: Any = None,
) -> Any:
    """A field of a recipe.

    Args:
        default: its value where none is given.
        check: what the value must be.
        help: what it means, for the command line.
        metavar: what its value is called there.
        group: under which heading it is listed there; None for that of the field before.
        same_on_resume: whether a resumed run must have the value of the interrupted one.
        otherwise: what a default of None comes to, unless a pretrained model tells
            (`Recipe.follows_pretrained`).

    Returns:
        What `dataclasses.dataclass` takes for a field.
    """
    metadata = {
        "check": check,
        "help": help,
        "metavar": metavar,
        "group": group,
        "same_on_resume": same_on_resume,
        "otherwise": otherwise,
    }
    return dataclasses.field(default=default, metadata=metadata)


def late_setting(otherwise: Any, check: Check, help: str, **options: Any) -> Any:
    """A field that is None until it is known what the run starts from.

    Args:
        otherwise: its value where that is a new model.
        check: what the value must be.
        help: what it means, for the command line.
        **options: as of `setting`.

    Returns:
        What `dataclasses.dataclass` takes for a field.
    """
    return setting(None, or_none(check), help, otherwise=otherwise, **options)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a run. Each is checked when the recipe is made, and never changes."""

    # Settings of a new model: a pretrained one brings its own.
    of_new_models: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for field in self.fields():
            value = field.metadata["check"](field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)  # past `frozen`, once
        for field, value in self._items():
            if value is None and not self.follows_pretrained:
                object.__setattr__(self, field.name, field.metadata["otherwise"])

    @property
    def follows_pretrained(self) -> bool:
        """Whether settings that are None wait for what a pretrained model brings along."""
        return False

    @classmethod
    def fields(cls) -> tuple["dataclasses.Field[Any]", ...]:
        """The settings in order, as `dataclasses.fields` gives them."""
        return dataclasses.fields(cls)

    @classmethod
    def suggested(cls, **given: Any) -> Self:
        """A recipe from what is given, and what suits that for everything else."""
        return cls(**given)

    def settings(self) -> dict[str, Any]:
        """What a resumed run must agree on with the interrupted one, as JSON gives it back.

        Paths are left out: data may be moved in between.
        """
        values = {
            field.name: value
            for field, value in self._items()
            if field.metadata["same_on_resume"] and not _is_path(value)
        }
        settings: dict[str, Any] = json.loads(json.dumps(values))
        return settings | {"recipe_version": RECIPE_VERSION}

    def paths(self) -> dict[str, str | list[str]]:
        """The settings that are paths, or several."""
        return {
            field.name: [str(each) for each in v] if isinstance(v, tuple) else str(v)
            for field, v in self._items()
            if _is_path(v)
        }

    def _items(self) -> Iterator[tuple["dataclasses.Field[Any]", Any]]:
        for field in self.fields():
            yield field, getattr(self, field.name)

    def _check_new_model(self) -> None:
        """Refuses sizes of a new model beside a pretrained one."""
        if getattr(self, "pretrained", None) is None:
            return
        for field, value in self._items():
            if field.name in self.of_new_models and value != field.default:
                raise ValueError(
                    f"{field.name} must be left out beside pretrained, whose model has its own, "
                    f"got {value!r}"
                )


def _is_path(value: Any) -> bool:
    return isinstance(value, Path) or (
        isinstance(value, tuple) and any(isinstance(each, Path) for each in value)
    )
