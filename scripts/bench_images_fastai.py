"""The fastai side of bench_images.py: works off one request a line, in a Python with fastai.

Says `fastai VERSION torch VERSION` first. Each line `MODEL PIXELS BATCH WORK STEPS` is answered
by `done`. WORK is `predict`, `train` (fastai's Adam) or `train_fused` (PyTorch's fused Adam).
"""

import functools
import sys

import torch


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
def steps(model_name, pixels, batch_size):
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


def main():
    """Answers requests until there are no more."""
    print(f"fastai {fastai.__version__} torch {torch.__version__}", flush=True)
    for line in sys.stdin:
        model_name, pixels, batch_size, work, count = line.split()
        step = steps(model_name, int(pixels), int(batch_size))[work]
        for _ in range(int(count)):
            step()
        print("done", flush=True)


if __name__ == "__main__":
    main()
