"""Archives in the layouts of fast.ai, fastai_ulmfit and tf2-ulmfit, with the golden weights.

The model knows 50 words. What it computes for them is in golden/fastai_numerics.npz.
"""

import io
import pickle
import tarfile

import numpy as np
from golden_weights import GOLDEN, golden_arrays, golden_json, golden_state_dict
from sentencepiece_models import CONTROL, NORMAL, UNKNOWN, piece
from torch_writer import write_old_torch_file, write_torch_file

ARRAYS = golden_arrays("fastai_numerics.npz")
# fastai 1's order, in which wt103-fwd was made.
EARLY_ORDER = "xxunk xxpad xxbos xxeos xxfld xxmaj xxup xxrep xxwrep".split()  # noqa: SIM905
WORDS = [*EARLY_ORDER, "the", "film", "a", *(f"word{i}" for i in range(36)), "xxfake", "xxfake"]
SENTENCEPIECE = GOLDEN / "sentencepiece_de.model"
SENTENCEPIECE_TOKENS = golden_json("sentencepiece_de.json")


def state_dict():
    keys = golden_json("fastai_numerics.json")["lm"]["keys"]
    state = {k: v.astype("float32") for k, v in golden_state_dict(keys).items()}
    # One tensor under three names, and the recurrent weights as dropout left them.
    for copy in ("0.encoder_dp.emb.weight", "1.decoder.weight"):
        state[copy] = state["0.encoder.weight"]
    dropped = state["0.rnns.0.weight_hh_l0_raw"] * (np.arange(20) % 2) * 2
    return state | {"0.rnns.0.module.weight_hh_l0": np.ascontiguousarray(dropped, "float32")}


def pack(path, members, mode="w:gz"):
    """`members`: file by name in the archive."""
    with tarfile.open(path, mode) as archive:
        for name, file in members.items():
            archive.add(file, name)
    return path


def wt103(folder, direction="fwd", *, words=WORDS):
    """As `wt103-fwd.tgz`: written by a PyTorch of before 1.6."""
    scratch = folder / "scratch"
    scratch.mkdir()
    weights = write_old_torch_file(scratch / f"lstm_{direction}.pth", state_dict())
    (scratch / "itos_wt103.pkl").write_bytes(pickle.dumps(list(words), 3))
    root = f"wt103-{direction}"
    members = {f"{root}/{name}": scratch / name for name in (weights.name, "itos_wt103.pkl")}
    return pack(folder / f"{root}.tgz", members)


def piece_words():
    """As fastai's `make_vocab` makes them: its special tokens, then the pieces that came."""
    tokens = [token for text in SENTENCEPIECE_TOKENS for token in text["tokens"]]
    later_order = "xxunk xxpad xxbos xxeos xxfld xxrep xxwrep xxup xxmaj".split()  # noqa: SIM905
    # The pieces of our rules first, so that none of them falls out.
    by_count = sorted(set(tokens), key=lambda t: ("xx" not in t, -tokens.count(t), t))
    return [*later_order, *by_count][:50]


def fastai_ulmfit(folder):
    """As `dewiki.tgz`; the backward model's bias is another."""
    scratch = folder / "scratch"
    scratch.mkdir()
    forward, backward = {"model": state_dict(), "opt": None}, {"model": state_dict()}
    backward["model"]["1.decoder.bias"] = backward["model"]["1.decoder.bias"] + 1
    members = {"wiki/spm/spm.model": SENTENCEPIECE}
    for direction, content in (("fwd", forward), ("bwd", backward)):
        weights = write_torch_file(scratch / f"{direction}_model.pth", content)
        (scratch / "vocab.pkl").write_bytes(pickle.dumps(piece_words(), 4))
        (scratch / "model.json").write_text("{}")
        members[f"wiki/{direction}/de_wikitext_model.pth"] = weights
        members[f"wiki/{direction}/de_wikitext_vocab.pkl"] = scratch / "vocab.pkl"
        members[f"wiki/{direction}/model.json"] = scratch / "model.json"
    return pack(folder / "dewiki.tgz", members)


def sentencepiece_model(pieces):
    """A model as tf2-ulmfit's: unknown, padding, start and end of a text first."""
    special = [("<unk>", UNKNOWN), ("<pad>", CONTROL), ("<s>", CONTROL), ("</s>", CONTROL)]
    content = io.BytesIO()
    for text, kind in special:
        content.write(piece(text, 0, kind))
    for place, text in enumerate(pieces):
        content.write(piece(text, -1.0 - place, NORMAL))
    return content.getvalue()


def tf2_ulmfit(folder, weights="w.pth", pieces="p.model"):
    """As tf2-ulmfit's two files."""
    write_torch_file(folder / weights, {"model": state_dict(), "opt": None})
    names = ["▁The", "▁film", "s", *(f"▁w{i}" for i in range(43))]
    (folder / pieces).write_bytes(sentencepiece_model(names))
    return ["<unk>", "<pad>", "<s>", "</s>", *names]


def check_logits(loaded, words):
    """The golden logits, whatever the order of our words."""
    rename = {"<unk>": "xxunk", "<pad>": "xxpad", "<s>": "xxbos", "</s>": "xxeos"}
    ours = {word: index for index, word in enumerate(loaded.vocabulary.words)}
    row_of = [ours[rename.get(word, word)] for word in words]
    ids = np.array(row_of)[ARRAYS["lm_ids"][:, :8]].astype("int32")
    outputs = loaded.model({"token_ids": ids, "starts_anew": np.ones(len(ids), bool)})
    logits = np.asarray(outputs["logits"])[..., row_of]
    np.testing.assert_allclose(logits, ARRAYS["lm_logits_0"], rtol=1e-4, atol=1e-5)
