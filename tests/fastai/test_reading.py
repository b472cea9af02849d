import collections
import json
import os
import pickle
import sys
import types

import numpy as np
import pytest

from tfast.fastai.reading import load_weights
from tfast.fastai.vocabularies import load_labels, load_vocabulary
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.vocabulary import Vocabulary

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
        def __init__(self, items, *, add_na=False):
            self.items = L([*["#na#"] * add_na, *items])
            self.o2i = {item: i for i, item in enumerate(self.items.items)}
            if add_na:
                self.o2i = collections.defaultdict(int, self.o2i)

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


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([0, 1], ["0", "1"]),
        ([False, True], ["False", "True"]),
        (["neg", "pos"], ["neg", "pos"]),
    ],
)
def test_labels_of_any_plain_kind(tmp_path, fastai_classes, protocol, items, expected):
    make_l, make_category_map = fastai_classes
    for add_na in (False, True):
        labels = make_category_map(items, add_na=add_na)
        path = dump(tmp_path / "labels.pkl", labels, protocol)
        assert load_labels(path) == ["#na#"] * add_na + expected
        path = dump(tmp_path / "vocab.pkl", make_l([WORDS, labels]), protocol)
        assert load_vocabulary(path) == (WORDS, ["#na#"] * add_na + expected)


@pytest.mark.parametrize("items", [[0, 257], [False, True], ["neg", "positive"]])
def test_labels_that_numpy_keeps(tmp_path, fastai_classes, items):
    _, make_category_map = fastai_classes
    path = dump(tmp_path / "labels.pkl", make_category_map(list(np.array(items))))
    assert load_labels(path) == [str(item) for item in items]


def test_labels_that_are_neither_text_nor_whole_numbers_are_named(tmp_path, fastai_classes):
    _, make_category_map = fastai_classes
    for items in ([0.5, 1.0], list(np.array([0.5])), [("a",)], [None]):
        with pytest.raises(ValueError, match="expected labels to be text or whole numbers"):
            load_labels(dump(tmp_path / "labels.pkl", make_category_map(items)))


def test_a_list_that_holds_itself_is_refused(tmp_path):
    endless = ["film"]
    endless.append(endless)
    with pytest.raises(ValueError, match=r"itos\.pkl"):
        load_vocabulary(dump(tmp_path / "itos.pkl", endless))


