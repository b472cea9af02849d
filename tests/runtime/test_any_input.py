"""Whatever is sent, both readers answer, and answer alike where the input can be read."""

import collections
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_fuzz import KINDS, gif_of_many_frames, large_gif, large_png, mutated_image, whole_images
from memory import at_most, needs_proc
from text_fuzz import fuzzed_texts

import tfast.runtime
from tfast.runtime import ImageError
from tfast.vision.images import ImageFolder

# How many the slow tests try, of texts and of images of each kind.
NUM_TEXTS = int(os.environ.get("TFAST_FUZZ_TEXTS", "100000"))
NUM_IMAGES = int(os.environ.get("TFAST_FUZZ_IMAGES", "10000"))
# The same in each run, and no test depends on time.
SOME = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
AnyText = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80).map(str.encode),
    st.text(st.sampled_from("aA!.-/&;# \n'éß\0"), max_size=80).map(str.encode),
)


@pytest.fixture(scope="module")
def texts_at_runtime(text_folder):
    return tfast.runtime.load(text_folder)


@pytest.fixture(scope="module")
def images_at_runtime(image_folder):
    return tfast.runtime.load(image_folder)


def check_texts(texts, saved_texts, classifier):
    saved = saved_texts(texts)["probabilities"].numpy()
    found = classifier.classify(texts).probabilities
    assert np.isfinite(saved).all()
    # Other sums in another order; one other token makes far more of it.
    np.testing.assert_allclose(found, saved, rtol=0, atol=1e-4)


@given(texts=st.lists(AnyText, min_size=1, max_size=8))
@SOME
def test_any_bytes_are_a_text_to_both_readers(texts, saved_texts, texts_at_runtime):
    check_texts(texts, saved_texts, texts_at_runtime)


@pytest.mark.slow
@needs_proc
def test_many_fuzzed_texts_have_the_same_answers(saved_texts, texts_at_runtime):
    check_texts(fuzzed_texts(500, seed=0), saved_texts, texts_at_runtime)
    with at_most(300):
        for seed in range(1, 1 + NUM_TEXTS // 500):
            check_texts(fuzzed_texts(500, seed=1000 + seed), saved_texts, texts_at_runtime)


def check_images(files, good, saved_images, classifier):
    """A batch with a good image in its middle; counts which readers refused how many."""
    alone = saved_images([good])
    saved = saved_images([*files, good])
    errors = saved["errors"].numpy()
    probabilities = saved["probabilities"].numpy()
    assert errors[-1] == b""
    np.testing.assert_allclose(probabilities[-1], alone["probabilities"][0], rtol=0, atol=1e-6)
    sums = probabilities.sum(axis=1)
    np.testing.assert_allclose(sums, np.where(errors == b"", 1, 0), rtol=0, atol=1e-5)
    outcomes = collections.Counter()
    for content, error in zip(files, errors, strict=False):
        try:
            found = classifier.classify([content]).probabilities
            assert np.isfinite(found).all()
            refused = False
        except ImageError:
            refused = True
        outcomes[error != b"", refused] += 1
    return outcomes


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 10**6)), min_size=1, max_size=6))
@SOME
@pytest.mark.filterwarnings("default")  # Pillow warns of much that it reads all the same
def test_mutated_images_fail_alone_or_are_answered(
    saved_images, images_at_runtime, kinds_and_seeds
):
    files = [mutated_image(kind, seed) for kind, seed in kinds_and_seeds]
    check_images(files, whole_images()["PNG"][0], saved_images, images_at_runtime)


@pytest.mark.slow
@needs_proc
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("kind", KINDS)
def test_many_mutated_images_take_no_memory(kind, saved_images, images_at_runtime):
    good, outcomes = whole_images()["JPEG"][0], collections.Counter()
    # An image may have 178,956,970 pixels, and many mutations of a size are allowed.
    with at_most(3000):
        for begin in range(0, NUM_IMAGES, 8):
            files = [mutated_image(kind, seed) for seed in range(begin, begin + 8)]
            outcomes += check_images(files, good, saved_images, images_at_runtime)
    print(f"{kind}: refused by (SavedModel, runtime): {dict(outcomes)}")


@needs_proc
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("make", "is_read"), [(large_png, False), (large_gif, False), (gif_of_many_frames, True)]
)
def test_small_files_that_hold_gigabytes_are_refused_before_they_are_decoded(
    make, is_read, saved_images, images_at_runtime, tmp_path
):
    content, good = make(), whole_images()["PNG"][0]
    assert len(content) < 40_000_000
    for name in ("cat/good.png", "dog/good.png", "dog/odd.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content if "odd" in name else good)
    saved_images([good])
    images_at_runtime.classify([good])
    with at_most(400):
        error = saved_images([content, good])["errors"].numpy()[0].decode()
        if is_read:
            assert error == ""
            assert len(images_at_runtime.classify([content]).labels) == 1
            assert not ImageFolder.read(tmp_path).bad_images
            return
        assert "pixels; the most are 178,956,970" in error
        with pytest.raises(ImageError, match="pixels; the most are 178,956,970"):
            images_at_runtime.classify([content])
        with pytest.warns(UserWarning, match="the most are 178,956,970"):
            bad = ImageFolder.read(tmp_path, on_bad_image="skip").bad_images
        assert len(bad) == 1
