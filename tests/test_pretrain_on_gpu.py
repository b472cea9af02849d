"""The script that trains a language model with PyTorch: it computes what `LanguageModel` does."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from tfast.fastai.reading import load_weights
from tfast.fastai.text_models import language_model_from_fastai
from tfast.pretrained.checksums import sha256_of
from tfast.text.lm_batches import lm_batches
from tfast.text.stored_documents import open_stored_documents, store_documents

torch = pytest.importorskip("torch")
SCRIPT = Path(__file__).parent.parent / "scripts" / "pretrain_on_gpu.py"
TEXTS = [f"{word} film of the {word}, and of the city of {word}" for word in "abcdefghijkl"] * 3


@pytest.fixture
def pretrain(tmp_path, monkeypatch):
    """Runs the script on some documents, and gives what it wrote."""
    store_documents(TEXTS, tmp_path / "token_ids", held_out=4, min_frequency=1)

    def run(output, *options):
        sizes = ["--embed-size", "4", "--hidden-size", "6", "--batch-size", "2", "--window", "5"]
        words = [str(SCRIPT), str(tmp_path / "token_ids"), *sizes, *options]
        monkeypatch.setattr(sys, "argv", [*words, "--output", str(tmp_path / output)])
        torch.set_num_threads(1)  # nothing here is large enough for two
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return tmp_path / output / "weights.npz", json.loads(
            (tmp_path / output / "result.json").read_text()
        )

    return run


def test_its_perplexity_is_that_of_the_language_model(pretrain, tmp_path):
    weights, result = pretrain("a", "--documents", "0:-9", "--valid=-9:", "--epochs", "2")
    documents = open_stored_documents(tmp_path / "token_ids")
    model = language_model_from_fastai(load_weights(weights))
    model.compile(jit_compile=False)
    batches = lm_batches(
        documents.select(len(documents) - 9, len(documents)),
        batch_size=32,
        sequence_length=5,
        training=False,
    )
    measured = model.evaluate(batches, return_dict=True, verbose=0)
    assert result["perplexity"] == pytest.approx(measured["perplexity"], rel=1e-3)  # float16


def test_it_learns_and_goes_on_from_what_it_learned(pretrain):
    options = ["--documents", ":9*3", "--valid=:9", "--epochs", "4", "--learning-rate", "0.05"]
    weights, first = pretrain("a", *options)
    _, untrained = pretrain("c", *options, "--steps", "1")
    assert first["perplexity"] < 0.7 * untrained["perplexity"]
    assert (untrained["steps"], first["steps"] > 100) == (1, True)
    assert first["training_texts"] == 9
    _, again = pretrain("b", *options, "--start", str(weights), "--drop-mult", "0.1")
    assert again["perplexity"] < first["perplexity"]
    assert again["start_sha256"] == sha256_of(weights)
    assert not np.load(weights)["0.rnns.0.module.bias_hh_l0"].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--documents", "3"], "documents must be FIRST:LAST[*TIMES], got 3"),
        (["--documents", ":9", "--valid=-1:3"], "documents must be one or more, got -1:3"),
        (["--documents", ":9*0"], "documents must be one or more, got :9*0"),
        (["--documents", ":9", "--valid=:1"], "documents must have more than 32 tokens, got"),
        (["--documents", ":9", "--valid=:9", "--start", "nowhere.npz"], "nowhere.npz"),
    ],
)
def test_wrong_documents_are_refused(pretrain, capsys, options, message):
    with pytest.raises(SystemExit, match="2"):
        pretrain("a", *options)
    assert message in capsys.readouterr().err
