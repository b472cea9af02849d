"""fastai at work in a Python of its own, for benchmarks that have it beside ours."""

import contextlib
import subprocess
import sys
from pathlib import Path


@contextlib.contextmanager
def fastai_beside(python, script, *arguments):
    """Gives a `FastaiProcess`, ended afterwards, or None where `python` is; says which it is."""
    if not python:
        print("fastai: left out, see --fastai-python")
        yield None
        return
    with contextlib.closing(FastaiProcess(python, script, *arguments)) as fastai:
        print(fastai.versions)
        yield fastai


class FastaiProcess:
    """A worker process; each request is one line, each answer another.

    Args:
        python: a Python with fastai.
        script: name of the script beside this one that the worker runs. It says its versions
            first, and `done` after each request.
        *arguments: of the script.

    Attributes:
        versions: what it said.
    """

    def __init__(self, python, script, *arguments):
        self._process = subprocess.Popen(
            [python, Path(__file__).with_name(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.versions = self._process.stdout.readline().strip()
        if not self.versions:
            sys.exit(f"--fastai-python: fastai does not run in {python}")

    def work(self, *request):
        """A function that has the worker do `request` and waits for it."""

        def ask():
            print(*request, file=self._process.stdin, flush=True)
            if self._process.stdout.readline() != "done\n":
                raise RuntimeError(f"the fastai process ended at the request {request}")

        return ask

    def close(self):
        """Ends the process."""
        with contextlib.suppress(BrokenPipeError):  # it has ended by itself
            self._process.stdin.close()
        self._process.wait()
