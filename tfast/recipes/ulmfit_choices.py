"""What a ULMFiT run leaves open until its texts are read: where it starts, and how it trains."""

import dataclasses
from typing import Any

from tfast.pretrained.bundled import WEIGHTS
from tfast.recipes.ulmfit_recipe import UlmfitRecipe
from tfast.text.corpora import Corpus
from tfast.text.languages import known_share
from tfast.text.vocabulary import read_words

ENGLISH = "tfast/english"
# Between what `known_share` found of English texts and of others.
_LEAST_KNOWN = 0.6
_LOOKED_AT = 1000


def choose(recipe: UlmfitRecipe, corpus: Corpus) -> UlmfitRecipe:
    """The recipe with nothing left open.

    Where its `pretrained` is "auto", a line says what the run starts from and why. What other
    settings it leaves to be chosen come from `after_pretraining`, or are those of a new model.
    """
    start = recipe.pretrained
    if start == "auto":
        start, why = _find_start(recipe, corpus)
        print(f"The language model starts {f'from {start}' if start else 'new'}: {why}", flush=True)
    if start is None:  # a vocabulary too small for it shows here
        return dataclasses.replace(recipe, pretrained=None)
    numbers = len(corpus.train), len(corpus.unlabelled)
    chosen = after_pretraining(*numbers, fine_tune=_fine_tunes(recipe))
    if recipe.fine_tune is None and not chosen["fine_tune"]:
        _say_it_is_regression(recipe, corpus)
    tokens = (recipe.lm_batch_size or chosen["lm_batch_size"]) * recipe.window
    chosen["lm_candidates"] = max(tokens, chosen["lm_candidates"])
    still_open = {name: value for name, value in chosen.items() if getattr(recipe, name) is None}
    _say_what_has_no_effect(recipe, still_open)
    return dataclasses.replace(recipe, pretrained=start, **still_open)


def after_pretraining(
    num_labelled: int, num_unlabelled: int = 0, *, fine_tune: bool | None = None
) -> dict[str, Any]:
    """How to train on from a language model that has read far more.

    With fewer than 1,000 labels the encoder stays as it is, and logistic regression is the head: it
    took seconds in place of minutes, and blended with TF-IDF it gave between 0.4 points less and
    0.5 more than what had been fine-tuned at lower rates (of 2,000 sentences fine-tuning gave a
    point more). Where it is fine-tuned all the same: the fewer labels there are, the more often
    each is learned from, and the smaller are the batches, so that there are enough steps. All
    layers learn at one rate: with half the first rate and each layer 1.5 times slower than the
    next, 2,000 sentences had 2.2 points fewer (three draws), 2,000 reviews 0.2 (one).

    The language model is trained on where the encoder is fine-tuned and there are texts without
    labels; on the labelled ones alone it lost 0.2 points with 500 sentences and gained 0.4 with
    2,000 reviews, which took twice as long (one seed each). For a regression it is not: with 100
    and 500 labels the blend gained 0.1 points (film sentences and editorials, mean of 12 draws),
    which took minutes; 10,000 reviews take half an hour.

    Args:
        num_labelled: training texts with labels.
        num_unlabelled: further texts of their kind.
        fine_tune: whether the encoder is trained for the classes; None where that is to be chosen.

    Returns:
        Settings of a `UlmfitRecipe` by name.

    Examples:
        >>> after_pretraining(100)["fine_tune"], after_pretraining(2000)["fine_tune"]
        (False, True)
        >>> after_pretraining(100, 5000)["lm_epochs"], after_pretraining(2000, 5000)["lm_epochs"]
        (0, 1)
    """
    if fine_tune is None:
        fine_tune = num_labelled >= 1000
    epochs = (5, 10) if num_labelled < 200 else (2, 6) if num_labelled < 1000 else (1, 3)
    return {
        "lm_epochs": 1 if fine_tune and num_unlabelled else 0,
        "lm_learning_rate": 5e-3,
        "lm_drop_mult": 0.3,
        "lm_batch_size": 32,
        "lm_candidates": 4480,
        "fine_tune": fine_tune,
        "epochs": epochs,
        "learning_rates": (2e-2, 5e-3),
        "drop_mult": 0.5,
        "slower_by": 1.0,
        "batch_size": 16 if num_labelled < 1000 else 32,
    }


def _fine_tunes(recipe: UlmfitRecipe) -> bool | None:
    """What is asked for; None where the number of labels is to decide."""
    if recipe.fine_tune is not None:
        return recipe.fine_tune
    given = (recipe.epochs, recipe.drop_mult, recipe.slower_by)
    is_asked = any(value is not None for value in given)
    return True if is_asked else None


def _say_it_is_regression(recipe: UlmfitRecipe, corpus: Corpus) -> None:
    print(
        "The classifier is logistic regression on the language model's outputs: "
        f"{len(corpus.train):,} training texts are few; --fine-tune trains all layers",
        flush=True,
    )
    if len(corpus.unlabelled) and recipe.lm_epochs is None:
        print(
            "The language model does not read the texts without labels, which takes longer and "
            "rarely helps so few labels; --lm-epochs 1 trains it on them",
            flush=True,
        )


def _say_what_has_no_effect(recipe: UlmfitRecipe, chosen: dict[str, Any]) -> None:
    trainings = {
        ("fine_tune", "--fine-tune"): ("epochs", "learning_rates", "drop_mult", "slower_by"),
        ("lm_epochs", "--lm-epochs 1"): ("lm_learning_rate", "lm_drop_mult", "lm_batch_size"),
    }
    for (name, option), settings in trainings.items():
        given = [setting for setting in settings if setting not in chosen]
        if given and not chosen.get(name, getattr(recipe, name)):
            options = ", ".join(f"--{setting.replace('_', '-')}" for setting in given)
            print(f"{options}: no effect without {option}", flush=True)


def _find_start(recipe: UlmfitRecipe, corpus: Corpus) -> tuple[str | None, str]:
    """The name of the model to start from, or None; and the reason."""
    if recipe.describes_new_model:
        return None, "the settings describe it"
    words_file = WEIGHTS / "english" / "vocabulary.txt"
    if not words_file.exists():
        return None, f"this installation of tfast is without {ENGLISH}"
    words = frozenset(read_words(words_file))
    share = known_share(corpus.train.texts[:_LOOKED_AT], words)
    looks = f"{ENGLISH} knows {share:.0%} of the words of four letters and more"
    if share < _LEAST_KNOWN:
        return None, f"the texts do not look English, {looks}; --pretrained NAME says otherwise"
    if recipe.backward:
        return None, f"{ENGLISH} does not read backwards"
    return ENGLISH, f"the texts look English, {looks}; --pretrained none starts new"
