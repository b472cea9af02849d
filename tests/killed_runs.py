"""A program that runs a command of tfast again and again, ended each time at another event.

    python killed_runs.py '[{"folder": ..., "arguments": [...], "kills": [["step", 3, "SIGKILL"]]}]'

TensorFlow is imported once: each run is a fork of a process that has computed nothing yet. The runs
of a folder go on from one another (`--resume`), and the last one is left to end. Prints, for each
folder, a JSON list of the exit codes (negative: the signal) and of what each run wrote to stderr.

An event is the n-th time in a run that ...

    step     ... a training step is done, in mid-epoch
    write    ... a checkpoint is being written: half of its file is there
    model    ... a model is written: between two stages
    export   ... a SavedModel is written, and has not taken its place
    result   ... result.json is about to be written
"""

import io
import json
import os
import signal
import sys
from pathlib import Path


def run_all(folder, arguments, kills):
    """Exit codes and stderr of the runs."""
    runs = []
    for number, kill in enumerate([*kills, None]):
        log = Path(f"{folder}.{number}.log")
        child = os.fork()
        if child == 0:
            _be_a_run([*arguments, "--output", folder, "--resume"], kill, log)
        _, status = os.waitpid(child, 0)
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        runs.append([code, log.read_text(errors="replace")])
    return runs


def _be_a_run(arguments, kill, log):
    """Never comes back."""
    code = 70  # of a fault
    with log.open("w") as file, Path(os.devnull).open("w") as nowhere:
        os.dup2(file.fileno(), 2)
        os.dup2(nowhere.fileno(), 1)
        try:
            from tfast.cli import main

            if kill is not None:
                _lie_in_wait(*kill)
            code = main(arguments)
        except SystemExit as end:
            code = end.code
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)  # no `finally` of the process that was forked


def _lie_in_wait(event, number, signal_name):
    import numpy as np
    import tensorflow as tf

    from tfast.recipes import image_outputs, ulmfit_classifier, ulmfit_outputs, ulmfit_training
    from tfast.training.inspection.stopwatch import Stopwatch

    left = iter(range(number - 1))

    def is_the_one():
        return next(left, None) is None

    def end():
        os.kill(os.getpid(), signal.Signals[signal_name])

    def wrap(owner, name, *, before=False):
        wrapped = getattr(owner, name)

        def wrapper(*arguments, **options):
            if before and is_the_one():
                end()
            result = wrapped(*arguments, **options)
            if not before and is_the_one():
                end()
            return result

        setattr(owner, name, wrapper)

    savez = np.savez

    def write_half(file, **arrays):
        if not is_the_one():
            return savez(file, **arrays)
        whole = io.BytesIO()
        savez(whole, **arrays)
        file.write(whole.getvalue()[: len(whole.getvalue()) // 2])
        file.flush()
        return end()

    if event == "write":
        np.savez = write_half
    elif event == "step":
        wrap(Stopwatch, "on_train_batch_end")
    elif event == "export":
        wrap(tf.saved_model, "save")
    else:
        name = {"model": "write_model", "result": "write_result"}[event]
        for module in (image_outputs, ulmfit_classifier, ulmfit_outputs, ulmfit_training):
            if hasattr(module, name):
                wrap(module, name, before=event == "result")


if __name__ == "__main__":
    # Nothing that starts TensorFlow's threads, which no fork would have.
    import sklearn.linear_model  # noqa: F401

    from tfast.recipes import (  # noqa: F401
        image_outputs,
        image_training,
        ulmfit_outputs,
        ulmfit_training,
    )
    from tfast.vision import xresnet

    # One block, which compiles in a moment.
    xresnet.xresnet18 = lambda num_classes, **options: xresnet.xresnet(
        num_classes, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8), **options
    )
    print(json.dumps([run_all(**order) for order in json.loads(sys.argv[1])]))
