"""Language models by name: fast.ai's, those of fastai_ulmfit and those of tf2-ulmfit.

Source: fastai 2.8.12 `URLs.WT103_FWD`, `WT103_BWD`; the README files of floleuerer/fastai_ulmfit
and edrone/tf2-ulmfit, as read in November 2026. None records the length, the hash or the licence
of its weights.
"""

from tfast.pretrained.entries import Entry

_FASTAI = "https://s3.amazonaws.com/fast-ai-modelzoo"
_EDRONE = "https://d3vhsxl1pwzf0p.cloudfront.net/ava/ulmfit"
# Perplexity on Wikipedia, in pieces of which there are 15,000 kinds.
_PERPLEXITIES = {
    **{"ar": 50.0, "de": 16.1, "es": 21.9, "he": 46.3, "it": 23.7, "ja": 42.6, "ko": 39.6},
    **{"nl": 20.5, "pt": 17.3, "ru": 29.8, "th": 56.4, "vi": 18.8},
}
# Our name, theirs, and thousands of pieces.
_TF2 = [("en", "en", 35), ("pl", "pl", 35), ("pl-50k", "pl", 50)]


def _wt103(direction: str) -> Entry:
    file = f"wt103-{direction}.tgz"
    return Entry(
        name=f"fastai/wt103-{direction}",
        kind="text",
        loader="tfast.pretrained.text_archives",
        files=(file,),
        addresses={file: f"{_FASTAI}/{file}"},
        result="WikiText-103, 3 layers of 1,152",
    )


def _fastai_ulmfit(language: str, direction: str) -> Entry:
    file = f"{language}wiki.tgz"
    return Entry(
        name=f"fastai_ulmfit/{language}-{direction}",
        kind="text",
        loader="tfast.pretrained.text_archives",
        files=(file,),
        addresses={file: f"https://bit.ly/ulmfit-{language}wiki"},
        folder=f"fastai_ulmfit/{language}",  # one archive for both directions
        result=f"Wikipedia, perplexity {_PERPLEXITIES[language]}",
    )


def _tf2_ulmfit(name: str, language: str, thousands: int) -> Entry:
    model = f"{language}wiki100_20epochs_toks_{thousands}k_cased"
    weights, pieces = f"{model}.pth", f"{language}wiki100-toks-sp{thousands}k-cased.model"
    return Entry(
        name=f"tf2-ulmfit/{name}",
        kind="text",
        loader="tfast.pretrained.text_files",
        files=(weights, pieces),
        addresses={
            weights: f"{_EDRONE}/{model}/fastai_model/{weights}",
            pieces: f"{_EDRONE}/{model}/spm_model/{pieces}",
        },
        result=f"Wikipedia, {thousands},000 pieces, capitals kept",
    )


TEXT_ENTRIES = (
    *(_wt103(direction) for direction in ("fwd", "bwd")),
    *(_fastai_ulmfit(code, way) for code in _PERPLEXITIES for way in ("fwd", "bwd")),
    *(_tf2_ulmfit(*row) for row in _TF2),
)
