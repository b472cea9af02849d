import dataclasses
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from tfast import pretrained
from tfast.fastai.conversion import ignored_names
from tfast.fastai.text_models import language_model_to_fastai
from tfast.pretrained import bundled
from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.sources import FolderSource
from tfast.pretrained.text_files import load
from tfast.text.models.language_model import LanguageModel
from tfast.text.stored_documents import store_documents

(ENTRY,) = bundled.BUNDLED_ENTRIES
SCRIPT = Path(__file__).parent.parent / "scripts" / "pack_english.py"
TEXTS = [f"{word} film of the year, and of the city" for word in "abcdefghij"]
WORDS = 24  # special tokens and 13 words, then filled up to a multiple of 8


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """The script, which writes into a copy of the package's folder."""
    monkeypatch.setattr(bundled, "WEIGHTS", tmp_path / "weights")
    (tmp_path / "bundled.json").write_bytes(bundled.RECORD.read_bytes())
    monkeypatch.setattr(bundled, "RECORD", tmp_path / "bundled.json")
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return runpy.run_path(str(SCRIPT))["main"]


@pytest.fixture
def token_ids(tmp_path):
    """What `tfast train-language-model` leaves of six reviews and four articles."""
    files = {f"elsewhere/{name}": 9 for name in ("imdb_unsup.csv.gz", "wikipedia_en.csv.xz")}
    folder = tmp_path / "token_ids"
    store_documents(TEXTS, folder, held_out=4, min_frequency=1, description={"files": files})
    return folder


def write_run(
    folder, *, documents=("6:-1",), valid="-4:", start=None, largest=None, all_tokens=10 * 11
):
    """What a run of pretrain_on_gpu.py leaves; `start` is the run that it started from."""
    model = LanguageModel(WORDS, embed_size=4, hidden_size=6, num_layers=1)
    if largest is not None:
        model.decoder.bias.assign(np.full(WORDS, largest))
    folder.mkdir()
    weights = language_model_to_fastai(model)
    for name in ignored_names(weights):  # the embedding again
        del weights[name]
    with np.errstate(over="ignore"):
        np.savez(folder / "weights.npz", **{k: v.astype("float16") for k, v in weights.items()})
    settings = {
        "token_ids": "elsewhere", "documents": documents, "valid": [valid],
        "start": start and "elsewhere",
        "drop_mult": 0.1, "batch_size": 2, "window": 5, "learning_rate": 0.003, "epochs": 2,
        "steps": None, "precision": "float16", "output": "elsewhere",
    }  # fmt: skip
    result = {
        "perplexity": 65.432,
        "training_texts": 6,
        "training_tokens": 66,
        "all_documents": len(TEXTS),
        "all_tokens": all_tokens,
        "start_sha256": start and sha256_of(start / "weights.npz"),
        "steps": 14,
        "seconds": 164.8,
        "settings": settings,
        "environment": {"device": "Some GPU"},
    }
    (folder / "result.json").write_text(json.dumps(result))
    return model


def test_a_chain_is_packed_measured_and_described(pack, token_ids, tmp_path, capsys):
    write_run(tmp_path / "a")
    model = write_run(
        tmp_path / "b", documents=("0:6*16", "7:9"), valid="2:6", start=tmp_path / "a"
    )
    runs = [str(tmp_path / name) for name in "ab"]
    assert pack([str(token_ids), *runs]) == 0
    folder, record = tmp_path / "weights" / "english", json.loads(bundled.RECORD.read_text())
    assert {path.name for path in folder.iterdir()} == set(ENTRY.files)
    hashes = {path.name: sha256_of(path) for path in folder.iterdir()}
    assert record["english"]["sha256"] == hashes
    shown = capsys.readouterr().out
    assert all(f"{value}  {name}\n" in shown for name, value in hashes.items())
    # The model knows nothing: each of the words is about as likely as the others.
    result = record["english"]["result"]
    assert result.startswith("Wikipedia, perplexity ")
    assert float(result.split()[-1]) == pytest.approx(WORDS, rel=0.2)

    arrays = np.load(folder / "weights.npz")
    assert {arrays[name].dtype.name for name in arrays} == {"float16"}
    assert "1.decoder.weight" not in arrays
    loaded = load(FolderSource(folder, dataclasses.replace(ENTRY, sha256=hashes)))
    for found, given in zip(loaded.model.trainable_weights, model.trainable_weights, strict=True):
        np.testing.assert_array_equal(found, given.numpy().astype("float16"))
    assert loaded.tokenizer.split_mentions
    vectors = loaded.topic_vectors.words
    assert (vectors.shape, vectors.dtype) == ((WORDS, 6), "int8")  # as many as there are texts
    is_known = np.linalg.norm(vectors, axis=1) > 1
    known = {word for word, yes in zip(loaded.vocabulary.words, is_known, strict=True) if yes}
    assert known == {*"abcdef,", "film", "of", "the", "year", "and", "city"}

    card = (folder / "README.md").read_text()
    assert card.split("\n# ")[1].startswith("tfast/english\n")
    assert "| 1: `6:-1` | 6 | 66 | 14 of 2 x 5 | 0.003 | 0.1 | float16 | 165 s, Some GPU |" in card
    assert "| `-4:` | 65.43 (run 1) |" in card
    assert "| `2:6` | 65.43 (run 2) |" in card
    assert "Maas" in card
    assert "from 6 whole documents and 0 pieces" in card
    _, first, second, last = card.split("```sh\n")[1].split("\n```")[0].splitlines()
    assert first == (
        "python scripts/pretrain_on_gpu.py runs/ids/token_ids --documents=6:-1 --valid=-4: "
        "--drop-mult=0.1 --batch-size=2 --window=5 --learning-rate=0.003 --epochs=2 "
        "--precision=float16 --output runs/1"
    )
    assert "--documents 0:6*16 7:9 " in second
    assert second.endswith(" --start runs/1/weights.npz --output runs/2")
    assert last == "python scripts/pack_english.py runs/ids/token_ids runs/1 runs/2"
    assert "elsewhere" not in card
    assert str(tmp_path) not in card


