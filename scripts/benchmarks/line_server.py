"""A program that answers lines of texts with lines of JSON, started, asked and measured."""

import json
import os
import subprocess
import time
from pathlib import Path


class LineServer:
    """Starts a program. Linux only, for it looks into /proc.

    Args:
        command: list of the program and its arguments.
        environment: dict of environment variables that it has beside ours.
    """

    def __init__(self, command, environment):
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | environment,
        )

    def answer(self, texts):
        """The answers, and the seconds they took."""
        begin = time.perf_counter()
        self._process.stdin.write("".join(text + "\n" for text in texts).encode())
        self._process.stdin.flush()
        lines = [self._process.stdout.readline() for _ in texts]
        seconds = time.perf_counter() - begin
        return [json.loads(line)["probabilities"] for line in lines], seconds

    def processor_seconds(self):
        """What all its threads have had of the processors, in hundredths of a second."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self):
        """The most memory it has had, in megabytes of 10^6 bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6

    def close(self):
        """Ends it."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
