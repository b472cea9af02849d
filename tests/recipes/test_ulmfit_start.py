import pytest
import tensorflow as tf
from fastai_archives import fastai_ulmfit, tf2_ulmfit, wt103
from small_data import TINY_TEXTS

from tfast.recipes import InputError, UlmfitRecipe
from tfast.recipes.ulmfit_start import backward_name
from tfast.text.tokenization.tokenizer_files import load_tokenizer
from tfast.text.vocabulary import Vocabulary

SETTINGS = {k: v for k, v in TINY_TEXTS.items() if k not in UlmfitRecipe.of_new_models}
SETTINGS |= {"text_column": "review", "label_column": "stars"}
SETTINGS |= {"epochs": (1,), "learning_rates": (0.02,)}


def recipe_for(reviews, pretrained, **settings):
    return UlmfitRecipe(data=reviews, pretrained=pretrained, **(SETTINGS | settings))


def lay(archive, keras_home, name):
    folder = keras_home / "tfast" / name
    folder.mkdir(parents=True)
    return archive.rename(folder / archive.name)


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_published_weights_of_both_directions_come_by_name(reviews, tmp_path, keras_home):
    lay(wt103(tmp_path), keras_home, "fastai/wt103-fwd")
    (tmp_path / "scratch").rename(tmp_path / "old")
    lay(wt103(tmp_path, "bwd"), keras_home, "fastai/wt103-bwd")
    recipe = recipe_for(reviews, "fastai/wt103-fwd", backward=True)
    prepared = recipe.prepare(tmp_path / "run")
    assert set(prepared.pretrained) == {False, True}
    assert prepared.settings["pretrained"] == "fastai/wt103-fwd"
    assert [set(one) for one in prepared.settings["pretrained_files"]] == [
        {"wt103-fwd.tgz"},
        {"wt103-bwd.tgz"},
    ]
    assert prepared.provenance[1].source.endswith("wt103-bwd.tgz")
    # English words: the corpus has its own.
    assert "superb" in prepared.vocabulary.words
    assert load_tokenizer(tmp_path / "run").splitter == "english"


@pytest.mark.slow
def test_a_sentencepiece_model_keeps_its_vocabulary_and_is_served(reviews, tmp_path):
    pytest.importorskip("tensorflow_text")
    recipe = recipe_for(reviews, fastai_ulmfit(tmp_path))
    result = recipe.run(tmp_path / "run")
    vocabulary = Vocabulary.load(tmp_path / "run" / "vocabulary.txt")
    assert result["vocabulary"] == len(vocabulary) == 50
    assert "superb" not in vocabulary.words
    assert list(result["pretrained"][0]["sha256"]) == ["dewiki.tgz"]
    assert load_tokenizer(tmp_path / "run")(["Der Film"]).to_list()[0][:2] == [b"xxbos", b"xxmaj"]
    serve = tf.saved_model.load(str(tmp_path / "run" / "saved_model")).signatures["serving_default"]
    assert serve(text=tf.constant(["Der Film"]))["probabilities"].shape == (1, 2)
    # The run's own language model starts another run, with the same pieces.
    again = recipe_for(reviews, tmp_path / "run" / "language_model.keras")
    prepared = again.prepare(tmp_path / "again")
    assert prepared.vocabulary == vocabulary
    assert prepared.documents["train"].to_list()


def test_a_text_as_it_is_ends_with_an_end(reviews, tmp_path):
    pytest.importorskip("tensorflow_text")
    tf2_ulmfit(tmp_path)
    prepared = recipe_for(reviews, tmp_path / "w.pth").prepare(tmp_path / "run")
    assert {ids[-1] for ids in prepared.documents["train"].to_list()} == {3}


@pytest.mark.parametrize(
    ("direction", "settings", "message"),
    [
        ("bwd", {}, "must be a forward model here, got a backward one"),
        ("fwd", {"backward": True}, r"wt103-bwd\.tgz"),
    ],
)
def test_a_model_of_the_wrong_direction_is_refused(reviews, tmp_path, direction, settings, message):
    recipe = recipe_for(reviews, wt103(tmp_path, direction), **settings)
    with pytest.raises(InputError, match=message):
        recipe.prepare(tmp_path / "run")


def test_weights_that_are_not_here_say_where_they_are(reviews, tmp_path, keras_home):
    with pytest.raises(InputError, match="fetch it with download=True"):
        recipe_for(reviews, "fastai/wt103-fwd").prepare(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_not_there_is_named(reviews, tmp_path):
    with pytest.raises(InputError, match="must be a file or folder"):
        recipe_for(reviews, tmp_path / "nothing.pth").prepare(tmp_path / "run")


def test_no_backward_model_belongs_to_most():
    with pytest.raises(ValueError, match="no backward model belongs to tf2-ulmfit/pl"):
        backward_name("tf2-ulmfit/pl")
