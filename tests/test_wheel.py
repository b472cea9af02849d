"""The wheel, outside of any checkout: what it holds, and that it trains, imports and splits.

`.ci/run` runs the first tests, which borrow the installed packages of this environment. The last
one downloads all of them, and is for a release: set TFAST_WHEEL_FROM_INDEX=1.
"""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from small_data import TINY_IMAGES, TINY_TEXTS, as_options, write_images, write_reviews

import tfast

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
# Beside Python modules: types, presets, data of the English tokenizer, weights and their card.
NOT_MODULES = (".pyi", ".toml", "py.typed", ".json", ".txt", ".npz", ".npy", ".gz", ".md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy of what is committed or would be: no build folder is left in the checkout.
    source = folder / "source"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    for name in names.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith(("tests/", "swift_notes/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source]
    subprocess.run(command, check=True)
    (path,) = folder.glob("*.whl")
    return path


def make_environment(folder):
    """An empty environment; gives a function that runs a program of it in an empty folder."""
    venv.create(folder / "env", with_pip=True)
    (folder / "empty").mkdir()
    programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}

    def run(program, *arguments):
        return subprocess.run(
            [programs / program, *map(str, arguments)],
            cwd=folder / "empty",
            env=clean,
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Runs a program of an environment with the wheel, and the other packages of this one."""
    folder = tmp_path_factory.mktemp("environment")
    run = make_environment(folder)
    assert run("python", "-m", "pip", "install", "-q", "--no-deps", wheel).returncode == 0
    (site,) = (folder / "env").rglob("site-packages")
    # Not by a .pth file of the packages' own: an editable tfast would come with it. The wheel's
    # is found first.
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return run


def succeed(completed):
    assert completed.returncode == 0, completed.stdout[-3000:] + completed.stderr[-3000:]
    return completed.stdout


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    metadata = {name for name in names if ".dist-info/" in name}
    assert any(name.endswith("licenses/LICENSE") for name in metadata)
    assert any(name.endswith("entry_points.txt") for name in metadata)
    package = Path(tfast.__file__).parent
    expected = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names - metadata == expected
    assert {"tfast/py.typed", "tfast/__init__.pyi", "tfast/recipes/presets/digits.toml"} < names
    assert all(name.endswith((".py", *NOT_MODULES)) for name in expected)


def test_the_installed_package_is_the_one_that_runs(run):
    shown = succeed(run("python", "-c", "import tfast; print(tfast.__file__)"))
    assert "env" in Path(shown.strip()).parts
    assert str(ROOT) not in shown


def test_presets_are_listed(run):
    assert "imdb_22000" in succeed(run("tfast", "recipes"))


ENGLISH = """
import tfast

loaded = tfast.pretrained.load("tfast/english")
print(len(loaded.vocabulary), len(loaded.topic_vectors.words), loaded.provenance.source)
"""


def test_its_english_language_model_is_in_it(run):
    words, rows, source = succeed(run("python", "-c", ENGLISH)).split(maxsplit=2)
    assert int(words) == int(rows) > 20_000
    assert source.strip() == f"the package tfast {tfast.__version__}"
    shown = succeed(run("tfast", "pretrained", "tfast/english"))
    assert "weights.npz: " in shown
    assert "not here" not in shown


def test_it_trains_on_the_digits_and_on_images(run, tmp_path):
    output = tmp_path / "digits"
    shown = succeed(run("tfast", "train-images", "--output", output, "--epochs", 1))
    assert "images right" in shown
    assert {"saved_model", "result.json", "curves.png"} <= {p.name for p in output.iterdir()}
    images = write_images(tmp_path / "images")
    options = as_options(TINY_IMAGES)
    succeed(run("tfast", "train-images", "--data", images, "--output", tmp_path / "run", *options))


def test_it_trains_on_texts(run, tmp_path):
    reviews = write_reviews(tmp_path / "reviews.csv")
    columns = ["--text-column", "review", "--label-column", "stars"]
    options = ["--data", reviews, *columns, *as_options(TINY_TEXTS)]
    shown = succeed(run("tfast", "train-ulmfit", "--output", tmp_path / "run", *options))
    assert "TF-IDF with logistic regression" in shown
    assert (tmp_path / "run" / "saved_model").is_dir()


def test_it_imports_from_fastai(run, tmp_path):
    program = """
import sys
import numpy as np
from tfast.fastai import image_classifier_to_fastai
from tfast.vision import transfer_model
from tfast.vision.xresnet import xresnet

body = xresnet(9, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
np.savez(sys.argv[1], **image_classifier_to_fastai(transfer_model(body, 2)))
"""
    weights = tmp_path / "w.npz"
    succeed(run("python", "-c", program, weights))
    options = ["--weights", weights, "--labels", "cat", "dog", "--image-size", 32]
    shown = succeed(run("tfast", "import-fastai", *options, "--output", tmp_path / "out"))
    assert "largest difference of a probability" in shown


SPLITS = """
import sys
from tfast.text.corpora import read_texts
from tfast.vision import ImageFolder

training, validation = ImageFolder.read(sys.argv[1]).split(0.25, seed=0)
print(len(training.file_paths), len(validation.file_paths))
texts = read_texts(sys.argv[2], text_column="review", label_column="stars")
training, validation = texts.split(0.25, seed=0)
print(len(training), len(validation))
"""


def test_it_splits_a_folder_of_images_and_a_csv(run, tmp_path):
    images, reviews = write_images(tmp_path / "a"), write_reviews(tmp_path / "a.csv")
    assert succeed(run("python", "-c", SPLITS, images, reviews)).split("\n")[:2] == [
        "18 6",
        "45 15",
    ]


@pytest.mark.skipif(
    not os.environ.get("TFAST_WHEEL_FROM_INDEX"), reason="downloads all dependencies"
)
def test_with_its_dependencies_alone_it_trains(wheel, tmp_path):
    run = make_environment(tmp_path)
    succeed(run("python", "-m", "pip", "install", "-q", wheel))
    succeed(run("tfast", "train-images", "--output", tmp_path / "digits", "--epochs", 1))
    assert (tmp_path / "digits" / "curves.png").is_file()
    images, reviews = write_images(tmp_path / "a"), write_reviews(tmp_path / "a.csv")
    succeed(run("python", "-c", SPLITS, images, reviews))
    columns = ["--text-column", "review", "--label-column", "stars"]
    options = ["--data", reviews, *columns, *as_options(TINY_TEXTS)]
    succeed(run("tfast", "train-ulmfit", "--output", tmp_path / "texts", *options))
