"""The Swift package in `swift_notes/`, built once and given to the tests beside this file."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from swift_notes.command import ENVIRONMENT

PACKAGE = Path(__file__).parents[2] / "swift_notes"


def _swift(*arguments: str) -> subprocess.CompletedProcess:
    if shutil.which("swift") is None:
        pytest.skip("needs a Swift toolchain: no `swift` on the PATH")
    scratch = os.environ.get("TFAST_SWIFT_BUILD", str(PACKAGE / ".build"))
    command, *options = arguments
    where = ["--package-path", str(PACKAGE), "--scratch-path", scratch]
    # SwiftPM waits for its own lock: workers of pytest-xdist build one after another.
    return subprocess.run(
        ["swift", command, *where, *options],
        capture_output=True, text=True, check=False, env=ENVIRONMENT,
    )  # fmt: skip


@functools.cache
def _built(configuration: str) -> Path:
    """The folder of what was built, the tests in Swift included: they need no other build then."""
    # The tests read what is internal, which a release build hides otherwise.
    testable = ["-Xswiftc", "-enable-testing"]
    built = _swift("build", "-c", configuration, "--build-tests", *testable)
    assert built.returncode == 0, built.stdout + built.stderr
    folder = _swift("build", "-c", configuration, "--show-bin-path")
    return Path(folder.stdout.strip())


@pytest.fixture(scope="session")
def swift_package() -> Path:
    """The folder of the release build: programs and libraries."""
    return _built("release")


@pytest.fixture(scope="session")
def swift_tests() -> Callable[[str, str], None]:
    """A function that runs the Swift tests of one target, in "debug" or "release"."""

    def run(target: str, configuration: str) -> None:
        _built(configuration)
        tested = _swift("test", "-c", configuration, "--skip-build", "--filter", f"^{target}\\.")
        output = tested.stdout + tested.stderr
        assert tested.returncode == 0, output
        # A filter that matches nothing succeeds too.
        assert "Test run with 0 tests" not in output, output
        assert "Test run with" in output, output

    return run
