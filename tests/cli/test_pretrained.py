import dataclasses
import hashlib
import re

import pytest

from tfast.cli import main
from tfast.pretrained import bundled
from tfast.pretrained.catalog import ENTRIES


@pytest.fixture(autouse=True)
def _homes(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def lay(tmp_path, name, content=b"content"):
    folder = tmp_path / "keras" / "tfast" / name
    folder.mkdir(parents=True)
    for file in ENTRIES[name].files:
        (folder / file).write_bytes(content)
    return folder


def test_each_name_is_listed_with_size_licence_result_and_whether_it_is_here(tmp_path, capsys):
    lay(tmp_path, "fastai/xrn50_940")
    assert main(["pretrained"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(ENTRIES)
    assert lines[0].split() == ["NAME", "KIND", "SIZE", "LICENCE", "HERE", "RESULT"]
    rows = {line.split()[0]: line for line in lines[1:]}
    words = "image  102 MB  apache-2.0  no  80.55% at 224 pixels, 81.35% at 288 pixels"
    assert " ".join(words.split()) in " ".join(rows["timm/resnet50d.ra2_in1k"].split())
    assert rows["fastai/xrn50_940"].split()[2:5] == ["?", "?", "yes"]
    assert main(["pretrained", "--kind", "image"]) == 0


def test_one_is_shown_with_its_files(tmp_path, capsys):
    folder = lay(tmp_path, "fastai/xrn50_940")
    assert main(["pretrained", "fastai/xrn50_940", "timm/resnet50d.a1_in1k"]) == 0
    shown = capsys.readouterr().out
    digest = hashlib.sha256(b"content").hexdigest()
    assert f"  {folder / 'xrn50_940.pth'}: 7 bytes, SHA-256 {digest}\n" in shown
    address = "https://huggingface.co/timm/resnet50d.a1_in1k/resolve/main/config.json"
    assert f"  config.json: not here, would be fetched from {address}\n" in shown


def test_what_the_package_has_is_here_and_not_fetched(tmp_path, capsys, monkeypatch):
    entry = dataclasses.replace(ENTRIES["tfast/english"], sha256={})
    monkeypatch.setitem(ENTRIES, "tfast/english", entry)
    monkeypatch.setattr(bundled, "WEIGHTS", tmp_path)
    assert main(["pretrained", "tfast/english", "--download"]) == 0
    missing = "  weights.npz: not here, which tfast should have: install it again\n"
    assert missing in capsys.readouterr().out
    (tmp_path / "english").mkdir()
    for file in entry.files:
        (tmp_path / "english" / file).write_bytes(b"content")
    assert main(["pretrained", "tfast/english"]) == 0
    shown = capsys.readouterr().out
    assert "\n  the package tfast " in shown
    assert f"  {tmp_path / 'english' / 'weights.npz'}: 7 bytes, SHA-256 " in shown
    assert main(["pretrained", "--kind", "text"]) == 0
    assert re.search(r"\ntfast/english +text .* cc-by-sa-3\.0 +yes", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["resnet50"], "NAME must be one that `tfast pretrained` lists, got resnet50"),
        (["--download"], "--download needs a NAME"),
        (["timm/resnet50d.a1_in1k", "--download"], "got HF_HUB_OFFLINE, which forbids it"),
    ],
)
def test_what_cannot_be_done_is_one_line(capsys, words, message):
    with pytest.raises(SystemExit, match="2"):
        main(["pretrained", *words])
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
