"""Differentiable Swift against Keras: the tests in Swift, and a training of both live."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from digits_lesson import make_lesson, train_with_keras

pytestmark = pytest.mark.swift

KNOWN_ISSUES = Path(__file__).parents[2] / "swift_notes/known_issues"


def train_with_swift(swift_package, lesson, tmp_path):
    file = tmp_path / "lesson.json"
    file.write_text(json.dumps(lesson))
    command = [swift_package / "tfast-grad", "train", file]
    trained = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(trained.stdout)


@pytest.mark.parametrize(
    "configuration", ["release", pytest.param("debug", marks=pytest.mark.slow)]
)
def test_swift_tests_pass(swift_tests, configuration):
    swift_tests("TfastGradTests", configuration)


def test_fifty_steps_on_all_digits_have_the_losses_of_keras(swift_package, tmp_path):
    lesson = make_lesson(seed=1)
    losses, accuracy = train_with_keras(lesson)
    trained = train_with_swift(swift_package, lesson, tmp_path)
    np.testing.assert_allclose(trained["losses"], losses, rtol=0, atol=1e-4)
    # The smallest change of a weight can turn an answer that stands on the edge.
    assert abs(trained["accuracy"] - accuracy) <= 2 / len(lesson["labels"])
    assert accuracy > 0.7


def test_the_comparison_would_notice_another_smoothing(swift_package, tmp_path):
    lesson = make_lesson(num_images=320, steps=3)
    losses, _ = train_with_keras(lesson)
    trained = train_with_swift(swift_package, lesson | {"label_smoothing": 0.01}, tmp_path)
    assert abs(trained["losses"][0] - losses[0]) > 1e-3


@pytest.mark.parametrize("content", ["", "{}", '{"images": 3}'])
def test_bad_lesson_is_one_line_and_exit_code_2(swift_package, tmp_path, content):
    file = tmp_path / "lesson.json"
    file.write_text(content)
    command = [swift_package / "tfast-grad", "train", file]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr == f"FILE must be a lesson in JSON, got {file}\n"


# What differentiable_swift.md says of the compiler. A newer one may know better: then the notes
# and this list are to change.
REFUSED = {
    "optional_array": "ownership incompatible with an owned value",  # swiftlang/swift #82477
    "loop_over_elements": "error: function is not differentiable",
    "array_map": "error: expression is not differentiable",
    "element_assignment": "error: expression is not differentiable",
}


@pytest.mark.parametrize("name", REFUSED)
def test_compiler_of_6_3_refuses_or_crashes_as_the_notes_say(tmp_path, name):
    if shutil.which("swiftc") is None:
        pytest.skip("needs a Swift toolchain: no `swiftc` on the PATH")
    version = subprocess.run(["swiftc", "--version"], capture_output=True, text=True, check=True)
    if "Swift version 6.3" not in version.stdout:
        pytest.skip("the notes are about Swift 6.3")
    source = KNOWN_ISSUES / f"{name}.swift"
    command = ["swiftc", "-emit-sil", "-o", tmp_path / "sil", source]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    assert compiled.returncode != 0
    assert REFUSED[name] in compiled.stderr
