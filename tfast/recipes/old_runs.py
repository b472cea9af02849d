"""Whether a run can be continued from a checkpoint, said before the work that comes first."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfast.training.checkpoints.compatibility import check_same_settings, differences
from tfast.training.checkpoints.resume import read_progress


def checkpoint_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint shall hold of a recipe's settings.

    In a dict of their own: `resumable_fit` adds settings, and has an `epochs` of its own.
    """
    return {"recipe": dict(settings)}


def check_same_run(checkpoint: Path, settings: Mapping[str, Any], *, so_far: bool = False) -> None:
    """Refuses to continue a run that was made under other settings or by an older tfast.

    Args:
        checkpoint: the file.
        settings: what the run depends on, as JSON gives it back.
        so_far: whether there are more, which are not known yet.

    Raises:
        ValueError: the checkpoint is damaged, or is of another run.
    """
    saved = read_progress(checkpoint)["settings"].get("recipe")
    if saved is None:
        raise ValueError(
            f"{checkpoint} is of a run that an older tfast began, which split the data otherwise: "
            "finish it with tfast 0.1, or name another output folder"
        )
    check_same_settings(checkpoint, _comparable(saved, settings, so_far), settings)


def check_same_result(result: Path, settings: Mapping[str, Any], *, so_far: bool = False) -> None:
    """Refuses to replace what a run of other settings has left: not every run has a checkpoint.

    Args:
        result: its `result.json`; it need not exist.
        settings: what the run depends on, as JSON gives it back.
        so_far: see `check_same_run`.

    Raises:
        ValueError: it is damaged, or of another run.
    """
    if not result.exists():
        return
    try:
        saved = dict(json.loads(result.read_text(encoding="utf-8"))["settings"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{result} is damaged: remove it, or name another output folder") from None
    different = differences(_comparable(saved, settings, so_far), settings)
    if different:
        raise ValueError(
            f"{result} is of a run with other settings: {different}; name another output folder"
        )


def _comparable(
    saved: Mapping[str, Any], settings: Mapping[str, Any], so_far: bool
) -> Mapping[str, Any]:
    return {name: saved[name] for name in settings if name in saved} if so_far else saved
