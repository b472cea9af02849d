"""The Swift package in `swift_notes/`, built once and given to the tests beside this file."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "swift_notes"


def _swift(*arguments: str) -> subprocess.CompletedProcess:
    if shutil.which("swift") is None:
        pytest.skip("needs a Swift toolchain: no `swift` on the PATH")
    scratch = os.environ.get("TFAST_SWIFT_BUILD", str(PACKAGE / ".build"))
    command, *options = arguments
    where = ["--package-path", str(PACKAGE), "--scratch-path", scratch]
    # SwiftPM waits for its own lock: workers of pytest-xdist build one after another.
    return subprocess.run(
        ["swift", command, *where, *options], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def swift_package() -> Path:
    """The folder with what `swift build -c release` made: programs and libraries."""
    built = _swift("build", "-c", "release")
    assert built.returncode == 0, built.stdout + built.stderr
    folder = _swift("build", "-c", "release", "--show-bin-path")
    return Path(folder.stdout.strip())


@pytest.fixture(scope="session")
def swift_tests() -> Callable[[str, str], None]:
    """A function that runs the Swift tests of one target, in "debug" or "release"."""

    def run(target: str, configuration: str) -> None:
        tested = _swift("test", "-c", configuration, "--filter", f"^{target}\\.")
        output = tested.stdout + tested.stderr
        assert tested.returncode == 0, output
        # A filter that matches nothing succeeds too.
        assert "Test run with 0 tests" not in output, output
        assert "Test run with" in output, output

    return run
