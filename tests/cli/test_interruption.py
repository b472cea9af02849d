import contextlib
import os
import signal
import threading

import pytest

from tfast.cli.interruption import Interrupted, interruptible


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_the_block_past_whatever_catches_errors(number, exit_code):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught, interruptible(), contextlib.suppress(Exception):
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == exit_code
    assert signal.getsignal(number) is before


def test_in_another_thread_signals_are_left_alone():
    before, during = signal.getsignal(signal.SIGTERM), []

    def run():
        with interruptible():
            during.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert during == [before]
