"""How much memory this process takes, and took at most."""

import contextlib
import re
import sys
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def megabytes(kind="VmRSS"):
    """Of /proc: VmRSS now, VmHWM at most since the last `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{kind}:\s+(\d+) kB", status)[1]) / 1024


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


@contextlib.contextmanager
def at_most(limit):
    """Fails if the block takes `limit` megabytes more than the process had, at any moment."""
    try:
        forget_peak()
    except OSError:
        pytest.skip("the system does not let a process forget its peak")
    before = megabytes()
    yield
    taken = megabytes("VmHWM") - before
    assert taken < limit, f"{taken:.0f} MB more than before, the limit is {limit}"
