"""Random weights of timm's networks, published as timm does it, into a hand-made hub cache.

Run by `test_live.py` with a Python that has timm: `make_timm_models.py FOLDER NAME ...`. FOLDER
gets `hub/models--timm--NAME/`, laid out as huggingface_hub does it, and for each name an `.npz`
with inputs, logits, and what timm's transforms make of the images in `FOLDER/images`.

`make_timm_models.py --golden FILE` writes `tests/golden/timm_preprocessing.npz`.
"""

import hashlib
import io
import json
import os
import shutil
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config
from timm.models import save_for_hf

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def random_model(name):
    """A network whose every number matters: timm starts the last scale of each block at zero."""
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.2, 0.6)
            torch.nn.init.normal_(module.bias, std=0.1)
            module.momentum = None  # the mean over what follows
    torch.nn.init.normal_(model.fc.bias)
    with torch.no_grad():
        model.train()(torch.randn(8, 3, 64, 64))
    return model.eval()


def publish(model, folder):
    """Writes a snapshot of links to blobs, which are called by their hashes."""
    written = folder / "written"
    save_for_hf(model, written, safe_serialization=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    snapshot = folder / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    for file in sorted(written.iterdir()):
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if len(content) < 10_000:
            digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        shutil.move(file, folder / "blobs" / digest)
        (snapshot / file.name).symlink_to(Path("../../blobs") / digest)
    written.rmdir()


def transformed(model, images, *, use_test_size):
    """What timm's evaluation makes of the images."""
    config = resolve_data_config(model=model, use_test_size=use_test_size)
    transform = create_transform(**config, is_training=False)
    pixels = [transform(Image.open(file).convert("RGB")).numpy() for file in images]
    return np.stack(pixels).transpose(0, 2, 3, 1)


def write_golden(path):
    """Small JPEGs, and timm's pixels of them for sizes of 32 and some crop ratios."""
    arrays = {}
    for number, (height, width) in enumerate([(41, 57), (75, 50), (33, 120)]):
        y, x = np.mgrid[:height, :width]
        waves = [127 + 120 * np.sin(x / (3 + k)) * np.cos(y / (4 + k)) for k in range(3)]
        pixels = np.stack(waves, -1) * np.where((x // 9 + y // 7) % 3, 1, 0.2)[..., None]
        file = io.BytesIO()
        Image.fromarray(pixels.astype("uint8")).save(file, "JPEG", quality=92)
        arrays[f"jpeg_{number}"] = np.frombuffer(file.getvalue(), "uint8")
        for crop_pct in (0.875, 0.9, 0.95, 1.0):
            transform = create_transform(
                (3, 32, 32), interpolation="bicubic", crop_pct=crop_pct, normalize=False
            )
            found = transform(Image.open(file)).numpy().transpose(1, 2, 0)
            arrays[f"pixels_{number}_{crop_pct}"] = found
    np.savez_compressed(path, **arrays)


def main():
    if sys.argv[1] == "--golden":
        write_golden(sys.argv[2])
        return
    folder, *names = sys.argv[1:]
    folder = Path(folder)
    images = sorted((folder / "images").iterdir())
    for name in names:
        model = random_model(name)
        publish(model, folder / "hub" / f"models--timm--{name}")
        inputs = torch.randn(2, 3, 65, 90, generator=torch.Generator().manual_seed(1))
        results = {"inputs": inputs.numpy().transpose(0, 2, 3, 1)}
        for size in (False, True):
            results[f"images_{size}"] = transformed(model, images, use_test_size=size)
        with torch.no_grad():
            results["logits"] = model.double()(inputs.double()).numpy()
        np.savez(folder / f"{name}.npz", **results)
    print(json.dumps(names))


if __name__ == "__main__":
    main()
