import pytest

from tfast.runtime.errors import FolderError
from tfast.runtime.vocabulary import PADDING_ID, UNKNOWN_ID, read_vocabulary
from tfast.text.tokenization import special_tokens
from tfast.text.vocabulary import Vocabulary

WORDS = ["a", "\n", "\\", "\\n", " ", "\u200b", "😀", "é", "\U000e0001", "\r", "\x85", "x y"]


def test_what_a_vocabulary_writes_is_read(tmp_path):
    vocabulary = Vocabulary([*special_tokens.SPECIAL_TOKENS, *WORDS])
    vocabulary.save(tmp_path / "vocabulary.txt")
    ids = read_vocabulary(tmp_path / "vocabulary.txt")
    assert list(ids) == list(vocabulary.words)
    assert list(ids.values()) == list(range(len(vocabulary)))
    assert (UNKNOWN_ID, PADDING_ID) == (special_tokens.UNKNOWN_ID, special_tokens.PADDING_ID)


@pytest.mark.parametrize("lines", [["a"], [*special_tokens.SPECIAL_TOKENS, "a", "a"], []])
def test_another_file_is_no_vocabulary(tmp_path, lines):
    (tmp_path / "vocabulary.txt").write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(FolderError, match="is no vocabulary"):
        read_vocabulary(tmp_path / "vocabulary.txt")
