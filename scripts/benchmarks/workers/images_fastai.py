"""The fastai side of images.py and export.py: training steps and inference of its XResNets."""

import functools
import sys

import torch
from rivals import serve


def import_torchvision():
    """torchvision, whose compiled operators do not load everywhere; no XResNet needs them."""
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401

        return library  # must live as long as torchvision is used
    return None


KEPT = import_torchvision()

import fastai
from fastai.optimizer import Adam
from fastai.vision.models import xresnet


@functools.cache
def steps_of(model_name, pixels, batch_size):
    """Functions that run one step, by the name of the work."""
    images = torch.randn(batch_size, 3, pixels, pixels).to(memory_format=torch.channels_last)
    labels = torch.arange(batch_size) % 10
    model = getattr(xresnet, model_name)(n_out=10).to(memory_format=torch.channels_last)
    loss_of = torch.nn.CrossEntropyLoss()
    parameters = list(model.parameters())

    def train(optimizer):
        model.train()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    def predict():
        model.eval()
        with torch.inference_mode():
            return model(images).sum().item()

    return {
        "train": functools.partial(train, Adam(parameters, lr=1e-3)),
        "train_fused": functools.partial(train, torch.optim.Adam(parameters, lr=1e-3, fused=True)),
        "predict": predict,
    }


def run(work, *, model, pixels, batch_size, steps):
    """Runs some steps of one kind of work."""
    step = steps_of(model, pixels, batch_size)[work]
    for _ in range(steps):
        step()


if __name__ == "__main__":
    names = ("train", "train_fused", "predict")
    works = {name: functools.partial(run, name) for name in names}
    serve(f"fastai {fastai.__version__} torch {torch.__version__}", works)