def test_lines_of_text_end_with_a_line_feed_only(tmp_path):
    words = ["a\x85b", "a\u2028b", "a\x0bb", "\\n"]
    (tmp_path / "a.txt").write_bytes("\n".join(words).encode())
    assert load_vocabulary(tmp_path / "a.txt")[0] == words
    (tmp_path / "a.txt").write_bytes(b"xxunk\r\nfilm\r\n")
    assert load_vocabulary(tmp_path / "a.txt")[0] == ["xxunk", "film"]
    (tmp_path / "a.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"a\.txt: not readable text"):
        load_vocabulary(tmp_path / "a.txt")


def test_our_own_vocabulary_is_read_with_its_escapes(tmp_path):
    words = [*SPECIAL_TOKENS, "\n\n", "a b", "\\n", "film"]
    Vocabulary(words).save(tmp_path / "vocabulary.txt")
    assert load_vocabulary(tmp_path / "vocabulary.txt") == (words, None)


def test_vocabulary_from_json_and_text(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([WORDS, ["neg", "pos"]]))
    assert load_vocabulary(tmp_path / "a.json") == (WORDS, ["neg", "pos"])
    (tmp_path / "a.txt").write_text("xxunk\nfilm\n")
    assert load_vocabulary(tmp_path / "a.txt") == (["xxunk", "film"], None)


def test_repeated_fillers_become_distinct(tmp_path):
    path = dump(tmp_path / "itos.pkl", ["film", "xxfake", "xxfake", "xxfake1", "xxfake"])
    assert load_vocabulary(path)[0] == ["film", "xxfake", "xxfake2", "xxfake1", "xxfake3"]


def test_another_repeated_word_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be distinct, got 'film' twice"):
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
        b"cnumpy._core.multiarray\nscalar\n)R.",  # a scalar of nothing
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
    with pytest.raises(ValueError, match=r"not a readable weights file"):
        load_weights(tmp_path / "bad.safetensors")


def test_half_precision_comes_as_float32(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="needs the extra `fastai`")
    ml_dtypes = pytest.importorskip("ml_dtypes")
    tensors = {"a": np.array([1.5], np.float16), "b": np.array([1.5], ml_dtypes.bfloat16)}
    safetensors.save_file(tensors, tmp_path / "w.safetensors")
    np.savez(tmp_path / "w.npz", a=tensors["a"])
    for name in ("w.safetensors", "w.npz"):
        for tensor in load_weights(tmp_path / name).values():
            assert tensor.dtype == np.float32
            np.testing.assert_array_equal(tensor, [1.5])


class TestTorchFiles:
    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch", reason="needs the extra `fastai`")

    @pytest.mark.parametrize("zipped", [True, False])
    def test_bare_state_dict(self, torch, tmp_path, zipped):
        state = {"a": torch.arange(3.0), "b": torch.ones(2, dtype=torch.bfloat16)}
        state |= {"c": torch.ones(2).half(), "d": torch.tensor(3)}
        torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
        weights = load_weights(tmp_path / "w.pth")
        np.testing.assert_array_equal(weights["a"], [0, 1, 2])
        kinds = [str(tensor.dtype) for tensor in weights.values()]
        assert kinds == ["float32", "float32", "float32", "int64"]

    def test_parameters_that_require_gradients(self, torch, tmp_path):
        layer = torch.nn.Linear(2, 1)
        torch.save(dict(layer.named_parameters()), tmp_path / "w.pth")
        assert load_weights(tmp_path / "w.pth")["weight"].shape == (1, 2)

    def test_what_learn_save_writes(self, torch, tmp_path, fastai_classes):
        make_l, _ = fastai_classes
        # A schedule makes the learning rate a NumPy scalar.
        optimizer = {"state": [], "hypers": make_l([{"lr": np.float64(0.1)}, {"lr": 0.1}])}
        content = {"model": {"a": torch.ones(2)}, "opt": optimizer}
        torch.save(content, tmp_path / "w.pth", pickle_protocol=2)
        np.testing.assert_array_equal(load_weights(tmp_path / "w.pth")["a"], [1, 1])

    @pytest.mark.parametrize("zipped", [True, False])
    def test_hostile_file_is_refused_and_runs_nothing(self, torch, tmp_path, zipped):
        content = {"model": {"a": torch.ones(2)}, "opt": Hostile(tmp_path / "made")}
        torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
        with pytest.raises(ValueError, match=rf"it asks for {os.name}\.mkdir$"):
            load_weights(tmp_path / "w.pth")
        assert not (tmp_path / "made").exists()

    def test_a_class_is_refused_by_its_name_without_advice_to_load_it(
        self, torch, tmp_path, monkeypatch
    ):
        class Odd:
            pass

        Odd.__module__, Odd.__qualname__ = "odd.library", "Odd"
        fake_module(monkeypatch, "odd.library", Odd)
        torch.save({"model": Odd()}, tmp_path / "w.pth")
        with pytest.raises(ValueError, match=r"not read: it asks for odd\.library\.Odd$"):
            load_weights(tmp_path / "w.pth")

    def test_exported_learner_is_explained(self, torch, tmp_path, monkeypatch):
        class Learner:
            pass

        Learner.__module__, Learner.__qualname__ = "fastai.learner", "Learner"
        fake_module(monkeypatch, "fastai.learner", Learner)
        torch.save(Learner(), tmp_path / "export.pkl", pickle_protocol=2)
        for load in (load_weights, load_vocabulary):
            with pytest.raises(ValueError, match=r"save its parts instead"):
                load(tmp_path / "export.pkl")

    @pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {}, {1: np.ones(2)}])
    def test_something_else_is_refused(self, torch, tmp_path, content):
        if isinstance(content, dict):
            as_tensor = {k: torch.tensor(v) for k, v in content.items() if k == 1}
            content = content | as_tensor
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(ValueError, match="mapping of names to tensors"):
            load_weights(tmp_path / "w.pth")

    @pytest.mark.parametrize("damaged", [b"\x80\x02.", b"", b"\x80\x04garbage", b"PK\x03\x04"])
    def test_damaged_pickle_is_refused(self, torch, tmp_path, damaged):
        (tmp_path / "w.pth").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"w\.pth: not a readable"):
            load_weights(tmp_path / "w.pth")

    def test_damaged_file_is_refused(self, torch, tmp_path):
        torch.save({"a": torch.ones(100)}, tmp_path / "w.pth")
        data = (tmp_path / "w.pth").read_bytes()
        (tmp_path / "w.pth").write_bytes(data[: len(data) // 2])
        with pytest.raises(ValueError, match=r"w\.pth"):
            load_weights(tmp_path / "w.pth")
