"""tfast-predict as a Python function."""

import json
import os
import subprocess
import sys
from pathlib import Path

# What the user of a program would have: the python3 that runs the tests on the path, and no
# switches of the tests.
_PATH = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"} | _PATH


class Predict:
    """Runs tfast-predict; called, it returns what each line of its JSON says.

    Args:
        folder: where the program is.
    """

    def __init__(self, folder):
        self._program = folder / "tfast-predict"

    def __call__(self, *arguments, lines=None, env=ENVIRONMENT):
        """The answers for inputs among the arguments, or for `lines` of standard input."""
        run = self._run(arguments, "".join(line + "\n" for line in lines or []), env)
        assert run.returncode == 0, run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    def refusal(self, *arguments, env=ENVIRONMENT):
        """The one line that it says where it must refuse what it is asked."""
        run = self._run(arguments, "", env)
        assert (run.returncode, run.stdout) == (2, "")
        [line] = run.stderr.splitlines()
        assert line.startswith("tfast-predict: ")
        return line

    def _run(self, arguments, text, env):
        return subprocess.run(
            [self._program, *map(str, arguments)],
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
            env=env,
            check=False,
        )
