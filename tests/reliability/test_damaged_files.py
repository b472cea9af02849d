"""Files that are cut off, flipped or hostile are refused in a ValueError, and run nothing."""

import io
import json
import pickle
import random
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pickles import Hostile

from tfast import load_model
from tfast.fastai import load_labels, load_vocabulary, load_weights
from tfast.text import Vocabulary
from tfast.text.text_files import iterate_rows
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.training.checkpoints.file_format import Checkpoint, read_checkpoint, write_checkpoint

ARRAYS = {
    "0.weight": np.arange(60, dtype="float32").reshape(6, 10),
    "0.bias": np.ones(6, "float32"),
}
WORDS = ["xxunk", "xxpad", "film", "großartig", "line\nfeed"]
SOME = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def write_npz(path):
    np.savez(path, **ARRAYS)


def write_safetensors(path):
    save = pytest.importorskip("safetensors.numpy").save_file
    save(ARRAYS, path)


def write_vocabulary(path):
    Vocabulary([*SPECIAL_TOKENS, *WORDS[2:]]).save(path)


def read_npz(path):
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in load_weights(path).items()}


def read_arrays(path):
    checkpoint = read_checkpoint(path)
    arrays = {name: (a.dtype, a.shape, a.tobytes()) for name, a in checkpoint.arrays.items()}
    return arrays, checkpoint.facts()


# File name, how it is written, how it is read, and whether a changed byte must show.
FILES = {
    "run.npz": (
        lambda path: write_checkpoint(path, Checkpoint(step=3, arrays=ARRAYS)), read_arrays, True
    ),
    "weights.npz": (write_npz, read_npz, True),
    "weights.safetensors": (write_safetensors, read_npz, False),
    "vocabulary.txt": (write_vocabulary, lambda path: Vocabulary.load(path).words, False),
    "itos.pkl": (lambda path: path.write_bytes(pickle.dumps(WORDS)), load_vocabulary, False),
    "labels.json": (lambda path: path.write_text(json.dumps(WORDS)), load_labels, False),
}  # fmt: skip


def damaged(content, source):
    """Cut off, with bits flipped or bytes written over, or with something behind it."""
    content = bytearray(content)
    kind = source.randrange(4)
    if kind == 0:
        return bytes(content[: source.randrange(len(content))])
    if kind == 1:
        return bytes(content + source.randbytes(source.choice([1, 5, 100])))
    for _ in range(source.choice([1, 1, 2, 20])):
        at = source.randrange(len(content))
        content[at] = (
            content[at] ^ (1 << source.randrange(8)) if kind == 2 else source.randrange(256)
        )
    return bytes(content)


def result_or_message(read, path):
    """What `read` gives, or None, and what its ValueError says; other errors are faults."""
    try:
        return read(path), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of zipfile, over names that come twice
def test_damaged_files_are_refused_or_read_as_they_were(tmp_path, name):
    write, read, is_checked = FILES[name]
    path = tmp_path / name
    write(path)
    whole, expected, source = path.read_bytes(), read(path), random.Random(name)
    refused = 0
    for _ in range(300):
        path.write_bytes(damaged(whole, source))
        found, message = result_or_message(read, path)
        refused += found is None
        assert (name in message) == (found is None), message
        assert found is None or found == expected or not is_checked
    assert refused > 50


def hostile_models(folder):
    """Pairs of a `.keras` file that would make a folder if its code ran, and that folder."""
    made = folder / "made"
    code = f"import os; os.mkdir({str(made)!r})"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(folder / "whole.keras")
    with zipfile.ZipFile(folder / "whole.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])

    def write(name, change, **others):
        changed = json.loads(json.dumps(config))
        change(changed["config"]["layers"])
        with zipfile.ZipFile(folder / name, "w") as archive:
            contents = members | {"config.json": json.dumps(changed).encode()} | others
            for member, content in contents.items():
                archive.writestr(member, content)
        return folder / name

    def with_lambda(layers):
        import marshal

        function = marshal.dumps(compile(code, "x", "exec"))
        text = __import__("base64").b64encode(function).decode()
        layers[1] = {
            "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
            "config": {
                "name": "odd", "function": {
                    "class_name": "__lambda__", "config": {"code": text, "defaults": None,
                                                           "closure": None}}},
        }  # fmt: skip

    def with_function(layers):
        layers[1] = {
            "module": "os", "class_name": "function", "registered_name": "mkdir",
            "config": "mkdir",
        }  # fmt: skip

    def with_class(layers):
        layers[1] = {
            "module": "subprocess", "class_name": "Popen", "registered_name": None,
            "config": {"args": ["mkdir", str(made)]},
        }  # fmt: skip

    yield write("lambda.keras", with_lambda), made
    yield write("function.keras", with_function), made
    yield write("class.keras", with_class), made
    pickled = io.BytesIO()
    np.save(pickled, np.array([Hostile(made)], dtype=object), allow_pickle=True)
    yield (
        write("pickle.keras", lambda layers: None, **{"model.weights.h5": pickled.getvalue()}),
        made,
    )


def test_models_with_code_in_them_are_refused_and_run_nothing(tmp_path):
    tried = 0
    for path, made in hostile_models(tmp_path):
        with pytest.raises((ValueError, TypeError, OSError)):
            load_model(path)
        assert not made.exists(), path.name
        tried += 1
    assert tried == 4


def test_a_checkpoint_with_a_pickle_in_it_is_refused_and_runs_nothing(tmp_path):
    made, path = tmp_path / "made", tmp_path / "run.npz"
    write_checkpoint(path, Checkpoint(arrays={"a": np.ones(2)}))
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["array:a"] = np.array([Hostile(made)], dtype=object)
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(ValueError, match=r"run\.npz is damaged or is no tfast checkpoint"):
        read_checkpoint(path)
    assert not made.exists()
    np.load(path, allow_pickle=True)["array:a"]  # the file is really hostile
    assert made.exists()


def test_a_checkpoint_that_names_terabytes_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    write_checkpoint(path, Checkpoint(arrays={"a": np.ones(2)}))
    names = {}
    with zipfile.ZipFile(path) as archive:
        names = {name: archive.read(name) for name in archive.namelist()}
    header = names["array:a.npy"]
    names["array:a.npy"] = header.replace(b"(2,), }" + b" " * 12, b"(2000000000000,), }"[:19])
    assert names["array:a.npy"] != header
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="is damaged or is no tfast checkpoint"):
        read_checkpoint(path)


@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@SOME
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.csv.gz"])
def test_any_bytes_are_a_table_or_an_error_that_names_the_file(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    found, message = result_or_message(lambda path: list(iterate_rows(path, ["text"])), path)
    assert found is not None or name in message


def test_a_damaged_keras_file_is_refused(tmp_path):
    whole, path = tmp_path / "whole.keras", tmp_path / "model.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(whole)
    for size in (0, 10, whole.stat().st_size // 2, whole.stat().st_size - 10):
        shutil.copy(whole, path)
        with path.open("r+b") as file:
            file.truncate(size)
        with pytest.raises((ValueError, OSError, zipfile.BadZipFile)):
            load_model(path)
    assert h5py.__name__  # which reads the weights of a whole one
    assert len(load_model(whole).weights) == 2
