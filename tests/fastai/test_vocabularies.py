import numpy as np
import pytest

from tfast.fastai.text_models import language_model_from_fastai, language_model_to_fastai
from tfast.fastai.vocabularies import with_special_tokens_first
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS


def next_logits(state, ids):
    return np.asarray(language_model_from_fastai(state).next_logits(np.array(ids))[0])


def test_reordered_model_says_the_same_of_every_word():
    # As the vocabulary of wt103-fwd has it: another order, and no xxeos here.
    words = ["xxunk", "xxpad", "xxbos", "xxfld", "xxmaj", "xxup", "xxrep", "xxwrep", "a", "film"]
    model = LanguageModel(len(words), embed_size=6, hidden_size=8, num_layers=2)
    state = language_model_to_fastai(model)
    state["1.decoder.bias"] = np.arange(len(words), dtype="float32")
    theirs, text = next_logits(state, [[2, 4, 9]]), ["xxbos", "xxmaj", "film"]
    reordered, ours = with_special_tokens_first(state, words)
    assert ours == [*SPECIAL_TOKENS, "a", "film"]
    logits = next_logits(reordered, [[ours.index(word) for word in text]])
    for column, word in enumerate(words):
        np.testing.assert_allclose(logits[0, ours.index(word)], theirs[0, column], rtol=1e-5)


def test_another_number_of_words_is_refused():
    with pytest.raises(ValueError, match=r"rows of 0\.encoder\.weight, \(3,\), got 2"):
        with_special_tokens_first({"0.encoder.weight": np.ones((3, 2))}, ["a", "b"])
