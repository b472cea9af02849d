"""A disk that is full or cannot be written: an error that names the path, and the old content."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_data import TINY_IMAGES, TINY_TEXTS, as_options, write_images, write_reviews

from tfast.export import export_image_classifier, export_text_classifier
from tfast.recipes.results import write_history, write_json, write_model
from tfast.text import TextClassifier, TextTokenizer, Vocabulary
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.training.checkpoints.file_format import Checkpoint, write_checkpoint
from tfast.vision.preprocessing import ImagePreprocessing

resource = pytest.importorskip("resource", reason="Windows has no such limits")
ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def files_of_at_most(size):
    """In the block, writing beyond `size` bytes of a file fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def image_model():
    layers = [keras.layers.Flatten(), keras.layers.Dense(20), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


def export_images(path):
    names = ["cat", "dog"]
    export_image_classifier(image_model(), path, names, ImagePreprocessing(), overwrite=True)


def export_texts(path):
    tokenizer = TextTokenizer()
    vocabulary = Vocabulary.from_tokens([tokenizer(tf.constant(["a film"]))], min_frequency=1)
    model = TextClassifier(len(vocabulary), 2, embed_size=8, hidden_size=8, num_layers=1)
    export_text_classifier(model, tokenizer, vocabulary, path, ["bad", "good"], overwrite=True)


WRITERS = {
    "checkpoint": lambda path: write_checkpoint(path, Checkpoint(arrays={"a": np.ones(10_000)})),
    "model.keras": lambda path: write_model(path, image_model()),
    "result.json": lambda path: write_json(path, {"accuracy": "1" * 10_000}),
    "history.csv": lambda path: write_history(path, {"loss": [0.1] * 2000}),
    "vocabulary.txt": lambda path: Vocabulary([*SPECIAL_TOKENS, *map(str, range(3000))]).save(path),
    "images": export_images,
    "texts": export_texts,
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_cannot_be_written_whole_leaves_the_old_and_is_named(tmp_path, name):
    path = tmp_path / name
    if name in ("images", "texts"):
        path.mkdir()
        (path / "old").write_text("old")
    else:
        path.write_text("old")
    with pytest.raises(OSError, match=r"\[Errno \d+\]") as caught, files_of_at_most(3000):
        WRITERS[name](path)
    assert caught.value.filename == str(path)
    assert (path / "old" if path.is_dir() else path).read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def in_a_small_file_system(size, script):
    """Runs a shell script in which /mnt is a file system of its own, of so many bytes."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    begin = f"mount -t tmpfs -o size={size} tmpfs /mnt && "
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*command, begin + "true"], capture_output=True).returncode:
        pytest.skip("this user may not mount")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.run(
        [*command, begin + script], capture_output=True, text=True, env=environment, cwd="/"
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["full", "read-only"])
@pytest.mark.parametrize("command", ["train-images", "train-ulmfit"])
def test_a_run_on_a_bad_disk_ends_in_one_line_with_the_path(tmp_path, command, kind):
    if command == "train-images":
        data, settings = write_images(tmp_path / "images"), TINY_IMAGES
    else:
        data = write_reviews(tmp_path / "reviews.csv")
        settings = TINY_TEXTS | {"text_column": "review", "label_column": "stars"}
    options = " ".join(as_options(settings))
    run = f"{sys.executable} -m tfast.cli {command} --data {data} {options} --output /mnt/run"
    if kind == "read-only":
        done = in_a_small_file_system("1m", f"mount -o remount,ro /mnt && {run}")
        expected = "Read-only file system: /mnt/run"
    else:
        done = in_a_small_file_system("16k", run)
        expected = "No space left on device: /mnt/run/"
    assert done.returncode == 1, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"__main__.py {command}: {expected}") or (
        f"{command}: {expected}" in done.stderr.splitlines()[-1]
    )


def test_vanished_images_are_named(tmp_path):
    from tfast.files import system_error
    from tfast.vision.images import ImageFolder

    folder = ImageFolder.read(write_images(tmp_path / "images", count=2))
    Path(folder.file_paths[2]).unlink()
    with pytest.raises(tf.errors.NotFoundError) as caught:
        list(folder.validation_batches(image_size=8, batch_size=2))
    error = system_error(caught.value)
    assert isinstance(error, FileNotFoundError)
    assert error.filename == folder.file_paths[2]
