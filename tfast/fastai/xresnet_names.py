"""What fastai and timm call the parts of an XResNet.

Classes with the same methods, each of which gives the name of one PyTorch module. The stages,
blocks and convolutions are counted from 0.
"""

import dataclasses
import re
from collections.abc import Iterable
from typing import ClassVar, TypeAlias

# Of one convolution and its batch norm: stage, block, convolution.
Position: TypeAlias = tuple[int, int, int]

_TENSOR = r"(?:weight|bias|running_mean|running_var|num_batches_tracked)"
# Longer numbers are of no network.
_NUMBER = r"([0-9]{1,4})"


@dataclasses.dataclass(frozen=True)
class FastaiNames:
    """Names in fastai's `XResNet`, a flat `Sequential`.

    Attributes:
        num_stems: convolutions before the max pooling.
        num_stages: stages after it.
        prefix: "0." where the network is the body of a `vision_learner` model.
    """

    num_stems: int
    num_stages: int
    prefix: str = ""

    path: ClassVar[str] = "convpath"

    def stem(self, i: int) -> tuple[str, str]:
        """Convolution and batch norm."""
        return f"{self.prefix}{i}.0", f"{self.prefix}{i}.1"

    def convolution(self, stage: int, block: int, k: int) -> tuple[str, str]:
        """Convolution and batch norm."""
        module = f"{self.block(stage, block)}.{self.path}.{k}"
        return f"{module}.0", f"{module}.1"

    def position(self, name: str) -> Position | None:
        """Which convolution a tensor belongs to, itself or its batch norm; None for none."""
        pattern = rf"{_NUMBER}\.{_NUMBER}\.{self.path}\.{_NUMBER}\.[01]\.{_TENSOR}"
        match = re.fullmatch(re.escape(self.prefix) + pattern, name)
        return match and (int(match[1]) - self.num_stems - 1, int(match[2]), int(match[3]))

    def shortcut(self, stage: int, block: int, *, pooled: bool) -> tuple[str, str]:
        """Convolution and batch norm."""
        module = f"{self.block(stage, block)}.idpath.{int(pooled)}"
        return f"{module}.0", f"{module}.1"

    def squeeze(self, stage: int, block: int, num_convolutions: int) -> tuple[str, str]:
        """The two dense layers."""
        module = f"{self.block(stage, block)}.{self.path}.{num_convolutions}.layers"
        return f"{module}.1.0", f"{module}.2.0"

    def attention(self, stage: int, block: int, num_parts: int) -> str:
        """`SimpleSelfAttention`, after `num_parts` convolutions and squeezes."""
        return f"{self.block(stage, block)}.{self.path}.{num_parts}"

    def logits(self) -> str:
        """The last layer, after pooling, flattening and dropout."""
        return f"{self.prefix}{self.num_stems + 1 + self.num_stages + 3}"

    def block(self, stage: int, block: int) -> str:
        """All of a block."""
        return f"{self.prefix}{self.num_stems + 1 + stage}.{block}"


@dataclasses.dataclass(frozen=True)
class EarlyFastaiNames(FastaiNames):
    """Names of fastai before 2.0, in which fast.ai's `xrn50_940.pth` was saved.

    Source: fast.ai's `xrn50_940.pth`.
    """

    path: ClassVar[str] = "convs"

    def shortcut(self, stage: int, block: int, *, pooled: bool) -> tuple[str, str]:
        """Convolution and batch norm; the pooling was no part of it."""
        del pooled
        module = f"{self.block(stage, block)}.idconv"
        return f"{module}.0", f"{module}.1"

    def logits(self) -> str:
        """The last layer, after pooling and flattening: there was no dropout."""
        return f"{self.prefix}{self.num_stems + 1 + self.num_stages + 2}"


@dataclasses.dataclass(frozen=True)
class TimmNames:
    """Names in timm's `resnet18d` and the like, which have three convolutions in the stem.

    Attributes:
        prefix: "0.model." where the network is the body of a `vision_learner` model.
    """

    prefix: str = ""

    num_stems: ClassVar[int] = 3
    num_stages: ClassVar[int] = 4

    def stem(self, i: int) -> tuple[str, str]:
        """Convolution and batch norm."""
        norm = "bn1" if i == 2 else f"conv1.{3 * i + 1}"
        return f"{self.prefix}conv1.{3 * i}", f"{self.prefix}{norm}"

    def convolution(self, stage: int, block: int, k: int) -> tuple[str, str]:
        """Convolution and batch norm."""
        module = self.block(stage, block)
        return f"{module}.conv{k + 1}", f"{module}.bn{k + 1}"

    def position(self, name: str) -> Position | None:
        """Which convolution a tensor belongs to, itself or its batch norm; None for none."""
        pattern = rf"layer{_NUMBER}\.{_NUMBER}\.(?:conv|bn){_NUMBER}\.{_TENSOR}"
        match = re.fullmatch(re.escape(self.prefix) + pattern, name)
        return match and (int(match[1]) - 1, int(match[2]), int(match[3]) - 1)

    def shortcut(self, stage: int, block: int, *, pooled: bool) -> tuple[str, str]:
        """Convolution and batch norm; a number is kept free for the pooling in any case."""
        del pooled
        module = f"{self.block(stage, block)}.downsample"
        return f"{module}.1", f"{module}.2"

    def squeeze(self, stage: int, block: int, num_convolutions: int) -> tuple[str, str]:
        """None: these networks have no squeeze-excite."""
        del stage, block, num_convolutions
        return "no squeeze", "no squeeze"

    def attention(self, stage: int, block: int, num_parts: int) -> str:
        """None: these networks have no self-attention."""
        del stage, block, num_parts
        return "no attention"

    def logits(self) -> str:
        """The last layer."""
        return f"{self.prefix}fc"

    def block(self, stage: int, block: int) -> str:
        """All of a block."""
        return f"{self.prefix}layer{stage + 1}.{block}"


Names: TypeAlias = FastaiNames | TimmNames


def names_in(names: Iterable[str], prefix: str = "") -> Names:
    """The naming that a state dict follows.

    Tensors may be missing: what there is of the last stem and of the last stage tells how many
    there are.

    Args:
        names: of the tensors.
        prefix: "0." for the body of a `vision_learner` model.

    Raises:
        ValueError: they are of another network.
    """
    names = list(names)
    timm = TimmNames(f"{prefix}model." if prefix else "")
    if any(name.startswith((f"{timm.prefix}conv1.0.", f"{timm.prefix}conv1.3.")) for name in names):
        return timm

    def largest(part: str) -> int:
        pattern = re.compile(rf"{re.escape(prefix)}{_NUMBER}\.{part}")
        return max((int(m[1]) for name in names if (m := pattern.match(name))), default=0)

    num_stems = largest(r"[01]\.(weight|bias|running_)") + 1
    for kind in (FastaiNames, EarlyFastaiNames):
        num_stages = largest(rf"[0-9]+\.{kind.path}\.") - num_stems  # the pooling is between them
        if num_stages >= 1:
            return kind(num_stems, num_stages, prefix)
    raise ValueError(
        "weights must be of fastai's XResNet or timm's resnet*d, got names that begin with "
        f"{', '.join(names[:3])}"
    )
