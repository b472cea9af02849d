import pytest
from fastai_archives import WORDS, state_dict
from golden_weights import golden_json, golden_state_dict

from tfast.pretrained.language_models import read_text_model, without_piece_marks
from tfast.pretrained.sources import FolderSource


def test_a_classifier_has_the_labels_of_its_vocabulary(tmp_path):
    state = golden_state_dict(golden_json("fastai_numerics.json")["classifier"]["keys"])
    file = tmp_path / "vocab.json"
    words = [f"word{i}" for i in range(len(state["0.module.encoder.weight"]))]
    file.write_text(str([words, ["bad", "good", "neither"]]).replace("'", '"'))
    loaded = read_text_model(
        FolderSource(tmp_path), state, vocabulary=file, sentencepiece=None, reverse=False
    )
    assert loaded.class_names == ("bad", "good", "neither")
    assert loaded.vocabulary.words[9:11] == ("word0", "word1")
    assert loaded.provenance.notes == (
        "xxunk xxpad xxbos xxeos xxfld xxrep xxwrep xxup xxmaj have the mean row: the weights do "
        "not know them",
    )


def test_other_kinds_of_models_are_refused(tmp_path):
    encoder = {k[2:]: v for k, v in state_dict().items() if k.startswith("0.")}
    with pytest.raises(ValueError, match="must be a text model, got encoder"):
        read_text_model(
            FolderSource(tmp_path), encoder, vocabulary=None, sentencepiece=None, reverse=False
        )


def test_words_without_pieces_keep_their_names():
    assert without_piece_marks(WORDS) == WORDS


def test_only_what_rules_write_changes_its_name():
    words = ["xxunk", "xxpad", "xxmaj", "▁xxmaj", "▁xxunk", "▁xxpad", "▁xxup", "▁xx"]
    renamed = ["xxunk", "xxpad", "▁xxmaj", "xxmaj", "▁xxunk", "▁xxpad", "xxup", "▁xx"]
    assert without_piece_marks(words) == renamed
