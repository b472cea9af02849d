import io
import pickle
import zipfile

import numpy as np
import pytest
from torch_writer import named, opcodes, plain, write_old_torch_file, write_torch_file

from tfast.fastai.reading import load_weights
from tfast.fastai.torch_files import check_memo, read_torch_file

WRITERS = pytest.mark.parametrize("write", [write_torch_file, write_old_torch_file])


def some_arrays():
    arrays = {
        "a": np.arange(6.0, dtype="float32").reshape(2, 3),
        "b": np.float16([1.5, -2]),
        "c": np.array(7),
        "d": np.zeros((0, 3)),
        "e": np.array([True, False]),
    }
    return arrays | {"tied": arrays["a"]}


@WRITERS
def test_arrays_are_read_without_pytorch(write, tmp_path):
    content = read_torch_file(write(tmp_path / "w.pth", {"model": some_arrays(), "epoch": 3}))
    assert content["epoch"] == 3
    for name, array in some_arrays().items():
        found = content["model"][name].to_array()
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
        assert found.flags.writeable


@WRITERS
def test_pytorch_reads_what_these_tests_write(write, tmp_path):
    torch = pytest.importorskip("torch")
    found = torch.load(write(tmp_path / "w.pth", some_arrays()), weights_only=True)
    for name, array in some_arrays().items():
        np.testing.assert_array_equal(found[name].numpy(), array)
    assert found["tied"].data_ptr() == found["a"].data_ptr()


@WRITERS
def test_a_view_is_read_with_its_offset_and_strides(write, tmp_path):
    torch = pytest.importorskip("torch")
    views = {"a": torch.arange(12.0).reshape(3, 4)[1:, ::2].T}
    torch.save(views, tmp_path / "w.pth", _use_new_zipfile_serialization=write is write_torch_file)
    np.testing.assert_array_equal(load_weights(tmp_path / "w.pth")["a"], views["a"].numpy())


def test_numbers_of_a_machine_of_the_other_byte_order(tmp_path):
    numbers, storages = np.arange(3.0), {}
    data = b"\x80\x02" + opcodes({"a": numbers}, storages) + b"."
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        archive.writestr("w/data.pkl", data)
        archive.writestr("w/byteorder", "big")
        archive.writestr("w/data/0", numbers.astype(">f8").tobytes())
    np.testing.assert_array_equal(load_weights(tmp_path / "w.pth")["a"], numbers)


def tensor_of(offset, shape, strides, length=4):
    storage = b"(" + plain("storage") + named("torch.FloatStorage")
    storage += plain("0") + plain("cpu") + plain(length) + b"tQ"
    arguments = plain(offset) + plain(shape) + plain(strides)
    return named("torch._utils._rebuild_tensor") + b"(" + storage + arguments + b"tR"


def write_pickle(path, pickled, content=bytes(16)):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", b"\x80\x02}" + plain("a") + pickled + b"s.")
        archive.writestr("w/data/0", content)
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, (4,), (1,)), "ends at 4 in a storage of 4"),
        ((0, (2, 2), (1, 3)), "ends at 4 in a storage of 4"),
        ((-1, (2,), (1,)), "got -1"),
        ((0, (2,), (-1,)), "got -1"),
        ((0, (2**63,), (0,)), "a size must be"),
        ((0, (2, 2), (1,)), "shorter"),
        ((0, (4,), (1,), 8), "cut off"),
    ],
)
def test_a_tensor_never_leaves_its_storage(tmp_path, arguments, message):
    path = write_pickle(tmp_path / "w.pth", tensor_of(*arguments))
    with pytest.raises(ValueError, match=message):
        load_weights(path)


def test_a_tensor_cannot_be_changed_after_it_was_checked(tmp_path):
    state = plain({"shape": (10**9,)})
    for pickled in (tensor_of(0, (4,), (1,)) + state + b"b",
                    tensor_of(0, (4,), (1,)) + b"(N" + state + b"tb"):  # fmt: skip
        with pytest.raises(ValueError, match="not a readable"):
            load_weights(write_pickle(tmp_path / "w.pth", pickled))


@pytest.mark.parametrize(
    "name", ["torch._utils._rebuild_tensor_v3", "torch.nn.Linear", "builtins.eval", "os.system"]
)
def test_all_else_is_refused_by_its_name(tmp_path, name):
    path = write_pickle(tmp_path / "w.pth", named(name) + b")R")
    with pytest.raises(ValueError, match=f"it asks for {name}$"):
        load_weights(path)


def test_storages_of_terabytes_named_in_a_few_bytes_are_refused(tmp_path):
    data = b"\x80\x02}" + plain("a") + tensor_of(0, (2**40,), (1,), 2**40) + b"s."
    with (tmp_path / "w.pth").open("wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, {}):
            file.write(pickle.dumps(value, 2))
        file.write(data + pickle.dumps(["0"], 2) + (2**40).to_bytes(8, "little"))
    with pytest.raises(ValueError, match="names tensors of 4,398"):
        load_weights(tmp_path / "w.pth")


def test_a_pickle_that_names_a_long_text_takes_no_memory(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"\x80\x04\x8d" + (2**40).to_bytes(8, "little") + b"abc.")
    with pytest.raises(ValueError, match="not a readable"):
        load_weights(tmp_path / "w.pth")


def test_memo_numbers_may_not_run_ahead():
    check_memo(io.BytesIO(pickle.dumps([1, [2, "a"]], 2)))
    with pytest.raises(ValueError, match="memo number 16777216"):
        check_memo(io.BytesIO(b"\x80\x02Nr\0\0\0\x01."))
