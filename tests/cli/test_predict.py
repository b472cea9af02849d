import io
import json
import os
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfast.cli import main
from tfast.export import export_portable_image_classifier, export_portable_text_classifier
from tfast.text import TextClassifier, TextTokenizer, Vocabulary
from tfast.vision.preprocessing import ImagePreprocessing


@pytest.fixture(scope="module")
def text_folder(tmp_path_factory):
    pytest.importorskip("onnxruntime")
    keras.utils.set_random_seed(0)
    tokenizer = TextTokenizer()
    tokens = tokenizer(tf.constant(["great fun", "bad é"]))
    vocabulary = Vocabulary.from_tokens([tokens], min_frequency=1)
    model = TextClassifier(len(vocabulary), 2, embed_size=8, hidden_size=12, num_layers=1)
    folder = tmp_path_factory.mktemp("predict") / "served"
    export_portable_text_classifier(model, folder, ["schlecht", "schön"], tokenizer, vocabulary)
    return folder


@pytest.fixture(scope="module")
def image_folder(tmp_path_factory):
    pytest.importorskip("tf2onnx")
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)])
    folder = tmp_path_factory.mktemp("predict") / "images"
    export_portable_image_classifier(model, folder, ["cat", "dog"], ImagePreprocessing())
    return folder


def predict(capsys, *arguments):
    code = main(["predict", *map(str, arguments)])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def refuse(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["predict", *map(str, arguments)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_texts_of_the_command_line_are_answered(text_folder, capsys):
    code, lines = predict(capsys, text_folder, "great fun", "bad", "--check")
    assert code == 0
    assert len(lines) == 2
    for line in lines:
        assert set(line["probabilities"]) == {"schlecht", "schön"}
        assert line["label"] == max(line["probabilities"], key=line["probabilities"].get)
        assert sum(line["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_options_may_stand_between_the_folder_and_texts(text_folder, capsys):
    _, expected = predict(capsys, text_folder, "great fun", "bad")
    for arguments in (
        ["--threads", 2, text_folder, "great fun", "bad"],
        [text_folder, "--check", "great fun", "bad"],
        [text_folder, "great fun", "--threads", 1, "bad"],
        [text_folder, "--", "great fun", "bad"],
        ["--", text_folder, "great fun", "bad"],
    ):
        assert predict(capsys, *arguments) == (0, expected)
    assert "unrecognized arguments: --thread-s" in refuse(capsys, text_folder, "a", "--thread-s")


def test_the_same_bytes_are_the_same_text_wherever_they_come_from(text_folder, capsys, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO("\ufeffgreat\n".encode() + b"bad \xff"))
    monkeypatch.setattr(sys, "stdin", stdin)
    from_input = predict(capsys, text_folder)
    assert predict(capsys, text_folder, "great", os.fsdecode(b"bad \xff")) == from_input


def test_a_closed_standard_input_is_named(text_folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input is closed" in refuse(capsys, text_folder)


def test_lines_of_standard_input_are_answered(text_folder, capsys, monkeypatch):
    _, expected = predict(capsys, text_folder, "great fun", "", "bad \ufffd")
    stdin = io.TextIOWrapper(io.BytesIO(b"great fun\r\n\nbad \xff"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert predict(capsys, text_folder) == (0, expected)


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("utf-8", b"sch\xc3\xb6n"), ("cp1252", b"sch\xf6n"), ("ascii", b"\\u00f6")],
)
def test_answers_are_as_readable_as_standard_output_lets_them(
    text_folder, monkeypatch, encoding, written
):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    assert main(["predict", str(text_folder), "great fun"]) == 0
    assert written in stdout.buffer.getvalue()
    assert "schön" in json.loads(stdout.buffer.getvalue().decode(encoding))["probabilities"]


def test_names_of_files_need_no_utf8(image_folder, capsys):
    name = os.fsdecode(b"caf\xe9.png")
    code, (line,) = predict(capsys, image_folder, name)
    assert code == 1
    assert line["file"] == name


def test_more_lines_than_a_batch_holds_are_answered(text_folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"great\n" * 600)))
    code, lines = predict(capsys, text_folder)
    assert code == 0
    assert len(lines) == 600


def test_images_are_answered_and_bad_ones_named(image_folder, capsys, tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (20, 30, 3)).astype("uint8")
    (tmp_path / "good.png").write_bytes(tf.io.encode_png(pixels).numpy())
    (tmp_path / "bad.png").write_text("no image")
    names = ["good.png", "bad.png", "none.png", "good.png"]
    code, lines = predict(capsys, image_folder, *(tmp_path / name for name in names))
    assert code == 1
    assert [line["file"] for line in lines] == [str(tmp_path / name) for name in names]
    assert lines[0]["label"] in ("cat", "dog")
    assert lines[0] == lines[3]
    assert "not a JPEG, PNG, GIF or BMP file" in lines[1]["error"]
    assert "No such file" in lines[2]["error"]


def test_a_bad_folder_ends_in_one_line(text_folder, tmp_path, capsys):
    assert "is no portable folder" in refuse(capsys, tmp_path, "a text")
    assert "--threads must be at least 1, got 0" in refuse(capsys, text_folder, "a", "--threads", 0)
