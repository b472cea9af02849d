"""Writes archives as fast.ai and fastai_ulmfit published them; run by a Python with fastai.

    python make_fastai_archives.py FOLDER SPM_MODEL VOCABULARY.json

Models of the published sizes but for the vocabulary, with random weights, and what fastai computes.
"""

import json
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import torch
from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_lm_config
from fastai.text.models.core import get_language_model

EARLY_ORDER = ["xxunk", "xxpad", "xxbos", "xxeos", "xxfld", "xxmaj", "xxup", "xxrep", "xxwrep"]


def make(seed, num_words, folder, name):
    torch.manual_seed(seed)
    # 400, 1152 and 3, as published.
    model = get_language_model(AWD_LSTM, num_words, awd_lstm_lm_config).eval()
    ids = torch.randint(num_words, (2, 9))
    with torch.no_grad():
        logits = model(ids)[0]
    np.savez(folder / f"{name}.npz", ids=ids.numpy(), logits=logits.numpy())
    return model.state_dict()


def main(folder, sentencepiece, vocabulary):
    scratch = folder / "scratch"
    scratch.mkdir()
    words = [*EARLY_ORDER, *(f"word{i}" for i in range(89)), "xxfake", "xxfake"]
    (scratch / "itos.pkl").write_bytes(pickle.dumps(words, 3))
    for seed, direction in enumerate(("fwd", "bwd")):
        state = make(seed, len(words), folder, f"wt103-{direction}")
        # As PyTorch wrote in 2019.
        path = scratch / f"{direction}.pth"
        torch.save(state, path, pickle_protocol=2, _use_new_zipfile_serialization=False)
        with tarfile.open(folder / f"wt103-{direction}.tgz", "w:gz") as archive:
            archive.add(path, f"wt103-{direction}/lstm_{direction}.pth")
            archive.add(scratch / "itos.pkl", f"wt103-{direction}/itos_wt103.pkl")
    pieces = json.loads(vocabulary.read_text())
    state = make(2, len(pieces), folder, "dewiki")
    torch.save({"model": state, "opt": {"hypers": [{"lr": np.float64(0.1)}]}}, scratch / "m.pth")
    (scratch / "v.pkl").write_bytes(pickle.dumps(pieces))
    with tarfile.open(folder / "dewiki.tgz", "w:gz") as archive:
        archive.add(scratch / "m.pth", "lm/fwd/de_wikitext_model.pth")
        archive.add(scratch / "v.pkl", "lm/fwd/de_wikitext_vocab.pkl")
        archive.add(sentencepiece, "lm/spm/spm.model")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
