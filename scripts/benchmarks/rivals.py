"""Rivals in processes of their own. The one worker protocol: a JSON object a line, each way.

A worker, a file in `workers/`, calls `serve`; the benchmark starts it as a `Rival`. Needs nothing
but Python, so that workers in other environments can import it.
"""

import contextlib
import functools
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PATIENCE = 1200  # seconds for one answer
ANSWERS = "BENCHMARK_ANSWERS"  # environment variable: the file descriptor to write them to


class Rival:
    """A worker's process.

    Args:
        python: the Python that runs it.
        worker: name of its file in `workers/`.
        *arguments: of the worker's command line.

    Attributes:
        description: what the worker said of itself: versions, threads.
        peak_mib: the largest memory it had used when it last answered.
    """

    def __init__(self, python: str | os.PathLike, worker: str, *arguments: Any) -> None:
        command = [python, "-W", "ignore", FOLDER / "workers" / worker, *map(str, arguments)]
        # Answers have a pipe of their own: libraries print what they like, even when imported.
        answers, end = os.pipe()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=2,
            text=True,
            pass_fds=[end],
            env=os.environ | {"PYTHONPATH": str(FOLDER), ANSWERS: str(end)},
        )
        os.close(end)
        self._answers = os.fdopen(answers)
        self.peak_mib = 0.0
        try:
            self.description = self._answer(f"{worker} does not run in {python}")
        except RuntimeError:
            self.close()
            raise

    def ask(self, work: str, **options: Any) -> Any:
        """Has the worker do `work`; returns what it answers."""
        print(json.dumps({"work": work, **options}), file=self._process.stdin, flush=True)
        return self._answer(f"the worker ended, or was killed after {PATIENCE} seconds, at {work}")

    def work(self, work: str, **options: Any) -> Callable[[], Any]:
        """A function without arguments that asks for `work`."""
        return functools.partial(self.ask, work, **options)

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(BrokenPipeError):  # it has ended by itself
            self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()

    def _answer(self, complaint: str) -> Any:
        # Killed when it takes too long, the process closes the pipe that is read from.
        limit = threading.Timer(PATIENCE, self._process.kill)
        limit.start()
        line = self._answers.readline()
        limit.cancel()
        if not line:
            raise RuntimeError(complaint)
        answer = json.loads(line)
        self.peak_mib = answer["peak_mib"]
        return answer["result"]


@contextlib.contextmanager
def rival(
    python: str | os.PathLike | None, worker: str, *arguments: Any, missing: str = ""
) -> Iterator[Rival | None]:
    """Gives a `Rival`, closed afterwards, and prints its description.

    Where `python` is None it gives None and prints `missing`.
    """
    if not python:
        if missing:
            print(missing)
        yield None
        return
    with contextlib.closing(Rival(python, worker, *arguments)) as process:
        print(process.description)
        yield process


def serve(description: str, works: Mapping[str, Callable]) -> None:
    """Answers requests until there are no more.

    Args:
        description: versions and threads, for the benchmark to print.
        works: function by name; the request's other entries are its keyword arguments, and
            what it returns, which JSON must be able to hold, is the answer.
    """
    answers = os.fdopen(int(os.environ[ANSWERS]), "w")

    def answer(result: Any) -> None:
        print(json.dumps({"result": result, "peak_mib": _peak_mib()}), file=answers, flush=True)

    answer(description)
    for line in sys.stdin:
        request = json.loads(line)
        answer(works[request.pop("work")](**request))


def _peak_mib() -> float:
    """The largest memory that this process has used."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `getrusage`, which on Linux begins with the memory of whoever started the process.
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10
    # Kilobytes, but bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
