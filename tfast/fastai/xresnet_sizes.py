"""How an XResNet is built, read from the names and shapes of its tensors."""

import dataclasses
import math
from typing import Any

from tfast.fastai.conversion import Shape, StateDict, check_amount, shape_of
from tfast.fastai.xresnet_names import Names, Position


def infer_sizes(state_dict: StateDict, names: Names) -> dict[str, Any]:
    """Arguments of `tfast.vision.xresnet.xresnet`, but for classes and activation.

    Args:
        state_dict: mapping of names to arrays.
        names: what the tensors are called.

    Raises:
        ValueError: a tensor that tells the build is missing or misshapen; it is named.
    """
    return _Build.read(state_dict, names).sizes()


def checked_sizes(
    state_dict: StateDict, names: Names, last_layer: str
) -> tuple[int, dict[str, Any]]:
    """The number of classes and `infer_sizes`, if the file can fill a network of these sizes.

    Args:
        state_dict: mapping of names to arrays.
        names: what the tensors are called.
        last_layer: name of the last dense layer's tensor.

    Raises:
        ValueError: as `infer_sizes`, and where there are far fewer numbers than needed.
    """
    if last_layer not in state_dict:
        raise ValueError(f"missing {last_layer}: the network has no last layer")
    num_classes, _ = shape_of(state_dict, last_layer, 2)
    build = _Build.read(state_dict, names)
    sizes = build.sizes()
    expected = build.expected_kernels(sizes)
    # The dense layer takes all channels, or the 512 units of fastai's head: at least so many.
    features = min(next(reversed(expected.values()))[0], 512)
    check_amount(expected | {last_layer: (num_classes, features)}, state_dict)
    return num_classes, sizes


@dataclasses.dataclass(frozen=True)
class _Build:
    """What there is of the convolutions: shapes (out, in, height, width) of those that count.

    Attributes:
        stem: of each convolution of the stem.
        first: of each convolution of the first block.
        block_counts: blocks of each stage, the largest number of which there is any tensor.
        squeeze: (units, channels) of a dense layer of the squeezes, or None.
        self_attention: whether a block has it.
        names: what the tensors are called.
    """

    stem: tuple[Shape, ...]
    first: tuple[Shape, ...]
    block_counts: tuple[int, ...]
    squeeze: Shape | None
    self_attention: bool
    names: Names

    @classmethod
    def read(cls, state_dict: StateDict, names: Names) -> "_Build":
        """Parses each name once."""
        found: set[Position] = {p for name in state_dict if (p := names.position(name))}
        blocks = {(stage, block) for stage, block, _ in found}
        counts = [0] * names.num_stages
        for stage, block in blocks:
            if 0 <= stage < names.num_stages:
                counts[stage] = max(counts[stage], block + 1)
        if sum(counts) > 2 * len(blocks) + 20:
            raise ValueError(
                f"weights must be of all blocks, got tensors of {len(blocks)} of {sum(counts)}"
            )
        depth = max((k + 1 for stage, block, k in found if stage == block == 0), default=1)
        if depth not in (2, 3):
            raise ValueError(f"blocks must have 2 or 3 convolutions, got {depth}")
        reduce, _ = names.squeeze(names.num_stages - 1, 0, depth)
        reduce = f"{reduce}.weight"
        return cls(
            tuple(_kernel(state_dict, names.stem(i)[0]) for i in range(names.num_stems)),
            tuple(_kernel(state_dict, names.convolution(0, 0, k)[0]) for k in range(depth)),
            tuple(max(count, 1) for count in counts),
            shape_of(state_dict, reduce, 4)[:2] if reduce in state_dict else None,
            any(name.endswith(".conv.weight_orig") for name in state_dict),
            names,
        )

    @property
    def inputs(self) -> tuple[int, ...]:
        """Channels that come into each convolution of the first block."""
        return (self.stem[-1][0], *(shape[0] for shape in self.first))

    @property
    def grouped(self) -> int:
        """Which convolution is the first 3×3, the one with groups."""
        return len(self.first) - 2

    def sizes(self) -> dict[str, Any]:
        """See `infer_sizes`."""
        widths = [shape[0] for shape in self.first]
        inputs, per_group = self.inputs[self.grouped], self.first[self.grouped][1]
        if any(width % 64 for width in widths) or inputs % per_group:
            raise ValueError(
                "the first block must have multiples of 64 filters, in groups of equal size, got "
                f"kernels of shape {', '.join(map(str, self.first))}"
            )
        scales = [width // 64 for width in widths]
        units, channels = self.squeeze or (0, 0)
        return {
            "block_counts": self.block_counts,
            "expansion": scales[-1],
            "inner_scales": (scales[0], scales[self.grouped]),
            "groups": inputs // per_group,
            "squeeze_reduction": channels // units if units else 0,
            "self_attention": self.self_attention,
            "input_shape": (None, None, self.stem[0][1]),
            "stem_widths": tuple(shape[0] for shape in self.stem),
        }

    def expected_kernels(self, sizes: dict[str, Any]) -> dict[str, Shape]:
        """Name and shape of each kernel of the network of these sizes but the shortcuts'."""
        kernels: dict[str, Shape] = {}
        channels = self.stem[0][1]
        for i, (width, *_) in enumerate(self.stem):
            kernels[f"{self.names.stem(i)[0]}.weight"] = (width, channels, 3, 3)
            channels = width
        for stage, count in enumerate(self.block_counts):
            # As in tfast.vision.xresnet: each doubles the width, from the fifth on it is 256.
            larger = 2**stage if stage < 4 else 4
            for block in range(count):
                for k, (width, _, *sides) in enumerate(self.first):
                    groups = sizes["groups"] if k == self.grouped else 1
                    name = self.names.convolution(stage, block, k)[0]
                    kernels[f"{name}.weight"] = (larger * width, channels // groups, *sides)
                    channels = larger * width
        return kernels


def _kernel(state_dict: StateDict, convolution: str) -> Shape:
    shape = shape_of(state_dict, f"{convolution}.weight", 4)
    if math.prod(shape) == 0:
        raise ValueError(f"{convolution}.weight must not be empty, got shape {shape}")
    return shape
