"""Eight threads on one object have the answers of one thread."""

import concurrent.futures
import os
import random

import numpy as np
import pytest
from image_fuzz import mutated_image, whole_images
from memory import megabytes, needs_proc
from text_fuzz import fuzzed_texts

import tfast.runtime
from tfast.runtime import ImageError

NUM_REQUESTS = int(os.environ.get("TFAST_REQUESTS", "10000"))


@pytest.fixture(scope="module")
def answer(saved_texts, saved_images, text_parts, image_model, text_folder, image_folder):
    """A function from a number to what one of the six objects says to a request of that number."""
    model, tokenizer, vocabulary = text_parts
    lookup = vocabulary.lookup_layer()
    texts, images = tfast.runtime.load(text_folder), tfast.runtime.load(image_folder)

    def some_texts(source):
        return fuzzed_texts(source.randint(1, 4), seed=source.randrange(10**6))

    def some_files(source):
        files = [source.choice(whole_images()[kind]) for kind in ("JPEG", "PNG", "GIF", "BMP")]
        return [*files[: source.randint(1, 4)], mutated_image("PNG", source.randrange(100))]

    def keras_texts(source):
        ids = lookup(tokenizer(some_texts(source)))
        inputs = {"token_ids": ids.to_tensor(1), "lengths": ids.row_lengths()}
        return model(inputs, training=False)

    def keras_images(source):
        pixels = np.random.RandomState(source.randrange(10**6)).uniform(size=(3, 12, 16, 3))
        return image_model(pixels.astype("float32"), training=False)

    def runtime_images(source):
        *good, odd = some_files(source)
        try:
            return images.classify([*good, odd]).probabilities
        except ImageError:
            return images.classify(good).probabilities

    kinds = [
        lambda source: saved_texts(some_texts(source))["probabilities"],
        lambda source: saved_images(some_files(source))["probabilities"],
        lambda source: texts.classify(some_texts(source)).probabilities,
        runtime_images,
        keras_texts,
        keras_images,
    ]

    def ask(number):
        source = random.Random(number)
        return np.asarray(source.choice(kinds)(source))

    return ask


def check(answer, numbers):
    expected = [answer(number) for number in numbers]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(answer, numbers))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("default")
def test_mixed_requests_of_threads_are_answered_as_one_by_one(answer):
    check(answer, range(120))


@pytest.mark.slow
@needs_proc
@pytest.mark.filterwarnings("default")
def test_many_requests_leave_the_memory_flat(answer):
    fifth = NUM_REQUESTS // 5
    check(answer, range(fifth))
    before = megabytes()
    for begin in range(fifth, NUM_REQUESTS, fifth):
        check(answer, range(begin, begin + fifth))
    grown = megabytes() - before
    print(
        f"{NUM_REQUESTS} requests: {before:.0f} MB after a fifth, {before + grown:.0f} at the end"
    )
    assert grown < 100
