import json

import keras
import numpy as np
import pytest

from tfast.training.checkpoints.file_format import Checkpoint, read_checkpoint, write_checkpoint


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "other npz", "future"])
def test_damaged_and_foreign_files_are_named(tmp_path, damage):
    path = tmp_path / "run.npz"
    weight = np.arange(1000, dtype="float32")
    write_checkpoint(path, Checkpoint(step=1, arrays={"model/0": weight}))
    whole = path.read_bytes()
    middle = len(whole) // 2
    if damage == "cut":
        path.write_bytes(whole[:middle])
    elif damage == "flipped":
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    elif damage in ("empty", "text"):
        path.write_bytes(b"" if damage == "empty" else b"epoch,loss\n")
    elif damage == "other npz":
        np.savez(path, weight=weight)
    else:
        np.savez(path, header='{"format": "tfast checkpoint 2"}')
    with pytest.raises(ValueError, match=r"run.npz is damaged or is no tfast checkpoint"):
        read_checkpoint(path)


def test_bfloat16_and_seeds_survive_the_file(tmp_path):
    bfloat16 = keras.ops.convert_to_numpy(keras.ops.ones((3,), "bfloat16")) * 1.5
    seeds = np.array([1, 2**32 - 1], "uint32")
    write_checkpoint(tmp_path / "a.npz", Checkpoint(arrays={"b": bfloat16, "s": seeds}))
    arrays = read_checkpoint(tmp_path / "a.npz").arrays
    assert arrays["b"].dtype == bfloat16.dtype
    assert arrays["b"].tobytes() == bfloat16.tobytes()
    assert arrays["s"].dtype == seeds.dtype


def test_facts_are_read_without_the_arrays(tmp_path):
    checkpoint = Checkpoint(
        step=3, finished=True, history={"loss": [1.0]}, arrays={"a": np.ones(2)}
    )
    write_checkpoint(tmp_path / "a.npz", checkpoint)
    found = read_checkpoint(tmp_path / "a.npz", with_arrays=False)
    assert found.facts() == checkpoint.facts()
    assert not found.arrays


def test_a_file_of_tfast_0_1_is_read(tmp_path):
    facts = {"step": 4, "stopped": False, "finished": False, "settings": {"seed": 1}}
    facts |= {"environment": {}, "epochs_done": [0], "history": {"loss": [2.0]}}
    header = {"format": "tfast checkpoint 1", "dtypes": {"model/0": "float32"}, "facts": facts}
    arrays = {"array:model/0": np.float32([1, 2])}
    np.savez(tmp_path / "old.npz", header=json.dumps(header), **arrays)
    checkpoint = read_checkpoint(tmp_path / "old.npz")
    assert (checkpoint.step, checkpoint.settings, checkpoint.epochs_done) == (4, {"seed": 1}, [0])
    assert checkpoint.arrays["model/0"].tolist() == [1, 2]


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "none.npz")
