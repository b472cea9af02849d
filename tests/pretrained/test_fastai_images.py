import dataclasses

import numpy as np
import pytest
from golden_weights import golden_arrays, golden_json, golden_state_dict, wave
from loopback import CONTENT
from small_published import early_names

from tfast.fastai.image_classifiers import image_classifier_to_fastai
from tfast.pretrained import ENTRIES, load
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet

NAME = "fastai/xrn50_940"
KIND = "xresnet18"


@pytest.fixture(scope="module")
def state():
    return early_names(golden_state_dict(golden_json("fastai_numerics.json")[KIND]["keys"]))


@pytest.fixture
def address(server, monkeypatch):
    """Where the file would be, on this machine."""
    entry = ENTRIES[NAME]
    address = server.address("/fast-ai-modelzoo/xrn50_940.pth")
    moved = dataclasses.replace(entry, addresses={"xrn50_940.pth": address})
    monkeypatch.setitem(ENTRIES, NAME, moved)
    return address


def assert_golden(loaded):
    images = wave((2, 3, 67, 64), 3).transpose(0, 2, 3, 1).astype("float32")
    expected = golden_arrays("fastai_numerics.npz")[f"{KIND}_logits"]
    logits = loaded.model(images, training=False)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_the_old_names_are_fetched_read_whole_and_said(state, server, address, tmp_path):
    np.savez(tmp_path / "weights.npz", **state)  # told by its content, not by its name
    content = (tmp_path / "weights.npz").read_bytes()
    server.serve("/fast-ai-modelzoo/xrn50_940.pth", content)
    loaded = load(NAME, download=True)
    assert_golden(loaded)
    assert loaded.provenance.source == address
    assert loaded.provenance.expected_accuracy == 0.7757
    [note] = loaded.provenance.notes
    assert note == (
        f"all {len(state)} tensors read, by names of fastai before 2.0 (convs, idconv), whose "
        "last layer is 10"
    )
    assert loaded.preprocessing == ImagePreprocessing(crop_ratio=256 / 224)
    assert loaded.image_size == (224, 224)

    # Here now, and the same ever after: in its very last bytes too.
    number = len(server.requests)
    load(NAME)
    path = tmp_path / "keras" / "tfast" / NAME / "xrn50_940.pth"
    with path.open("r+b") as file:
        file.seek(2**21)
        file.write(b"x")
    with pytest.raises(ValueError, match=r"xrn50_940.pth is not the file that was first used"):
        load(NAME)
    assert len(server.requests) == number


def test_with_pytorch_the_wrapped_dictionary_is_read(state, tmp_path):
    torch = pytest.importorskip("torch", reason="needs the extra `fastai`")
    model = {name: torch.tensor(np.asarray(array)) for name, array in state.items()}
    optimizer = {"state": [{"mom": torch.zeros(2)}], "hypers": [{"lr": 0.1}]}
    path = tmp_path / "xrn50_940.pth"
    torch.save({"model": model, "opt": optimizer}, path)
    loaded = load(path)
    assert_golden(loaded)
    assert (loaded.name, loaded.provenance.expected_accuracy) == (str(path), None)


def test_a_tensor_too_few_is_never_left_out_silently(state, tmp_path):
    missing = {name: array for name, array in state.items() if name != "5.0.convs.1.0.weight"}
    np.savez(tmp_path / "a.npz", **missing)
    with pytest.raises(ValueError, match=r"missing 5\.0\.convs\.1\.0\.weight"):
        load(tmp_path / "a.npz")


def test_a_vision_learner_of_ones_own_is_read(tmp_path):
    model = transfer_model(xresnet(9, block_counts=(1, 1), expansion=1, stem_widths=(8, 8)), 4)
    np.savez(tmp_path / "pets.npz", **image_classifier_to_fastai(model))
    loaded = load(tmp_path / "pets.npz")
    assert loaded.model.output_shape == (None, 4)
    assert "by names of fastai 2" in loaded.provenance.notes[0]


def test_what_is_missing_is_said_with_where_to_get_it(address, tmp_path):
    with pytest.raises(ValueError, match=r"must be fetched first") as caught:
        load(NAME)
    folder = tmp_path / "keras" / "tfast" / NAME
    for words in (address, f"by hand into {folder}", "download=True (--download)"):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_page_in_place_of_the_file_is_refused(server, address):
    server.serve("/fast-ai-modelzoo/xrn50_940.pth", b"<html>moved")
    with pytest.raises(ValueError, match=r"xrn50_940.pth: .*got a web page"):
        load(NAME, download=True)
    server.serve("/fast-ai-modelzoo/xrn50_940.pth", CONTENT)
    with pytest.raises(ValueError, match=r"sha256 must be that of xrn50_940.pth"):
        load(NAME, download=True, sha256="0" * 64)
