"""Swift called from Python, against tfast's own mixup and text rule."""

import random

import numpy as np
import pytest
import tensorflow as tf
from swift_kernels import SwiftKernels, load_mixup_operation

from tfast.text.tokenization.repetitions import mark_character_runs
from tfast.vision.mixup import blend_examples, draw_mix

pytestmark = pytest.mark.swift


@pytest.fixture(scope="session")
def kernels(swift_package):
    return SwiftKernels(swift_package)


@pytest.fixture(scope="session")
def mixup_operation(swift_package):
    return load_mixup_operation(swift_package)


def make_batch(shape=(6, 5, 4, 3), dtype="float32"):
    images = np.random.default_rng(0).random(shape).astype(dtype)
    weights, partners = draw_mix(shape[0], 0.4, seed=[1, 2])
    labels = tf.zeros((shape[0], 1))
    expected, _ = blend_examples(images, labels, weights, partners)
    return images, partners.numpy(), weights.numpy(), expected.numpy()


@pytest.mark.parametrize(
    "configuration", ["release", pytest.param("debug", marks=pytest.mark.slow)]
)
def test_swift_tests_pass(swift_tests, configuration):
    swift_tests("TfastKernelsTests", configuration)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (3, 7), (4,)])
def test_blend_is_that_of_tfast(kernels, shape, dtype):
    images, partners, weights, expected = make_batch(shape, dtype)
    blended = kernels.blend(images, partners, weights)
    assert blended.dtype == dtype
    # XLA multiplies and adds in one rounding, Swift in two.
    np.testing.assert_allclose(blended, expected, rtol=0, atol=np.finfo(dtype).eps)


def test_empty_batch_stays_empty(kernels):
    empty = np.zeros((0, 4), "float32")
    blended = kernels.blend(empty, np.zeros(0, "int32"), np.zeros(0, "float32"))
    assert blended.shape == (0, 4)


def test_blend_reads_the_memory_it_is_given(kernels):
    images, partners, weights, _ = make_batch()
    before = images.copy()
    kernels.blend(images, partners, weights)
    np.testing.assert_array_equal(images, before)


BAD_ARGUMENTS = {
    "examples must be an array, got": lambda x, p, w: (x.tolist(), p, w),
    "examples must be float32 or float64, got float16": lambda x, p, w: (x.astype("f2"), p, w),
    "examples must be float32 or float64, got int32": lambda x, p, w: (x.astype("i4"), p, w),
    "examples must be an array with a batch axis": lambda x, p, w: (x[0, 0, 0, 0, ...], p, w),
    "examples must be contiguous": lambda x, p, w: (x[:, ::2], p, w),
    "partners must be an array of int32, got int64": lambda x, p, w: (x, p.astype("i8"), w),
    r"partners must be of shape \(6,\), got \(5,\)": lambda x, p, w: (x, p[:5], w),
    "partners must be from 0 to 5": lambda x, p, w: (x, p + 1, w),
    "weights must be an array of float32, got list": lambda x, p, w: (x, p, w.tolist()),
    r"weights must be of shape \(6,\), got \(6, 1\)": lambda x, p, w: (x, p, w[:, None]),
    "weights must be contiguous": lambda x, p, w: (x, p, np.repeat(w, 2)[::2]),
}


@pytest.mark.parametrize("message", BAD_ARGUMENTS)
def test_bad_argument_is_refused_with_its_name(kernels, message):
    images, partners, weights, _ = make_batch()
    with pytest.raises(ValueError, match=message):
        kernels.blend(*BAD_ARGUMENTS[message](images, partners, weights))


def test_folder_without_library_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"folder must be one with libTfastKernels\.so"):
        SwiftKernels(tmp_path)


def test_texts_that_are_no_bytes_are_refused(kernels):
    with pytest.raises(ValueError, match="texts must be bytes, got str"):
        kernels.mark_character_runs([b"aaa", "bbb"])


def test_data_set_blends_and_marks(kernels):
    images, partners, weights, expected = make_batch()
    texts = tf.constant([b"so good!!!!", b"", b"aa"])
    dataset = tf.data.Dataset.from_tensors((images, partners, weights, texts)).repeat(3)
    dataset = dataset.map(
        lambda x, p, w, t: (kernels.blend_tensors(x, p, w), kernels.mark_tensors(t)),
        num_parallel_calls=2,
    )
    assert dataset.element_spec[0].shape == images.shape
    for blended, marked in dataset:
        np.testing.assert_allclose(blended, expected, rtol=0, atol=1.2e-7)
        assert marked.numpy().tolist() == [b"so good xxrep 4 ! ", b"", b"aa"]


# Characters of one to four bytes, white space, and bytes that are no UTF-8.
FRAGMENTS = [
    *[character.encode() for character in "aab!. \t\x1c\x85é\u2028\u3000\xa0日😀\ufffd\u0301\x00"],
    *[
        b"\xed\xa0\x80",
        b"\xe0\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\x80",
        b"\xff",
        b"\xc3",
        b"\xe2\x82",
    ],
]


def test_marked_runs_are_those_of_the_graph_on_any_bytes(kernels):
    choose = random.Random(0)

    def text():
        repeats = [1, 1, 1, 2, 3, 4, 12]
        pieces = range(choose.randrange(12))
        return b"".join(choose.choice(FRAGMENTS) * choose.choice(repeats) for _ in pieces)

    texts = [text() for _ in range(20000)]
    expected = mark_character_runs(tf.constant(texts)).numpy().tolist()
    assert kernels.mark_character_runs(texts).tolist() == expected
    assert sum(a != b for a, b in zip(texts, expected, strict=True)) > 10000


def test_operation_is_that_of_tfast_eagerly_in_a_graph_and_in_a_data_set(mixup_operation):
    images, partners, weights, expected = make_batch()

    def blend(images, partners, weights):
        return mixup_operation(examples=images, partners=partners, weights=weights)

    data = tf.data.Dataset.from_tensors((images, partners, weights)).map(blend)
    assert data.element_spec.shape == images.shape
    graph = tf.function(blend)(images, partners, weights)
    for blended in (blend(images, partners, weights), graph, next(iter(data))):
        np.testing.assert_allclose(blended, expected, rtol=0, atol=1.2e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, p, w: (x, p + 1, w), "partners must be positions in the batch"),
        (lambda x, p, w: (x, p - 1, w), "partners must be positions in the batch"),
        (lambda x, p, w: (x, p[:5], w), "partners must have the shape"),
        (lambda x, p, w: (x, p, w[:, None]), "weights must have the shape"),
        (lambda x, p, w: (x[0, 0, 0, 0], p, w), "examples must have 1 to 8 axes"),
    ],
)
def test_operation_refuses_what_does_not_fit(mixup_operation, change, message):
    images, partners, weights, _ = make_batch()
    examples, partners, weights = change(images, partners, weights)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        mixup_operation(examples=examples, partners=partners, weights=weights)


def test_operation_accepts_an_empty_batch(mixup_operation):
    blended = mixup_operation(
        examples=tf.zeros((0, 3)), partners=tf.zeros(0, tf.int32), weights=tf.zeros(0)
    )
    assert blended.shape == (0, 3)


def test_operation_has_no_gradient(mixup_operation):
    images, partners, weights, _ = make_batch()
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        blended = mixup_operation(examples=images, partners=partners, weights=weights)
    with pytest.raises(LookupError, match="TfastMixup"):
        tape.gradient(blended, images)
