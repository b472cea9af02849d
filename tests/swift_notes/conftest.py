import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "swift_notes"


def swift(*arguments, **options):
    """Runs `swift`; what it says is in the error where it fails."""
    run = subprocess.run(
        ["swift", *arguments, "--package-path", PACKAGE], capture_output=True, text=True, **options
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-5000:]
    return run.stdout


# What the user of a program would have: no switches of the tests.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}


@pytest.fixture(scope="session")
def programs():
    """The folder of the package's programs, built for release."""
    if not shutil.which("swift"):
        pytest.skip("no `swift` on the path: see swift.org/install")
    swift("build", "-c", "release")
    return Path(swift("build", "-c", "release", "--show-bin-path").strip())


@pytest.fixture(scope="session")
def predict(programs):
    """A function that runs tfast-predict and returns what its lines of JSON say."""

    def run(*arguments, lines=None, env=ENVIRONMENT):
        text = None if lines is None else "".join(line + "\n" for line in lines)
        run = subprocess.run(
            [programs / "tfast-predict", *map(str, arguments)],
            input=text, capture_output=True, text=True, timeout=300, env=env,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    return run


@pytest.fixture(scope="session")
def refuse(programs):
    """A function that runs tfast-predict, which must refuse its input, and returns its one line."""

    def run(*arguments, env=ENVIRONMENT):
        run = subprocess.run(
            [programs / "tfast-predict", *map(str, arguments)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, env=env,
        )  # fmt: skip
        assert (run.returncode, run.stdout) == (2, "")
        [line] = run.stderr.splitlines()
        assert line.startswith("tfast-predict: ")
        return line

    return run