def test_another_folder_leaves_the_package_as_it_is(pack, token_ids, tmp_path):
    before = bundled.RECORD.read_bytes()
    write_run(tmp_path / "a")
    target = tmp_path / "english_large"
    assert pack([str(token_ids), str(tmp_path / "a"), "--output", str(target)]) == 0
    assert {path.name for path in target.iterdir()} == set(ENTRY.files)
    card = (target / "README.md").read_text()
    assert "\n# english_large\n" in card
    assert pretrained.load(target).tokenizer.split_mentions
    assert 'load("english_large")' in card
    assert "runs/1 --output english_large\n" in card
    assert "comes with tfast" not in card
    assert bundled.RECORD.read_bytes() == before
    assert not (bundled.WEIGHTS / "english").exists()


def refusal(pack, capsys, *runs):
    before = bundled.RECORD.read_bytes()
    assert pack([str(run) for run in runs]) == 2
    assert not (bundled.WEIGHTS / "english").exists()
    assert bundled.RECORD.read_bytes() == before
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_weights_beyond_float16_are_refused(pack, token_ids, tmp_path, capsys):
    write_run(tmp_path / "a", largest=70_000.0)
    shown = refusal(pack, capsys, token_ids, tmp_path / "a")
    assert "weights must be in the range of float16, got 1.decoder.bias" in shown


def test_runs_of_other_texts_and_unfinished_ones_are_refused(pack, token_ids, tmp_path, capsys):
    assert "folder of token ids" in refusal(pack, capsys, tmp_path, tmp_path / "a")
    assert "folder of a finished run" in refusal(pack, capsys, token_ids, tmp_path / "nothing")
    write_run(tmp_path / "a")
    store_documents(TEXTS, tmp_path / "b", held_out=4, description={"files": {"secret.csv": 1}})
    message = "texts must be of imdb_unsup.csv.gz, wikipedia_en.csv.xz, got secret.csv"
    assert message in refusal(pack, capsys, tmp_path / "b", tmp_path / "a")
    (tmp_path / "a" / "weights.npz").unlink()
    assert "weights.npz" in refusal(pack, capsys, token_ids, tmp_path / "a")


def test_runs_that_are_no_chain_are_refused(pack, token_ids, tmp_path, capsys):
    for name in "ab":
        write_run(tmp_path / name)
    first, other, later, wrong = (tmp_path / name for name in "abcd")
    write_run(later, start=first)
    np.savez(other / "weights.npz", a=np.zeros(1))
    message = f"the first RUN must start from nothing, got {later}"
    assert message in refusal(pack, capsys, token_ids, later)
    for runs in ((other, later), (first, other)):
        message = f"RUN must have started from {runs[0]}, got {runs[1]}"
        assert message in refusal(pack, capsys, token_ids, *runs)
    write_run(wrong, all_tokens=99)
    message = f"RUN must have read TOKEN_IDS, got {wrong}"
    assert message in refusal(pack, capsys, token_ids, wrong)


def test_files_that_are_too_large_are_refused(pack, token_ids, tmp_path, capsys):
    write_run(tmp_path / "a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(pack.__globals__, "MOST_BYTES", 1000)
        message = "files must have 1,000 bytes at most"
        assert message in refusal(pack, capsys, token_ids, tmp_path / "a")


def test_names_that_the_model_knows_with_their_at_stay_whole(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    find_tokenizer = runpy.run_path(str(SCRIPT))["find_tokenizer"]
    assert find_tokenizer(["a", "@", "a@b"]).split_mentions
    assert not find_tokenizer(["a", "@jane"]).split_mentions
