"""Language models in the archives in which fast.ai and fastai_ulmfit published them.

fast.ai's hold `lstm_fwd.pth` or `lstm_bwd.pth`, and `itos_wt103.pkl`. fastai_ulmfit's hold
`spm/spm.model`, and in each of `fwd/` and `bwd/` a `*model.pth` and a `*vocab.pkl`.
"""

from pathlib import Path

from tfast.fastai.reading import load_weights
from tfast.pretrained.archives import unpacked
from tfast.pretrained.language_models import read_text_model
from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import FileSource, Source

_PIECES = "pieces.model"


def load(source: Source) -> Pretrained:
    """Reads the model of the direction that the name says: "bwd" for backward.

    Raises:
        ValueError: the archive is damaged or hostile, or holds something else.
        ImportError: see `read_text_model`.
    """
    if source.entry is not None:
        path = source.path(source.entry.files[0])
        reverse = source.entry.name.endswith("-bwd")
    else:
        assert isinstance(source, FileSource)  # for mypy
        path = source.path(source.file)
        reverse = "bwd" in source.file
    wanted = _wanted("bwd" if reverse else "fwd")
    with unpacked(path, wanted, optional=wanted) as files:
        kind = "pieces" if _PIECES in files else "words"
        for name in (f"{kind}.pth", f"{kind}.pkl"):
            if name not in files:
                raise ValueError(
                    f"{path} must hold a language model of fast.ai's or fastai_ulmfit's, got no "
                    f"{wanted[name].removeprefix('*/')}"
                )
        try:
            return read_text_model(
                source,
                load_weights(files[f"{kind}.pth"]),
                vocabulary=files[f"{kind}.pkl"],
                sentencepiece=files.get(_PIECES),
                reverse=reverse,
            )
        except ValueError as error:
            raise ValueError(_with_their_names(str(error), path, files, wanted)) from error


def _wanted(direction: str) -> dict[str, str]:
    # wt103.tgz, before there were two directions, has lstm_wt103.pth.
    weights = "lstm_bwd" if direction == "bwd" else "lstm_[!b]*"
    return {
        "words.pth": f"*/{weights}.pth",
        "words.pkl": "*/itos_*.pkl",
        "pieces.pth": f"*/{direction}/*model.pth",
        "pieces.pkl": f"*/{direction}/*vocab.pkl",
        _PIECES: "*/spm/spm.model",
    }


def _with_their_names(
    message: str, path: Path, files: dict[str, Path], wanted: dict[str, str]
) -> str:
    """A message that names members of the archive instead of our files."""
    for name, file in files.items():
        message = message.replace(str(file), f"{path}: {wanted[name].removeprefix('*/')}")
    return message
