import pytest
from small_data import write_images, write_reviews

from tfast.vision import xresnet


@pytest.fixture
def tiny_xresnet(monkeypatch):
    """`xresnet18` with one block, which compiles in a moment."""
    monkeypatch.setattr(
        xresnet,
        "xresnet18",
        lambda num_classes, **options: xresnet.xresnet(
            num_classes, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8), **options
        ),
    )


@pytest.fixture
def images(tmp_path):
    return write_images(tmp_path / "images")


@pytest.fixture(scope="session")
def reviews(tmp_path_factory):
    return write_reviews(tmp_path_factory.mktemp("reviews") / "reviews.csv")
