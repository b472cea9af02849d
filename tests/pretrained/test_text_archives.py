import hashlib
import json
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from fastai_archives import (
    SENTENCEPIECE,
    SENTENCEPIECE_TOKENS,
    WORDS,
    check_logits,
    fastai_ulmfit,
    piece_words,
    state_dict,
    wt103,
)
from pickles import Hostile
from torch_writer import write_torch_file

from tfast.pretrained import load


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def lay(archive, keras_home, name):
    folder = keras_home / "tfast" / name
    folder.mkdir(parents=True)
    return archive.rename(folder / archive.name)


@pytest.mark.parametrize("direction", ["fwd", "bwd"])
def test_fast_ais_wikitext_model_gives_fastais_logits(tmp_path, keras_home, direction):
    archive = lay(wt103(tmp_path, direction), keras_home, f"fastai/wt103-{direction}")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    loaded = load(f"fastai/wt103-{direction}", sha256=sha256)
    check_logits(loaded, [*WORDS[:-1], "xxfake1"])
    assert loaded.vocabulary.words[5:10] == ("xxrep", "xxwrep", "xxup", "xxmaj", "the")
    assert loaded.reverse == (direction == "bwd")
    assert loaded.tokenizer(["The Film"]).to_list() == [
        [b"xxbos", b"xxmaj", b"the", b"xxmaj", b"film"]
    ]
    provenance = loaded.provenance
    assert provenance.source == f"https://s3.amazonaws.com/fast-ai-modelzoo/{archive.name}"
    assert provenance.sha256 == {archive.name: sha256}
    assert provenance.licence is None
    assert [path.name for path in archive.parent.iterdir() if path.suffix == ".pth"] == []


def test_an_archive_of_ones_own_is_told_by_what_it_holds(tmp_path):
    loaded = load(wt103(tmp_path, "bwd"))
    assert loaded.reverse
    check_logits(loaded, [*WORDS[:-1], "xxfake1"])


def test_a_renamed_archive_is_never_taken_for_the_other_direction(tmp_path):
    path = wt103(tmp_path, "bwd").rename(tmp_path / "weights.tgz")
    with pytest.raises(
        ValueError, match=r"weights\.tgz must hold a language model .* got no lstm_"
    ):
        load(path)


def test_the_name_says_what_to_fetch_and_where_to_lay_it(keras_home):
    with pytest.raises(ValueError, match="must be fetched first") as error:
        load("fastai_ulmfit/de-bwd")
    assert "https://bit.ly/ulmfit-dewiki by hand" in str(error.value)
    assert str(keras_home / "tfast" / "fastai_ulmfit" / "de") in str(error.value)


def test_fastai_ulmfit_gives_fastais_pieces_and_logits(tmp_path, keras_home):
    pytest.importorskip("tensorflow_text")
    lay(fastai_ulmfit(tmp_path), keras_home, "fastai_ulmfit/de")
    loaded = load("fastai_ulmfit/de-fwd")
    assert not loaded.reverse
    # The tokens "\u2581xxmaj" that fastai's SentencePiece gives have learned; "xxmaj" never came.
    check_logits(loaded, [word if word in OURS else OURS_OF[word] for word in piece_words()])
    words = np.array(piece_words())
    for entry in SENTENCEPIECE_TOKENS:
        theirs = [token if token in words else "xxunk" for token in entry["tokens"]]
        ids = loaded.vocabulary.encode(loaded.tokenizer([entry["text"]]))
        ours = [word.decode() for word in loaded.vocabulary.decode(ids).to_list()[0]]
        assert ours == [token.replace("\u2581xx", "xx") for token in theirs]
    backward = load("fastai_ulmfit/de-bwd")
    assert backward.reverse
    difference = backward.model.decoder.bias - loaded.model.decoder.bias
    np.testing.assert_allclose(difference, 1, atol=1e-6)


MARKED = [word for word in piece_words() if word.startswith("\u2581xx")]
OURS_OF = {word: word.removeprefix("\u2581") for word in MARKED}
OURS_OF |= {name: word for word, name in OURS_OF.items()}
OURS = [word for word in piece_words() if word not in OURS_OF]


def test_a_hostile_vocabulary_runs_nothing(tmp_path):
    path = wt103(tmp_path, words=[Hostile(tmp_path / "made")])
    with pytest.raises(ValueError, match=r"wt103-fwd\.tgz: itos_\*\.pkl: holds more than words"):
        load(path)
    assert not (tmp_path / "made").exists()


def test_hostile_weights_run_nothing(tmp_path):
    (tmp_path / "lstm_fwd.pth").write_bytes(pickle.dumps(Hostile(tmp_path / "made")))
    (tmp_path / "itos_a.pkl").write_bytes(pickle.dumps(WORDS))
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        for name in ("lstm_fwd.pth", "itos_a.pkl"):
            archive.add(tmp_path / name, name)
    with pytest.raises(ValueError, match="not read: it asks for"):
        load(tmp_path / "a.tgz")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"0.rnns.0.layers.0.linear.weight_raw": np.ones(2)}, "a QRNN"),
        ({"0.encoder_with_dropout.embed.weight": np.ones(2)}, r"of fastai before 1\.0"),
        ({"1.decoder.bias": None}, "missing 1.decoder.bias"),
        ({"1.decoder.bias": np.ones(49, "float32")}, r"words must be as many as the rows"),
    ],
)
def test_other_models_are_refused_in_a_sentence(tmp_path, changes, message):
    state = {k: v for k, v in (state_dict() | changes).items() if v is not None}
    write_torch_file(tmp_path / "lstm_fwd.pth", state)
    (tmp_path / "itos_a.pkl").write_bytes(pickle.dumps(WORDS))
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        for name in ("lstm_fwd.pth", "itos_a.pkl"):
            archive.add(tmp_path / name, name)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "a.tgz")


@pytest.mark.fastai
def test_archives_of_an_installed_fastai_of_the_published_sizes(tmp_path):
    python = os.environ.get("TFAST_FASTAI_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import fastai.learner"], check=False).returncode:
        pytest.skip(f"fastai is not installed in {python}; set TFAST_FASTAI_PYTHON")
    (tmp_path / "vocabulary.json").write_text(json.dumps(piece_words()))
    script = Path(__file__).parent / "make_fastai_archives.py"
    arguments = [tmp_path, SENTENCEPIECE, tmp_path / "vocabulary.json"]
    subprocess.run([python, script, *arguments], check=True)
    early = [*WORDS[:9], *(f"word{i}" for i in range(89)), "xxfake", "xxfake1"]
    pieces = [word if word in OURS else OURS_OF[word] for word in piece_words()]
    for name, words in (("wt103-fwd", early), ("wt103-bwd", early), ("dewiki", pieces)):
        loaded = load(tmp_path / f"{name}.tgz")
        assert loaded.model.encoder.widths == [1152, 1152, 400]
        with np.load(tmp_path / f"{name}.npz") as arrays:
            ids, expected = arrays["ids"], arrays["logits"]
        rows = np.array([loaded.vocabulary.words.index(word) for word in words])
        outputs = loaded.model(
            {"token_ids": rows[ids].astype("int32"), "starts_anew": np.ones(2, bool)}
        )
        np.testing.assert_allclose(np.asarray(outputs["logits"])[..., rows], expected, atol=1e-5)
