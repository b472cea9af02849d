import json

import pytest
from golden_weights import GOLDEN

from tfast.text.tokenization.sentencepiece_splitter import SentencePieceSplitter
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import load_tokenizer, save_tokenizer

TEXTS = ["Der Film &amp; das Ende", "SO GUT gut gut", "@jane"]


FLAGS = ["apply_rules", "add_start", "add_end", "mark_fields", "split_mentions"]


@pytest.mark.parametrize("flag", FLAGS)
def test_settings_come_back(tmp_path, flag):
    tokenizer = TextTokenizer(**{flag: not getattr(TextTokenizer(), flag)})
    save_tokenizer(tokenizer, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["text_tokenizer.json"]
    loaded = load_tokenizer(tmp_path)
    assert loaded(TEXTS).to_list() == tokenizer(TEXTS).to_list() != TextTokenizer()(TEXTS).to_list()


def test_a_sentencepiece_model_comes_along(tmp_path):
    pytest.importorskip("tensorflow_text")
    splitter = SentencePieceSplitter(GOLDEN / "sentencepiece_de.model")
    tokenizer = TextTokenizer(splitter, add_end=True)
    save_tokenizer(tokenizer, tmp_path)
    assert load_tokenizer(tmp_path)(TEXTS).to_list() == tokenizer(TEXTS).to_list()
    (tmp_path / "sentencepiece.model").unlink()
    with pytest.raises(ValueError, match="there is no such file"):
        load_tokenizer(tmp_path)


def test_a_folder_without_settings_is_of_the_english_tokenizer(tmp_path):
    assert load_tokenizer(tmp_path)(TEXTS).to_list() == TextTokenizer()(TEXTS).to_list()


def test_older_settings_do_not_split_mentions(tmp_path):
    save_tokenizer(TextTokenizer(), tmp_path)
    assert "split_mentions" not in json.loads((tmp_path / "text_tokenizer.json").read_text())
    assert not load_tokenizer(tmp_path).split_mentions


@pytest.mark.parametrize("change", [{"add_end": 1}, {"splitter": "other"}, {"add_start": None}, []])
def test_other_settings_are_refused(tmp_path, change):
    save_tokenizer(TextTokenizer(), tmp_path)
    file = tmp_path / "text_tokenizer.json"
    settings = json.loads(file.read_text())
    file.write_text(json.dumps(settings | change if change else change))
    with pytest.raises(ValueError, match="must be the settings of a tokenizer"):
        load_tokenizer(tmp_path)


def test_tokenizers_of_another_kind_are_not_written(tmp_path):
    class Mine(TextTokenizer):
        pass

    for tokenizer in (str.split, Mine(), TextTokenizer(TextTokenizer())):
        with pytest.raises(ValueError, match="must be a TextTokenizer for English or"):
            save_tokenizer(tokenizer, tmp_path)
    assert not list(tmp_path.iterdir())
