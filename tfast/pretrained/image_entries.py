"""Image models by name, with what their publishers measured on ImageNet.

Source: timm's `results-imagenet.csv` and `resnet.py`, and jax-resnet for fast.ai's, as read in
November 2026. Sizes of files with a "~" in the docs are 4 bytes a parameter.
"""

from tfast.pretrained.entries import Entry

# Name, millions of parameters, then top-1 in percent and pixels: as trained, and as tested.
_TIMM = [
    ("resnet18d.ra2_in1k", 11.71, (72.30, 224), (73.79, 288)),
    ("resnet18d.ra4_e3600_r224_in1k", 11.71, (74.36, 224), (76.01, 288)),
    ("resnet34d.ra2_in1k", 21.82, (77.11, 224), (78.44, 288)),
    ("resnet50d.ra2_in1k", 25.58, (80.55, 224), (81.35, 288)),
    ("resnet50d.a1_in1k", 25.58, (80.73, 224), (81.47, 288)),
    ("resnet50d.a2_in1k", 25.58, (80.27, 224), (81.16, 288)),
    ("resnet50d.a3_in1k", 25.58, (77.22, 160), (78.74, 224)),
    ("resnet50d.ra4_e3600_r224_in1k", 25.58, (80.96, 224), (81.84, 288)),
    ("resnet50d.gluon_in1k", 25.58, (79.08, 224), None),
    ("resnet101d.gluon_in1k", 44.57, (80.47, 224), None),
    ("resnet101d.ra2_in1k", 44.57, (82.25, 256), (83.02, 320)),
    ("resnet152d.gluon_in1k", 60.21, (80.48, 224), None),
    ("resnet152d.ra2_in1k", 60.21, (83.16, 256), (83.68, 320)),
    ("resnet200d.ra2_in1k", 64.69, (83.25, 256), (83.98, 320)),
]


def _timm_entry(
    name: str,
    millions: float,
    trained: tuple[float, int],
    tested: tuple[float, int] | None,
) -> Entry:
    results = [
        f"{percent:.2f}% at {pixels} pixels" for percent, pixels in filter(None, (trained, tested))
    ]
    return Entry(
        name=f"timm/{name}",
        kind="image",
        loader="tfast.pretrained.timm_images",
        files=("config.json", "model.safetensors"),
        repository=f"timm/{name}",
        num_bytes=round(millions * 4e6),
        licence="apache-2.0",
        expected_accuracy=round(trained[0] / 100, 4),
        result=", ".join(results),
    )


IMAGE_ENTRIES = (
    *(_timm_entry(*row) for row in _TIMM),
    Entry(
        name="fastai/xrn50_940",
        kind="image",
        loader="tfast.pretrained.fastai_images",
        files=("xrn50_940.pth",),
        addresses={
            "xrn50_940.pth": "https://s3.amazonaws.com/fast-ai-modelzoo/xrn50_940.pth",
        },
        expected_accuracy=0.7757,
        result="77.57% at 224 pixels",
    ),
)
