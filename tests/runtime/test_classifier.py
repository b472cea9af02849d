import concurrent.futures
import json
import shutil

import numpy as np
import pytest

import tfast.runtime
from tfast.runtime import FolderError


def test_the_examples_are_answered_as_the_keras_model_did(text_folder, image_folder):
    assert 0 <= tfast.runtime.load(text_folder).check() < 1e-5
    assert 0 <= tfast.runtime.load(image_folder).check() < 0.01


def test_other_answers_are_noticed(text_folder, tmp_path):
    folder = shutil.copytree(text_folder, tmp_path / "copy")
    description = json.loads((folder / "tfast.json").read_text("utf-8"))
    probabilities = description["examples"][3]["probabilities"]
    description["examples"][3]["probabilities"] = probabilities[::-1]
    (folder / "tfast.json").write_text(json.dumps(description), "utf-8")
    with pytest.raises(
        FolderError, match=r"gives other answers than its model gave: .* differs by"
    ):
        tfast.runtime.load(folder).check()


def test_labels_are_those_of_the_largest_probabilities(text_folder):
    classifier = tfast.runtime.load(text_folder)
    labels, probabilities = classifier.classify(["great fun", "bad", "I know"])
    assert labels == [classifier.class_names[i] for i in probabilities.argmax(1)]
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_threads_are_answered_as_one_is(text_folder, image_folder):
    texts = tfast.runtime.load(text_folder)
    requests = [[f"text {i} is great", "bad " * (i % 40)] for i in range(200)]
    expected = [texts.classify(request).probabilities for request in requests]
    again = tfast.runtime.load(text_folder)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda request: again.classify(request).probabilities, requests))
    np.testing.assert_array_equal(found, expected)
