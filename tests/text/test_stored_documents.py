import numpy as np
import pytest
import tensorflow as tf

from tfast.text.documents import look_up
from tfast.text.stored_documents import (
    describe_files,
    is_store_of,
    open_stored_documents,
    store_documents,
)
from tfast.text.tokenization import token_batches
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.vocabulary import Vocabulary

TEXTS = ["a film a film", "a book", "one <br /> more", "Zebra film"]


@pytest.mark.parametrize("max_size", [12, 60_000])
def test_ids_and_vocabulary_are_those_of_the_lookup_in_memory(tmp_path, max_size):
    options = {"max_size": max_size, "min_frequency": 1}
    vocabulary, documents = look_up(
        {"train": TEXTS[:3], "valid": TEXTS[3:]}, counted=["train"], **options
    )
    stored = store_documents(iter(TEXTS), tmp_path / "ids", held_out=1, **options)
    assert stored.vocabulary == vocabulary
    assert stored.select(0, 3).read().tolist() == documents["train"].flat_values.numpy().tolist()
    assert stored.select(3, 4).read().tolist() == documents["valid"].flat_values.numpy().tolist()
    assert not list(tmp_path.glob(".*"))


def test_known_words_keep_their_ids_and_new_ones_come_after_them(tmp_path):
    known = Vocabulary.from_counts({b"film": 2, b"unseen": 2})
    options = {"held_out": 1, "known": known, "min_frequency": 1}
    more = store_documents(TEXTS, tmp_path / "more", max_size=1, **options)
    assert more.vocabulary.words[: len(known)] == known.words
    assert more.vocabulary.words[len(known)] == "a"
    assert "book" not in more.vocabulary.words
    assert more.read()[:3].tolist() == [2, len(known), known.words.index("film")]
    odd = Vocabulary([*SPECIAL_TOKENS, "film"])  # pieces: no word more, and no filler
    same = store_documents(TEXTS, tmp_path / "same", max_size=0, **options | {"known": odd})
    assert same.vocabulary == odd
    assert open_stored_documents(tmp_path / "same").read()[:3].tolist() == [2, 0, 9]


def test_they_are_opened_again_without_the_texts(tmp_path):
    stored = store_documents(TEXTS, tmp_path / "ids", held_out=0, description={"files": ["a"]})
    again = open_stored_documents(tmp_path / "ids")
    np.testing.assert_array_equal(again.read(), stored.read())
    assert again.ids.dtype == "uint16"
    assert is_store_of(tmp_path / "ids", {"files": ("a",)})
    assert not is_store_of(tmp_path / "ids", {"files": ("b",)})
    with pytest.raises(ValueError, match="exists"):
        store_documents(TEXTS, tmp_path / "ids", held_out=0)


def test_ids_do_not_depend_on_how_many_texts_are_tokenized_at_a_time(tmp_path, monkeypatch):
    options = {"held_out": 1, "min_frequency": 1}
    together = store_documents(TEXTS, tmp_path / "together", **options)
    monkeypatch.setattr(token_batches, "MOST_CHARACTERS", 1)
    alone = store_documents(TEXTS, tmp_path / "alone", **options)
    assert alone.vocabulary.words == together.vocabulary.words
    np.testing.assert_array_equal(alone.read(), together.read())
    np.testing.assert_array_equal(alone.starts, together.starts)


def test_files_are_described_by_what_they_hold_wherever_they_lie(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder / "inner").mkdir(parents=True)
        (tmp_path / folder / "inner" / "a.txt").write_text("a film")
        (tmp_path / folder / "b.txt").write_text("a book")
    here, there = tmp_path / "here", tmp_path / "there"
    described = describe_files([here, here / "b.txt"])
    assert described["files"] == [("b.txt", 6), ("a.txt", 6), ("b.txt", 6)]
    assert describe_files([there, there / "b.txt"]) == described
    (there / "b.txt").write_text("a play")
    other = describe_files([there, there / "b.txt"])
    assert other["files"] == described["files"]
    assert other["sha256"] != described["sha256"]


def test_a_folder_is_not_described_as_the_file_in_it_nor_as_another_order(tmp_path):
    (tmp_path / "a.txt").write_text("a film")
    digests = {describe_files([path])["sha256"] for path in (tmp_path, tmp_path / "a.txt")}
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    digests.add(describe_files([tmp_path])["sha256"])
    assert len(digests) == 3


def test_a_store_without_a_digest_will_do_only_where_none_is_needed(tmp_path):
    store_documents(TEXTS, tmp_path / "old", held_out=0, description={"valid": 1})
    store_documents(TEXTS, tmp_path / "new", held_out=0, description={"valid": 1, "sha256": "00"})
    now = {"valid": 1, "sha256": "ff"}
    assert not is_store_of(tmp_path / "old", now)
    assert is_store_of(tmp_path / "old", now, digest_needed=False)
    assert not is_store_of(tmp_path / "old", now | {"valid": 2}, digest_needed=False)
    assert not is_store_of(tmp_path / "new", now, digest_needed=False)


def test_large_vocabularies_have_wider_ids(tmp_path):
    words = " ".join(f"q{number}" for number in range(66_000))
    stored = store_documents(
        [words],
        tmp_path / "a",
        held_out=0,
        min_frequency=1,
        max_size=70_000,
        tokenizer=tf.strings.split,
    )
    assert stored.ids.dtype == "int32"
    assert len(stored.vocabulary) > 66_000
    assert stored.read().max() > 66_000


def test_a_store_in_part_is_refused(tmp_path):
    store_documents(TEXTS, tmp_path / "ids", held_out=0)
    ids = tmp_path / "ids" / "ids"
    ids.write_bytes(ids.read_bytes()[:-2])
    with pytest.raises(ValueError, match=r"ids must have \d+ ids, got \d+"):
        open_stored_documents(tmp_path / "ids")
    ids.unlink()
    with pytest.raises(ValueError, match="holds no stored documents"):
        open_stored_documents(tmp_path / "ids")


def test_a_text_that_cannot_be_read_leaves_nothing(tmp_path):
    def texts():
        yield "a film"
        raise RuntimeError("broken")

    with pytest.raises(Exception, match="broken"):
        store_documents(texts(), tmp_path / "ids", held_out=0)
    assert not list(tmp_path.iterdir())


def test_too_few_texts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="texts must be more than the 4 held out, got 4"):
        store_documents(TEXTS, tmp_path / "ids", held_out=4)
    assert not list(tmp_path.iterdir())
