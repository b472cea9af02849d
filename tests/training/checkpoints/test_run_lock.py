import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tfast.training.checkpoints.run_lock import run_lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")

HOLD = """
import sys
from tfast.training.checkpoints.run_lock import run_lock
with run_lock(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run.npz")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_another_process_is_refused_until_the_first_ends(tmp_path, other_process):
    with (
        pytest.raises(ValueError, match=r"another run is writing .*run.npz"),
        run_lock(tmp_path / "run.npz"),
    ):
        pass
    other_process.stdin.close()
    assert other_process.wait() == 0
    with run_lock(tmp_path / "run.npz"):
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())


def test_a_killed_run_leaves_its_place_free(tmp_path, other_process):
    os.kill(other_process.pid, signal.SIGKILL)
    other_process.wait()
    assert list(tmp_path.iterdir())  # the file is there, and says nothing
    with run_lock(tmp_path / "run.npz"):
        pass
    assert not list(tmp_path.iterdir())


def test_threads_are_let_in_one_at_a_time(tmp_path):
    inside, most, refused = [], [], []

    def work():
        for _ in range(200):
            try:
                with run_lock(tmp_path / "run.npz"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except ValueError:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) + len(refused) == 800


def test_other_names_and_missing_folders_do_not_matter(tmp_path):
    with run_lock(tmp_path / "new" / "one.npz"), run_lock(tmp_path / "new" / "two.npz"):
        pass
    with pytest.raises(KeyError), run_lock(tmp_path / "new" / "one.npz"):
        raise KeyError
    assert not list((tmp_path / "new").iterdir())


def test_two_names_of_one_folder_are_one(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with (
        run_lock(tmp_path / "run"),
        pytest.raises(ValueError, match="another run is writing"),
        run_lock(tmp_path / "link"),
    ):
        pass


def test_a_folder_in_one_that_cannot_be_written_has_its_lock_within(tmp_path, monkeypatch):
    output, opened = tmp_path / "out", Path.open

    def refuse(path, *arguments):
        if path.parent == tmp_path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError) as caught, run_lock(output):
        pass
    assert caught.value.filename == str(output)
    output.mkdir()
    with run_lock(output):
        assert [path.name for path in output.iterdir()] == [".lock"]
        with pytest.raises(ValueError, match="another run is writing"), run_lock(output):
            pass
    assert not list(output.iterdir())
