import io
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from pickles import Hostile, fake_module

from tfast.fastai.reading import load_weights
from tfast.fastai.vocabularies import load_vocabulary


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


def test_a_missing_safetensors_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "w.safetensors").write_bytes(b"\2" + bytes(7) + b"{}")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"w\.safetensors: reading it needs pip install safe"):
        load_weights(tmp_path / "w.safetensors")


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


def test_bfloat16_is_read_before_tensorflow_is_imported(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="needs the extra `fastai`")
    ml_dtypes = pytest.importorskip("ml_dtypes")
    safetensors.save_file({"a": np.ones(2, ml_dtypes.bfloat16)}, tmp_path / "w.safetensors")
    code = (
        "import sys; from tfast.fastai import load_weights; "
        "assert 'tensorflow' not in sys.modules and 'ml_dtypes' not in sys.modules; "
        "print(load_weights(sys.argv[1])['a'].tolist())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "w.safetensors"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == "[1.0, 1.0]\n", result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x1f\x8b\x08", "unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"\0" * 257 + b"ustar", "an archive: unpack it"),
    ],
)
def test_other_files_are_named(tmp_path, content, message):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_weights(tmp_path / "w.pth")


def test_a_keras_model_is_named(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"a Keras model.*tfast\.load_model"):
        load_weights(tmp_path / "m.keras")


def test_a_packed_file_of_gigabytes_is_refused_before_it_is_unpacked(tmp_path):
    header = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (2**24,)}
    np.lib.format.write_array_header_1_0(header, shape)
    with zipfile.ZipFile(tmp_path / "w.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header.getvalue() + bytes(2**26))
    with pytest.raises(ValueError, match=r"names tensors of 67,\d+,\d+ bytes, more than a file"):
        load_weights(tmp_path / "w.npz")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "model."])
def test_prefixes_that_all_names_share_are_left_out(tmp_path, prefix):
    names = ["0.module.encoder.weight", "1.layers.0.weight"]
    np.savez(tmp_path / "w.npz", **{prefix + name: np.ones(2) for name in names})
    assert list(load_weights(tmp_path / "w.npz")) == names


def test_a_compiled_part_has_the_names_of_the_part(tmp_path):
    np.savez(tmp_path / "w.npz", **{"0._orig_mod.0.0.weight": np.ones(2), "1.8.weight": np.ones(2)})
    assert list(load_weights(tmp_path / "w.npz")) == ["0.0.0.weight", "1.8.weight"]


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

    @pytest.mark.parametrize("key", ["model", "state_dict", "model_state_dict"])
    @pytest.mark.parametrize("name", ["w.bin", "W.PTH", "w.ckpt", "weights"])
    def test_what_training_scripts_write(self, torch, tmp_path, key, name):
        content = {"epoch": 3, key: {"module.a": torch.ones(2)}, "args": [1, "two"]}
        torch.save(content, tmp_path / name)
        assert list(load_weights(tmp_path / name)) == ["a"]

    def test_a_view_larger_than_its_file_is_refused(self, torch, tmp_path):
        torch.save({"a": torch.ones(1).expand(50_000, 50_000)}, tmp_path / "w.pth")
        assert (tmp_path / "w.pth").stat().st_size < 5000
        with pytest.raises(ValueError, match="names tensors of 10,000,000,000 bytes"):
            load_weights(tmp_path / "w.pth")

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
