import dataclasses
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from tfast.pretrained import bundled
from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.sources import FolderSource
from tfast.pretrained.text_files import load
from tfast.recipes import LanguageModelRecipe
from tfast.text.models.language_model import LanguageModel
from tfast.text.stored_documents import store_documents

(ENTRY,) = bundled.BUNDLED_ENTRIES
SCRIPT = Path(__file__).parent.parent / "scripts" / "pack_english.py"
TEXTS = [f"{word} film of the year, and of the city" for word in "abcdefghij"]


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """The script, which writes into a copy of the package's folder."""
    monkeypatch.setattr(bundled, "WEIGHTS", tmp_path / "weights")
    (tmp_path / "bundled.json").write_bytes(bundled.RECORD.read_bytes())
    monkeypatch.setattr(bundled, "RECORD", tmp_path / "bundled.json")
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return runpy.run_path(str(SCRIPT))["main"]


def write_run(folder, *, data="wikipedia_en.csv.xz", largest=None, started_from=None):
    """What a finished run leaves; of another run, where it continued from that."""
    documents = store_documents(TEXTS, folder / "token_ids", held_out=4, min_frequency=1)
    vocabulary = documents.vocabulary
    model = LanguageModel(len(vocabulary), embed_size=4, hidden_size=6, num_layers=1)
    if largest is not None:
        model.decoder.bias.assign(np.full(len(vocabulary), largest))
    model.save(folder / "language_model.keras")
    vocabulary.save(folder / "vocabulary.txt")
    recipe = LanguageModelRecipe(data=(data,), valid=4, batch_size=2, window=5, word_vectors=False)
    result = {
        "perplexity": 65.432,
        "training_texts": 6,
        "training_tokens": 66,
        "seconds": 7200.0,
        "settings": recipe.settings(),
        "paths": {"data": [f"elsewhere/{data}"]},
        "environment": {"processors": 2},
    }
    if started_from is not None:
        sha256 = {"language_model.keras": sha256_of(started_from / "language_model.keras")}
        result |= {"started_from": "elsewhere", "pretrained": [{"sha256": sha256}]}
    (folder / "result.json").write_text(json.dumps(result))
    return model


def test_a_chain_is_packed_measured_and_described(pack, tmp_path, capsys):
    write_run(tmp_path / "a")
    model = write_run(tmp_path / "b", data="imdb_unsup.csv.gz", started_from=tmp_path / "a")
    assert pack([str(tmp_path / "a"), str(tmp_path / "b"), "--measure", "3"]) == 0
    folder, record = tmp_path / "weights" / "english", json.loads(bundled.RECORD.read_text())
    assert {path.name for path in folder.iterdir()} == set(ENTRY.files)
    hashes = {path.name: sha256_of(path) for path in folder.iterdir()}
    assert record["english"]["sha256"] == hashes
    shown = capsys.readouterr().out
    assert all(f"{value}  {name}\n" in shown for name, value in hashes.items())
    # The model knows nothing: each of the words is about as likely as the others.
    result = record["english"]["result"]
    assert result.startswith("Wikipedia, perplexity ")
    words = len((folder / "vocabulary.txt").read_text().splitlines())
    assert float(result.split()[-1]) == pytest.approx(words, rel=0.2)

    arrays = np.load(folder / "weights.npz")
    assert {arrays[name].dtype.name for name in arrays} == {"float16"}
    assert "1.decoder.weight" not in arrays  # the embedding again
    loaded = load(FolderSource(folder, dataclasses.replace(ENTRY, sha256=hashes)))
    for found, given in zip(loaded.model.trainable_weights, model.trainable_weights, strict=True):
        np.testing.assert_array_equal(found, given.numpy().astype("float16"))
    vectors = loaded.topic_vectors.words
    assert (vectors.shape, vectors.dtype) == ((words, 6), "int8")  # as many as there are texts
    is_known = np.linalg.norm(vectors, axis=1) > 1
    known = {word for word, yes in zip(loaded.vocabulary.words, is_known, strict=True) if yes}
    assert known == {*"abcdef,", "film", "of", "the", "year", "and", "city"}

    card = (folder / "README.md").read_text()
    assert "1 x 66 | 7 of 2 x 5 | 0.003 | float32 | 7,200 | 4.0 | 65.43 |" in card
    assert "8.0 processor hours in all" in card
    assert "the 3 last texts of run 2 (film reviews)" in card
    assert "Maas" in card
    assert "from 6 whole documents of the last run and 0 pieces" in card
    first, second, last = card.split("```sh\n")[1].split("\n```")[0].splitlines()
    assert first == (
        "tfast train-language-model --data wikipedia_en.csv.xz --valid 4 --no-word-vectors "
        "--batch-size 2 --window 5 --output runs/1"
    )
    assert "--pretrained runs/1/language_model.keras" in second
    assert last == "python scripts/pack_english.py runs/1 runs/2"
    assert "elsewhere" not in card
    assert str(tmp_path) not in card


def refusal(pack, capsys, *runs):
    before = bundled.RECORD.read_bytes()
    assert pack([str(run) for run in runs]) == 2
    assert not bundled.WEIGHTS.exists()
    assert bundled.RECORD.read_bytes() == before
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_weights_beyond_float16_are_refused(pack, tmp_path, capsys):
    write_run(tmp_path / "a", largest=70_000.0)
    shown = refusal(pack, capsys, tmp_path / "a")
    assert "weights must be in the range of float16, got 1.decoder.bias" in shown


def test_runs_of_other_texts_and_unfinished_ones_are_refused(pack, tmp_path, capsys):
    assert "folder of a finished run" in refusal(pack, capsys, tmp_path / "nothing")
    write_run(tmp_path / "a", data="secret.csv")
    assert "texts must be of wikipedia_en.csv.xz, imdb_unsup.csv.gz, got secret.csv" in refusal(
        pack, capsys, tmp_path / "a"
    )


def test_runs_that_are_no_chain_are_refused(pack, tmp_path, capsys):
    for name in "ab":
        write_run(tmp_path / name)
    write_run(tmp_path / "c", started_from=tmp_path / "a")
    first, other, later = (tmp_path / name for name in "abc")
    assert f"the first RUN must start from nothing, got {later}" in refusal(pack, capsys, later)
    for runs in ((other, later), (first, other)):
        message = f"RUN must have started from {runs[0]}, got {runs[1]}"
        assert message in refusal(pack, capsys, *runs)
