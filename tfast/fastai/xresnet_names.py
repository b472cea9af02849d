"""What fastai and timm call the parts of an XResNet.

Two classes with the same methods, each of which gives the name of one PyTorch module. The
stages, blocks and convolutions are counted from 0.
"""

import dataclasses


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

    def stem(self, i):
        """Convolution and batch norm."""
        return f"{self.prefix}{i}.0", f"{self.prefix}{i}.1"

    def convolution(self, stage, block, k):
        """Convolution and batch norm."""
        module = f"{self.block(stage, block)}.convpath.{k}"
        return f"{module}.0", f"{module}.1"

    def shortcut(self, stage, block, *, pooled):
        """Convolution and batch norm."""
        module = f"{self.block(stage, block)}.idpath.{int(pooled)}"
        return f"{module}.0", f"{module}.1"

    def squeeze(self, stage, block, num_convolutions):
        """The two dense layers."""
        module = f"{self.block(stage, block)}.convpath.{num_convolutions}.layers"
        return f"{module}.1.0", f"{module}.2.0"

    def attention(self, stage, block, num_parts):
        """`SimpleSelfAttention`, behind `num_parts` convolutions and squeezes."""
        return f"{self.block(stage, block)}.convpath.{num_parts}"

    def logits(self):
        """The last layer, behind pooling, flattening and dropout."""
        return f"{self.prefix}{self.num_stems + 1 + self.num_stages + 3}"

    def block(self, stage, block):
        """All of a block."""
        return f"{self.prefix}{self.num_stems + 1 + stage}.{block}"


class TimmNames:
    """Names in timm's `resnet18d` and the like, which have three convolutions in the stem."""

    num_stems = 3
    num_stages = 4

    def stem(self, i):
        """Convolution and batch norm."""
        return f"conv1.{3 * i}", "bn1" if i == 2 else f"conv1.{3 * i + 1}"

    def convolution(self, stage, block, k):
        """Convolution and batch norm."""
        module = self.block(stage, block)
        return f"{module}.conv{k + 1}", f"{module}.bn{k + 1}"

    def shortcut(self, stage, block, *, pooled):
        """Convolution and batch norm; a place for the pooling is kept where there is none."""
        del pooled
        module = f"{self.block(stage, block)}.downsample"
        return f"{module}.1", f"{module}.2"

    def squeeze(self, stage, block, num_convolutions):
        """None: these networks have no squeeze-excite."""
        del stage, block, num_convolutions
        return "no squeeze", "no squeeze"

    def attention(self, stage, block, num_parts):
        """None: these networks have no self-attention."""
        del stage, block, num_parts
        return "no attention"

    def logits(self):
        """The last layer."""
        return "fc"

    def block(self, stage, block):
        """All of a block."""
        return f"layer{stage + 1}.{block}"
