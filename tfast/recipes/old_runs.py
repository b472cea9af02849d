"""Whether a run can be continued from a checkpoint, said before the work that comes first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfast.training.checkpoints.compatibility import check_same_settings
from tfast.training.checkpoints.resume import read_progress


def check_same_run(checkpoint: Path, settings: Mapping[str, Any]) -> None:
    """Refuses to continue a run that was made under other settings or by an older tfast.

    Args:
        checkpoint: the file.
        settings: what the run depends on, as JSON gives it back.

    Raises:
        ValueError: the checkpoint is damaged, or is of another run.
    """
    saved = read_progress(checkpoint)["settings"]
    if "recipe_version" not in saved:
        raise ValueError(
            f"{checkpoint} is of a run that an older tfast began, which split the data otherwise: "
            "finish it with tfast 0.1, or name another output folder"
        )
    # Beside them are those that `resumable_fit` adds.
    check_same_settings(checkpoint, {name: saved.get(name) for name in settings}, settings)
