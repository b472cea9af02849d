"""A trained model's weights with fastai's names, in a file that is no pickle.

fastai loads them with `learn.model.load_state_dict(safetensors.torch.load_file(path))`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfast.fastai.image_classifiers import image_classifier_to_fastai
from tfast.fastai.text_models import language_model_to_fastai, text_classifier_to_fastai
from tfast.fastai.xresnet import xresnet_to_fastai
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.language_model import LanguageModel


def write_fastai_weights(model: keras.Model, folder: Path) -> None:
    """Writes `fastai.safetensors`, where fastai has such a model.

    Of a model of both directions `fastai_forward` and `fastai_backward`.

    Args:
        model: of any kind.
        folder: an existing one.

    Raises:
        ImportError: safetensors is not installed.

    Examples:
        >>> import tempfile
        >>> model = LanguageModel(9, embed_size=4, hidden_size=6, num_layers=1)
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_fastai_weights(model, folder)
        >>> [file.name for file in folder.iterdir()]
        ['fastai.safetensors']
    """
    if isinstance(model, BlendedClassifier):
        return  # fastai has no such model
    models = {"fastai": model}
    if isinstance(model, ForwardBackwardClassifier):
        models = {"fastai_forward": model.forward, "fastai_backward": model.backward}
    for name, one in models.items():
        tensors = _fastai_tensors(one)
        if tensors is not None:
            try:
                from safetensors.numpy import save_file
            except ImportError as error:
                raise ImportError("publish needs pip install safetensors") from error
            save_file(tensors, folder / f"{name}.safetensors", metadata={"format": "pt"})


def _fastai_tensors(model: keras.Model) -> dict[str, np.ndarray] | None:
    converters: list[Callable[[Any], dict[str, np.ndarray]]]
    if isinstance(model, LanguageModel):
        converters = [language_model_to_fastai]
    elif isinstance(model, TextClassifier):
        converters = [text_classifier_to_fastai]
    else:
        converters = [image_classifier_to_fastai, xresnet_to_fastai]
    for convert in converters:
        try:
            return convert(model)
        except ValueError:  # no such body or head
            continue
    return None
