import numpy as np
import pytest
import tensorflow as tf

from tfast.export.portable.image_examples import ImageExamples
from tfast.vision.preprocessing import ImagePreprocessing

PREPROCESSING = ImagePreprocessing(crop_ratio=1.0)
SIZE = (8, 10)


def plain(level, sides=SIZE):
    return np.full((*sides, 3), level, "uint8")


def make(examples, *, is_measured=False):
    return ImageExamples(examples, PREPROCESSING, SIZE, is_measured=is_measured)


def levels(pixels):
    return pixels[:, 0, 0, 0].tolist()


def test_no_image_is_both_measured_and_compared():
    examples = make([plain(level) for level in range(12)], is_measured=True)
    assert levels(examples.compared) == [0, 5, 10]
    assert levels(examples.measured) == [1, 2, 3, 4, 6, 7, 8, 9, 11]


def test_noise_is_never_measured():
    examples = make([plain(1), plain(2)], is_measured=True)
    assert levels(examples.compared) == [1]
    assert levels(examples.measured) == [2]
    assert len(examples.kept) == 5


def test_all_are_compared_where_nothing_is_measured():
    examples = make([plain(level) for level in range(7)])
    assert levels(examples.compared) == list(range(7))
    assert len(examples.measured) == 0


def test_without_examples_there_is_noise_of_other_sides():
    examples = make(None)
    assert examples.compared.shape == (5, *SIZE, 3)
    assert len({tf.io.decode_image(content).shape for content in examples.kept}) == 5
    assert examples.compared.std() > 20


def test_files_contents_and_arrays_are_the_same(tmp_path):
    content = tf.io.encode_png(plain(77, (20, 30))).numpy()
    (tmp_path / "one.png").write_bytes(content)
    examples = make([content, tmp_path / "one.png", str(tmp_path / "one.png"), plain(77)])
    assert levels(examples.compared)[:4] == [77] * 4


def test_kept_pixels_are_those_of_the_kept_files():
    random = np.random.RandomState(0).randint(0, 256, (5, 400, 300, 3)).astype("uint8")
    examples = make(list(random))
    assert all(len(content) < 2**16 for content in examples.kept)
    for content, pixels in zip(examples.kept, examples.kept_pixels, strict=True):
        again = make([content]).compared[0]
        assert np.abs(again - pixels).max() <= 0.5


@pytest.mark.parametrize(("examples", "got"), [(None, "None"), ([], "0"), ([plain(1)], "1")])
def test_too_few_to_measure_are_refused(examples, got):
    with pytest.raises(ValueError, match=f"two images or more .*, got {got}"):
        make(examples, is_measured=True)


@pytest.mark.parametrize("examples", ["one.png", b"content"])
def test_a_single_image_is_no_list(examples):
    with pytest.raises(ValueError, match="examples must be a list of images"):
        make(examples)


@pytest.mark.parametrize("array", [plain(1)[..., 0], plain(1).astype("float32"), plain(1)[..., :2]])
def test_arrays_of_another_kind_are_refused_with_their_index(array):
    with pytest.raises(ValueError, match=r"examples\[1\] must be uint8"):
        make([plain(0), array])
