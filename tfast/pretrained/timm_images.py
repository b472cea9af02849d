"""timm's ResNet-D: everything about them is in `config.json`, as timm publishes it."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfast.fastai.reading import load_weights
from tfast.fastai.xresnet import xresnet_from_fastai
from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import Source
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.resizing import INTERPOLATIONS

# Others have the same names and shapes and compute something else: resnetaa50d averages where
# these stride.
_ARCHITECTURE = re.compile(r"resnet(18|26|34|50|101|152|200)d")
# Arguments of a network that its weights tell, or that matter in training alone.
_HARMLESS = {"num_classes", "in_chans", "drop_rate", "drop_path_rate", "drop_block_rate"}


def load(source: Source) -> Pretrained:
    """Reads `config.json` and `model.safetensors` (or `pytorch_model.bin`).

    Raises:
        ValueError: the configuration is of another network, or damaged; the weights are missing or
            do not fit.
    """
    path = source.path("config.json")
    config = _Config(path)
    size, preprocessing = config.preparation("input_size", "crop_pct")
    test_size, test_preprocessing = config.preparation("test_input_size", "test_crop_pct")
    weights = load_weights(source.path("model.safetensors", "pytorch_model.bin"))
    model = xresnet_from_fastai(weights)
    model.name = config.architecture
    if model.output_shape[-1] != config.num_classes:
        raise ValueError(
            f"{path}: num_classes must be the {model.output_shape[-1]} of the weights, got "
            f"{config.num_classes}"
        )
    entry = source.entry
    notes = [f"timm {config.architecture}, tag {config.settings.get('tag') or 'none'}"]
    if entry is not None and entry.result:
        notes.append(f"top-1 on ImageNet as timm measured it: {entry.result}")
    return Pretrained(
        source.name,
        model,
        source.provenance(licence=config.settings.get("license"), notes=notes),
        preprocessing=preprocessing,
        image_size=size,
        test_preprocessing=test_preprocessing,
        test_image_size=test_size,
        class_names=config.class_names,
    )


class _Config:
    """What `config.json` says.

    Args:
        path: of the file.

    Attributes:
        architecture: such as "resnet50d".
        settings: how the weights were made, timm's `pretrained_cfg`.
        num_classes: of the last layer.
        class_names: in order, or None where there are none.

    Raises:
        ValueError: see `load`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from None
        if not isinstance(content, dict):
            raise ValueError(f"{path} must hold an object, got {type(content).__name__}")
        # Before 2023 all was on one level.
        settings = content.get("pretrained_cfg", content)
        if not isinstance(settings, dict):
            raise ValueError(f"{path}: pretrained_cfg must be an object, got {settings!r}")
        self.settings: dict[str, Any] = settings
        self.architecture = str(content.get("architecture"))
        if not _ARCHITECTURE.fullmatch(self.architecture):
            raise ValueError(
                f"{path}: architecture must be timm's resnet18d, 26d, 34d, 50d, 101d, 152d or "
                f"200d, got {self.architecture}"
            )
        self._refuse_changes(content)
        self.num_classes = content.get("num_classes", settings.get("num_classes"))
        self.class_names = self._class_names(content)

    def _refuse_changes(self, content: Mapping[str, Any]) -> None:
        """Refuses a network that was built otherwise than its name says."""
        arguments = dict(content.get("model_args") or {})
        poolings = {content.get("global_pool", "avg"), arguments.pop("global_pool", "avg")}
        if poolings != {"avg"}:
            raise ValueError(f"{self.path}: global_pool must be avg, got {poolings}")
        others = sorted(set(arguments) - _HARMLESS)
        if others:
            raise ValueError(
                f"{self.path}: model_args must be {', '.join(sorted(_HARMLESS))} alone, got "
                f"{', '.join(others)}: other arguments change the network"
            )

    def _class_names(self, content: Mapping[str, Any]) -> tuple[str, ...] | None:
        names = content.get("label_names", self.settings.get("label_names"))
        if not names:
            return None
        if isinstance(names, dict):
            names = [names.get(str(number)) for number in range(len(names))]
        if len(names) != self.num_classes or not all(isinstance(name, str) for name in names):
            raise ValueError(
                f"{self.path}: label_names must be a name for each of {self.num_classes} classes"
            )
        return tuple(names)

    def preparation(
        self, size_key: str, crop_key: str
    ) -> tuple[tuple[int, int] | None, ImagePreprocessing | None]:
        """Image size and preprocessing, or None twice where there is no such size."""
        if size_key not in self.settings:
            return None, None
        size = self.settings[size_key]
        if not isinstance(size, list) or [type(side) for side in size] != [int] * 3:
            raise ValueError(f"{self.path}: {size_key} must be three whole numbers, got {size!r}")
        channels, height, width = size
        if channels != 3 or height != width or height < 1:
            raise ValueError(
                f"{self.path}: {size_key} must be of square images of 3 channels, got {size}"
            )
        part = self.settings.get(crop_key, self.settings.get("crop_pct", 0.875))
        if not isinstance(part, int | float) or not 0 < part <= 1:
            raise ValueError(f"{self.path}: {crop_key} must be a number in (0, 1], got {part!r}")
        for key, known in (("crop_mode", ("center",)), ("interpolation", INTERPOLATIONS)):
            value = self.settings.get(key, known[0])
            if value not in known:
                raise ValueError(f"{self.path}: {key} must be {' or '.join(known)}, got {value!r}")
        try:
            preprocessing = ImagePreprocessing(
                self.settings["mean"],
                self.settings["std"],
                # The very size that timm resizes to, which it rounds down.
                crop_ratio=math.floor(height / part) / height,
                interpolation=self.settings.get("interpolation", "bilinear"),
                rounding="torchvision",
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{self.path}: mean and std must be right: {error}") from None
        return (height, width), preprocessing
