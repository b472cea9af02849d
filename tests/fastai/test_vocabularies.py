import json
import pickle

import numpy as np
import pytest
from pickles import Hostile, dump

from tfast.fastai.text_models import language_model_from_fastai, language_model_to_fastai
from tfast.fastai.vocabularies import load_labels, load_vocabulary, with_special_tokens_first
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.vocabulary import Vocabulary

WORDS = ["xxunk", "xxpad", "xxbos", "film", "\n\n"]


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_language_model_vocabulary_from_pickle(tmp_path, protocol):
    path = dump(tmp_path / "itos.pkl", WORDS, protocol)
    assert load_vocabulary(path) == (WORDS, None)


@pytest.mark.parametrize("protocol", [2, 4])
def test_classifier_vocabulary_from_pickle(tmp_path, fastai_classes, protocol):
    make_l, make_category_map = fastai_classes
    value = make_l([WORDS, make_category_map(["neg", "pos"])])
    path = dump(tmp_path / "vocab.pkl", value, protocol)
    assert load_vocabulary(path) == (WORDS, ["neg", "pos"])


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([0, 1], ["0", "1"]),
        ([False, True], ["False", "True"]),
        (["neg", "pos"], ["neg", "pos"]),
    ],
)
def test_labels_of_any_plain_kind(tmp_path, fastai_classes, protocol, items, expected):
    make_l, make_category_map = fastai_classes
    for add_na in (False, True):
        labels = make_category_map(items, add_na=add_na)
        path = dump(tmp_path / "labels.pkl", labels, protocol)
        assert load_labels(path) == ["#na#"] * add_na + expected
        path = dump(tmp_path / "vocab.pkl", make_l([WORDS, labels]), protocol)
        assert load_vocabulary(path) == (WORDS, ["#na#"] * add_na + expected)


@pytest.mark.parametrize("items", [[0, 257], [False, True], ["neg", "positive"]])
def test_labels_that_numpy_keeps(tmp_path, fastai_classes, items):
    _, make_category_map = fastai_classes
    path = dump(tmp_path / "labels.pkl", make_category_map(list(np.array(items))))
    assert load_labels(path) == [str(item) for item in items]


def test_labels_that_are_neither_text_nor_whole_numbers_are_named(tmp_path, fastai_classes):
    _, make_category_map = fastai_classes
    for items in ([0.5, 1.0], list(np.array([0.5])), [("a",)], [None]):
        with pytest.raises(ValueError, match="expected labels to be text or whole numbers"):
            load_labels(dump(tmp_path / "labels.pkl", make_category_map(items)))


def test_a_list_that_holds_itself_is_refused(tmp_path):
    endless = ["film"]
    endless.append(endless)
    with pytest.raises(ValueError, match=r"itos\.pkl"):
        load_vocabulary(dump(tmp_path / "itos.pkl", endless))


def test_lines_of_text_end_with_a_line_feed_only(tmp_path):
    words = ["a\x85b", "a\u2028b", "a\x0bb", "\\n"]
    (tmp_path / "a.txt").write_bytes("\n".join(words).encode())
    assert load_vocabulary(tmp_path / "a.txt")[0] == words
    (tmp_path / "a.txt").write_bytes(b"xxunk\r\nfilm\r\n")
    assert load_vocabulary(tmp_path / "a.txt")[0] == ["xxunk", "film"]
    (tmp_path / "a.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"a\.txt: not readable text"):
        load_vocabulary(tmp_path / "a.txt")


def test_our_own_vocabulary_is_read_with_its_escapes(tmp_path):
    words = [*SPECIAL_TOKENS, "\n\n", "a b", "\\n", "film"]
    Vocabulary(words).save(tmp_path / "vocabulary.txt")
    assert load_vocabulary(tmp_path / "vocabulary.txt") == (words, None)


def test_vocabulary_from_json_and_text(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([WORDS, ["neg", "pos"]]))
    assert load_vocabulary(tmp_path / "a.json") == (WORDS, ["neg", "pos"])
    (tmp_path / "a.txt").write_text("xxunk\nfilm\n")
    assert load_vocabulary(tmp_path / "a.txt") == (["xxunk", "film"], None)


def test_repeated_fillers_become_distinct(tmp_path):
    path = dump(tmp_path / "itos.pkl", ["film", "xxfake", "xxfake", "xxfake1", "xxfake"])
    assert load_vocabulary(path)[0] == ["film", "xxfake", "xxfake2", "xxfake1", "xxfake3"]


def test_another_repeated_word_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be distinct, got 'film' twice"):
        load_vocabulary(dump(tmp_path / "itos.pkl", ["film", "film"]))


def test_hostile_vocabulary_is_refused_and_runs_nothing(tmp_path):
    target = tmp_path / "made"
    path = dump(tmp_path / "itos.pkl", [WORDS, Hostile(target)])
    with pytest.raises(ValueError, match="mkdir"):
        load_vocabulary(path)
    assert not target.exists()
    pickle.loads(path.read_bytes())  # the file is really hostile
    assert target.exists()


@pytest.mark.parametrize(
    "attack",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cfastcore.foundation\nL.__init__.__globals__\n.",
        b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.",
        b"P0\n.",  # a persistent object
        b"cnumpy._core.multiarray\nscalar\n)R.",  # a scalar of nothing
        b"\x80\x04\x95garbage",
        b"",
    ],
)
def test_other_pickles_are_refused(tmp_path, attack):
    path = tmp_path / "itos.pkl"
    path.write_bytes(attack)
    with pytest.raises(ValueError, match=r"itos\.pkl"):
        load_vocabulary(path)


