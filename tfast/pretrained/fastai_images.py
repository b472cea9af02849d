"""fastai's image models: fast.ai's `xrn50_940.pth`, and files of one's own."""

from tfast.fastai.conversion import StateDict
from tfast.fastai.image_classifiers import image_classifier_from_fastai
from tfast.fastai.kinds import kind_of
from tfast.fastai.reading import load_weights
from tfast.fastai.xresnet import xresnet_from_fastai
from tfast.fastai.xresnet_names import EarlyFastaiNames, TimmNames, names_in
from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import Source
from tfast.vision.preprocessing import ImagePreprocessing

# What ImageNet's models are measured with as a rule, fast.ai's among them.
_SIZE, _RESIZED = 224, 256


def load(source: Source) -> Pretrained:
    """Reads the first file of a line in the catalogue."""
    assert source.entry is not None
    return from_state_dict(source, load_weights(source.path(source.entry.files[0])))


def from_state_dict(source: Source, state_dict: StateDict) -> Pretrained:
    """Converts an XResNet, or a `vision_learner` model on one.

    The files do not say how images were prepared: the result has ImageNet's mean and standard
    deviation, at 224 pixels cut out of 256, bilinear.

    Raises:
        ValueError: tensors are missing, left over or misshapen.
    """
    is_learner = kind_of(state_dict) == "image_classifier"
    convert = image_classifier_from_fastai if is_learner else xresnet_from_fastai
    model = convert(state_dict)
    names = names_in(state_dict, "0." if is_learner else "")
    kind = "names of fastai 2"
    if isinstance(names, EarlyFastaiNames):
        kind = f"names of fastai before 2.0 (convs, idconv), whose last layer is {names.logits()}"
    elif isinstance(names, TimmNames):
        kind = "timm's names"
    return Pretrained(
        source.name,
        model,
        source.provenance(notes=(f"all {len(state_dict)} tensors read, by {kind}",)),
        preprocessing=ImagePreprocessing(crop_ratio=_RESIZED / _SIZE),
        image_size=(_SIZE, _SIZE),
    )
