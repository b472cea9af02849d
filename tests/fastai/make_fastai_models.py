"""Run by a Python that has fastai: trains one small model of each kind, saves what it computes.

    python make_fastai_models.py FOLDER

leaves KIND.pth, as `learn.save()` writes it, of texts KIND_encoder.pth, as `learn.save_encoder()`
does, and KIND.npz with `inputs` and `outputs` in
evaluation mode. Imports nothing of tfast.
"""

import re
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import numpy as np
import torch


def import_torchvision():
    """torchvision, whose compiled operators may not load; fastai.vision uses none of them here.

    Returns:
        What has to live as long as torchvision is used.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    for _ in range(20):
        try:
            import torchvision  # noqa: F401
        except RuntimeError as error:
            # It declares the shapes of operators that are not there: one name at a time.
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            library.define(f"{missing[1]}(Tensor x) -> Tensor")
            for name in [name for name in sys.modules if name.startswith("torchvision")]:
                del sys.modules[name]
    return library


LIBRARY = import_torchvision()

import fastai.callback.progress
import fastai.callback.schedule  # noqa: F401, they give the learner no_bar and fit_one_cycle
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.text.learner import TextLearner
from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_clas_config, awd_lstm_lm_config
from fastai.text.models.core import get_language_model, get_text_classifier
from fastai.vision.learner import create_vision_model
from fastai.vision.models import xresnet

VOCABULARY, CLASSES, SIZES = 40, 3, {"emb_sz": 12, "n_hid": 20, "n_layers": 3}


def images(n=4):
    return torch.randn(n, 3, 67, 64)


def make_image_model(name, **options):
    return getattr(xresnet, name)(n_out=CLASSES, **options), images(), torch.randint(CLASSES, (4,))


def make_vision_model():
    model = create_vision_model(xresnet.xresnet18, CLASSES, pretrained=False)
    return model, images(), torch.randint(CLASSES, (4,))


def make_language_model():
    model = get_language_model(AWD_LSTM, VOCABULARY, awd_lstm_lm_config | SIZES)
    return model, torch.randint(VOCABULARY, (4, 9)), torch.randint(VOCABULARY, (4, 9))


def make_text_classifier():
    config = awd_lstm_clas_config | SIZES
    model = get_text_classifier(AWD_LSTM, VOCABULARY, CLASSES, seq_len=5, config=config)
    return model, torch.randint(2, VOCABULARY, (4, 17)), torch.randint(CLASSES, (4,))


KINDS = {
    "xresnet18": lambda: make_image_model("xresnet18"),
    "xresnet50": lambda: make_image_model("xresnet50"),
    "xse_resnext18": lambda: make_image_model("xse_resnext18"),
    "xresnet18_mish_sa": lambda: make_image_model("xresnet18", act_cls=torch.nn.Mish, sa=True),
    "vision_learner": make_vision_model,
    "language_model": make_language_model,
    "text_classifier": make_text_classifier,
}


def first(outputs):
    return outputs[0] if isinstance(outputs, tuple) else outputs


class Loss(CrossEntropyLossFlat):
    """Text models return a tuple whose first part counts."""

    def __call__(self, outputs, targets, **options):
        return super().__call__(first(outputs), targets, **options)


def main(folder):
    for kind, make in KINDS.items():
        torch.manual_seed(0)
        model, inputs, targets = make()
        data = [(x, y) for x, y in zip(inputs, targets, strict=True)] * 3
        loaders = DataLoaders(DataLoader(data, bs=4), DataLoader(data, bs=4))
        learner = Learner(loaders, model, loss_func=Loss(), path=folder, model_dir=".")
        with learner.no_bar(), learner.no_logging():
            learner.fit_one_cycle(1, 1e-3)
        learner.save(kind)
        if kind in ("language_model", "text_classifier"):
            TextLearner.save_encoder(learner, f"{kind}_encoder")
        model.eval()
        if hasattr(model, "reset"):
            model.reset()
        with torch.no_grad():
            outputs = first(model(inputs))
        np.savez(folder / f"{kind}.npz", inputs=inputs.numpy(), outputs=outputs.numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
