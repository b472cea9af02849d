"""All but SentencePiece, in a process in which TensorFlow Text cannot be imported."""

import subprocess
import sys
from pathlib import Path

CODE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow_text":
            raise ImportError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Blocked())
folder, model = sys.argv[1:]

import pathlib

import numpy as np
import tensorflow as tf
import tfast
from tfast.pretrained import ENTRIES, ModelCard, load, publish
from tfast.recipes import UlmfitRecipe
from tfast.recipes import ulmfit_outputs, ulmfit_preparation, ulmfit_training
from tfast.text import LanguageModel, SentencePieceSplitter, TextTokenizer, Vocabulary
from tfast.vision import ImagePreprocessing, xresnet

tfast.saving.register()
for package in (tfast.vision, tfast.text, tfast.training, tfast.fastai, tfast.pretrained):
    for name in package.__all__:
        getattr(package, name)

# Images: a network, from its own preprocessing.
network = xresnet.xresnet(2, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
pixels = ImagePreprocessing()(np.zeros((1, 20, 30, 3), "uint8"), 16)
assert network(pixels).shape == (1, 2)

# English texts: tokens, ids, a model, saved and loaded with its tokenizer.
tokenizer = TextTokenizer()
vocabulary = Vocabulary.from_tokens([tokenizer(["A good film"] * 2)])
ids = vocabulary.encode(tokenizer(["A GOOD film!"])).to_tensor()
language_model = LanguageModel(len(vocabulary), embed_size=4, hidden_size=6, num_layers=1)
card = ModelCard(title="Toy", data="none", licence=None)
publish(language_model, folder, card, tokenizer=tokenizer, vocabulary=vocabulary)
loaded = load(folder)
assert loaded.tokenizer(["It's"]).to_list() == [[b"xxbos", b"xxmaj", b"it", b"'s"]]
np.testing.assert_allclose(
    loaded.model.next_logits(ids)[0], language_model.next_logits(ids)[0], rtol=1e-6
)

# SentencePiece says what is missing.
try:
    SentencePieceSplitter(model)
except ImportError as error:
    assert "pip install tensorflow-text" in str(error), error
else:
    raise AssertionError("SentencePiece without TensorFlow Text")
assert "tensorflow_text" not in sys.modules
print("all of it works")
"""


def test_all_but_sentencepiece_works(tmp_path):
    model = Path(__file__).parent / "golden" / "sentencepiece_de.model"
    result = subprocess.run(
        [sys.executable, "-c", CODE, tmp_path / "published", model],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.strip() == "all of it works"
