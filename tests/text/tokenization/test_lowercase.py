import itertools
import os
import subprocess
import sys

import pytest
import tensorflow as tf
from checks import check_text_op

from tfast.text.tokenization.lowercase import lower

CHARACTERS = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]


def lowered(*texts):
    return [text.decode() for text in lower(tf.constant(texts, tf.string)).numpy()]


def test_every_character_is_lowered_as_python_does():
    assert lowered(*CHARACTERS) == [character.lower() for character in CHARACTERS]


def test_a_sigma_that_ends_a_word_is_final_as_in_python():
    # Letters, a modifier that is both cased and ignorable, ignorable marks, and what ends words.
    words = ["".join(some) for some in itertools.product("ΣAʰ'.1 ", repeat=5) if "Σ" in some]
    assert lowered(*words) == [word.lower() for word in words]
    assert lowered("ΟΔΟΣ ΟΔΟΣ. ΣΑΣ") == ["οδος οδος. σας"]


def test_no_operation_looks_at_the_locale():
    graph = tf.function(lower).get_concrete_function(tf.TensorSpec([None], tf.string)).graph
    operations = [operation for operation in graph.get_operations() if "Lower" in operation.type]
    encodings = [o.get_attr("encoding") for o in operations if o.type == "StringLower"]
    assert encodings == [b""]


@pytest.mark.slow
def test_a_turkish_server_gives_the_same_lower_case():
    code = (
        "import tensorflow as tf\nfrom tfast.text.tokenization.lowercase import lower\n"
        "print(ascii(lower(tf.constant(['TITLE \u0130\u00c9'])).numpy()[0].decode()))"
    )
    environment = os.environ | {"LC_ALL": "tr_TR.UTF-8"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ascii("title i\u0307\u00e9")


def test_lower_case_comes_from_a_saved_model_too(tmp_path):
    check_text_op(lower, ["", "Σ", "ÀΣ\0É", "plain"], tmp_path=tmp_path)
