import subprocess
import sys

import pytest

import tfast.runtime

ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras", "lazy_loader", "matplotlib"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import tfast.runtime
from tfast.cli import main
classifier = tfast.runtime.load(sys.argv[1])
assert classifier.check() < 0.01
sys.exit(main(["predict", sys.argv[1], *sys.argv[2:]]))
"""


def test_a_folder_is_read_without_tensorflow(text_folder):
    command = [sys.executable, "-c", ALONE, str(text_folder), "great fun"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"probabilities": {"bad": ' in done.stdout


def test_texts_need_no_pillow(text_folder, image_folder, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("tfast.runtime.image")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    tfast.runtime.load(text_folder)
    with pytest.raises(ImportError, match="image classifiers need `pip install pillow`"):
        tfast.runtime.load(image_folder)


def test_arguments_out_of_range_are_named(text_folder):
    with pytest.raises(ValueError, match="num_threads must be a whole number of at least 1, got 0"):
        tfast.runtime.load(text_folder, num_threads=0)
    with pytest.raises(ValueError, match="most_pixels must be a whole number"):
        tfast.runtime.load(text_folder, most_pixels=0)


def test_more_threads_give_the_same_answers(text_folder):
    texts = ["great fun", "bad " * 30]
    one, two = (tfast.runtime.load(text_folder, num_threads=n).classify(texts) for n in (1, 2))
    assert abs(one.probabilities - two.probabilities).max() < 1e-6
