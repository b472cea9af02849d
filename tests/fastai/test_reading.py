import json
import os
import pickle
import sys
import types

import numpy as np
import pytest

from tfast.fastai.reading import load_vocabulary, load_weights

WORDS = ["xxunk", "xxpad", "xxbos", "film", "\n\n"]


class Hostile:
    """Unpickling this makes the folder `path`."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def fake_module(monkeypatch, name, cls):
    """Makes `cls` importable as member of module `name` and of its parents."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        module = types.ModuleType(".".join(parts[:end]))
        module.__path__ = []
        monkeypatch.setitem(sys.modules, module.__name__, module)
    setattr(module, cls.__name__, cls)


@pytest.fixture
def fastai_classes(monkeypatch):
    """`L` and `CategoryMap` under fastai's names, with fastai's state, for pickle to write."""

    class L:
        def __init__(self, items):
            self.items = items

    class CategoryMap:
        def __init__(self, items):
            self.items = L(items)
            self.o2i = {item: i for i, item in enumerate(items)}

    for module, cls in (("fastcore.foundation", L), ("fastai.data.transforms", CategoryMap)):
        cls.__module__, cls.__qualname__ = module, cls.__name__
        fake_module(monkeypatch, module, cls)
    return L, CategoryMap


def dump(path, value, protocol=4):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_language_model_vocabulary_from_pickle(tmp_path, protocol):
    path = dump(tmp_path / "itos.pkl", WORDS, protocol)
    assert load_vocabulary(path) == (WORDS, None)


@pytest.mark.parametrize("protocol", [2, 4])
def test_classifier_vocabulary_from_pickle(tmp_path, fastai_classes, protocol):
    make_l, make_category_map = fastai_classes
    value = make_l([WORDS, make_category_map(["neg", "pos"])])
    path = dump(tmp_path / "vocab.pkl", value, protocol)
    assert load_vocabulary(path) == (WORDS, ["neg", "pos"])


def test_vocabulary_from_json_and_text(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([WORDS, ["neg", "pos"]]))
    assert load_vocabulary(tmp_path / "a.json") == (WORDS, ["neg", "pos"])
    (tmp_path / "a.txt").write_text("xxunk\nfilm\n")
    assert load_vocabulary(tmp_path / "a.txt") == (["xxunk", "film"], None)


def test_repeated_fillers_become_distinct(tmp_path):
    path = dump(tmp_path / "itos.pkl", ["film", "xxfake", "xxfake", "xxfake1", "xxfake"])
    assert load_vocabulary(path)[0] == ["film", "xxfake", "xxfake2", "xxfake1", "xxfake3"]


def test_another_repeated_word_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'film' stands twice"):
        load_vocabulary(dump(tmp_path / "itos.pkl", ["film", "film"]))


def test_hostile_vocabulary_is_refused_and_runs_nothing(tmp_path):
    target = tmp_path / "made"
    path = dump(tmp_path / "itos.pkl", [WORDS, Hostile(target)])
    with pytest.raises(ValueError, match="mkdir"):
        load_vocabulary(path)
    assert not target.exists()
    pickle.loads(path.read_bytes())  # the file is really hostile
    assert target.exists()


@pytest.mark.parametrize(
    "attack",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cfastcore.foundation\nL.__init__.__globals__\n.",
        b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.",
        b"P0\n.",  # a persistent object
        b"\x80\x04\x95garbage",
        b"",
    ],
)
def test_other_pickles_are_refused(tmp_path, attack):
    path = tmp_path / "itos.pkl"
    path.write_bytes(attack)
    with pytest.raises(ValueError, match=r"itos\.pkl"):
        load_vocabulary(path)


def test_values_that_are_not_words_are_named(tmp_path):
    with pytest.raises(ValueError, match="got 3"):
        load_vocabulary(dump(tmp_path / "itos.pkl", ["film", 3]))
    with pytest.raises(ValueError, match="expected a list of words, got dict"):
        load_vocabulary(dump(tmp_path / "itos.pkl", {"film": 3}))