def test_values_that_are_not_words_are_named(tmp_path):
    with pytest.raises(ValueError, match="got 3"):
        load_vocabulary(dump(tmp_path / "itos.pkl", ["film", 3]))
    with pytest.raises(ValueError, match="expected a list of words, got dict"):
        load_vocabulary(dump(tmp_path / "itos.pkl", {"film": 3}))


@pytest.mark.parametrize("name", ["labels.txt", "labels.json", "LABELS.TXT"])
def test_a_byte_order_mark_is_no_part_of_the_first_label(tmp_path, name):
    content = '["cat", "dog"]' if name.endswith("json") else "cat\ndog\n"
    (tmp_path / name).write_text(content, encoding="utf-8-sig")
    assert load_labels(tmp_path / name) == ["cat", "dog"]


def test_a_byte_order_mark_leaves_the_escapes_of_our_own_vocabulary(tmp_path):
    words = [*SPECIAL_TOKENS, "\n\n", "film"]
    Vocabulary(words).save(tmp_path / "v.txt")
    content = (tmp_path / "v.txt").read_bytes()
    (tmp_path / "v.txt").write_bytes(b"\xef\xbb\xbf" + content)
    assert load_vocabulary(tmp_path / "v.txt")[0] == words


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.json", b"[" * 100_000 + b"]" * 100_000, "got lists in lists"),
        ("v.json", b'["film", "\\ud800"]', "valid Unicode"),
        ("v.json", b"[" + b"1" * 5000 + b"]", "not readable JSON"),
        ("v.json", b"[]", "got an empty one"),
        ("v.pkl", pickle.dumps(["film", "\ud800"]), "valid Unicode"),
        ("v.pkl", b"]" * 50_000 + b"a" * 49_999 + b".", "got lists in lists"),
        ("v.pkl", b"Nr\xff\xff\xff\x7f.", "not a readable pickle: memo number 2147483647"),
        ("v.pkl", b"Np999999999\n.", "not a readable pickle: memo number 999999999"),
        ("v.txt", "\ud800".encode("utf-8", "surrogatepass"), "not readable text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_odd_files_are_refused_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_vocabulary(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_lists_that_a_pickle_nests_without_end_take_no_memory(tmp_path):
    nested = ["film"]
    for _ in range(40):
        nested = [nested, nested]  # 2**40 words, if each were written out
    path = dump(tmp_path / "v.pkl", nested)
    assert path.stat().st_size < 1000
    for load in (load_vocabulary, load_labels):
        with pytest.raises(ValueError, match=r"expected (words|labels) to be text") as caught:
            load(path)
        assert len(str(caught.value)) < 500


def test_many_fillers_are_renamed_in_one_pass(tmp_path):
    words = load_vocabulary(dump(tmp_path / "v.pkl", ["xxfake"] * 50_000))[0]
    assert words[-1] == "xxfake49999"


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


def test_tensors_that_are_no_numbers_are_refused():
    for odd in (np.array(["a", "b"]), np.array([1j, 2]), np.array(["2020-01-01"] * 2, "M8[D]")):
        with pytest.raises(ValueError, match=r"0\.encoder\.weight has dtype"):
            with_special_tokens_first({"0.encoder.weight": odd}, ["a", "b"])
    with pytest.raises(ValueError, match=r"rows of 1\.decoder\.bias, \(\), got 2"):
        with_special_tokens_first({"1.decoder.bias": np.float32(1)}, ["a", "b"])