def test_missing_and_unknown_files_are_named(tmp_path):
    for load in (load_weights, load_vocabulary):
        with pytest.raises(ValueError, match="no such file"):
            load(tmp_path / "nothing.pth")
        (tmp_path / "a.zip").touch()
        with pytest.raises(ValueError, match=r"got '\.zip'"):
            load(tmp_path / "a.zip")


def test_weights_from_npz(tmp_path):
    np.savez(tmp_path / "w.npz", **{"0.weight": np.ones((2, 3))})
    assert load_weights(tmp_path / "w.npz")["0.weight"].shape == (2, 3)
    np.savez(tmp_path / "bad.npz", x=np.array([Hostile(tmp_path / "made")], object))
    with pytest.raises(ValueError, match="not a readable"):
        load_weights(tmp_path / "bad.npz")
    assert not (tmp_path / "made").exists()


def test_weights_from_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="needs the extra `fastai`")
    safetensors.save_file({"0.weight": np.ones(2, np.float32)}, tmp_path / "w.safetensors")
    np.testing.assert_array_equal(load_weights(tmp_path / "w.safetensors")["0.weight"], [1, 1])
    (tmp_path / "bad.safetensors").write_bytes(b"garbage!")
    with pytest.raises(ValueError, match="not a readable safetensors"):
        load_weights(tmp_path / "bad.safetensors")


class TestTorchFiles:
    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch", reason="needs the extra `fastai`")

    @pytest.mark.parametrize("zipped", [True, False])
    def test_bare_state_dict(self, torch, tmp_path, zipped):
        state = {"a": torch.arange(3.0), "b": torch.ones(2, dtype=torch.bfloat16)}
        torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
        weights = load_weights(tmp_path / "w.pth")
        np.testing.assert_array_equal(weights["a"], [0, 1, 2])
        assert weights["b"].dtype == np.float32

    def test_what_learn_save_writes(self, torch, tmp_path, fastai_classes):
        make_l, _ = fastai_classes
        optimizer = {"state": [], "hypers": make_l([{"lr": 0.1}])}
        content = {"model": {"a": torch.ones(2)}, "opt": optimizer}
        torch.save(content, tmp_path / "w.pth", pickle_protocol=2)
        np.testing.assert_array_equal(load_weights(tmp_path / "w.pth")["a"], [1, 1])

    @pytest.mark.parametrize("zipped", [True, False])
    def test_hostile_file_is_refused_and_runs_nothing(self, torch, tmp_path, zipped):
        content = {"model": {"a": torch.ones(2)}, "opt": Hostile(tmp_path / "made")}
        torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
        with pytest.raises(ValueError, match="more than plain tensors"):
            load_weights(tmp_path / "w.pth")
        assert not (tmp_path / "made").exists()

    def test_exported_learner_is_explained(self, torch, tmp_path, monkeypatch):
        class Learner:
            pass

        Learner.__module__, Learner.__qualname__ = "fastai.learner", "Learner"
        fake_module(monkeypatch, "fastai.learner", Learner)
        torch.save(Learner(), tmp_path / "export.pkl", pickle_protocol=2)
        for load in (load_weights, load_vocabulary):
            with pytest.raises(ValueError, match=r"save its parts instead"):
                load(tmp_path / "export.pkl")

    @pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {}])
    def test_something_else_is_refused(self, torch, tmp_path, content):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(ValueError, match="mapping of names to tensors"):
            load_weights(tmp_path / "w.pth")

    def test_damaged_file_is_refused(self, torch, tmp_path):
        torch.save({"a": torch.ones(100)}, tmp_path / "w.pth")
        data = (tmp_path / "w.pth").read_bytes()
        (tmp_path / "w.pth").write_bytes(data[: len(data) // 2])
        with pytest.raises(ValueError, match=r"w\.pth"):
            load_weights(tmp_path / "w.pth")
