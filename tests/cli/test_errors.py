import errno

import pytest
import tensorflow as tf

from tfast.cli.errors import OneLineParser, describe_error
from tfast.recipes.errors import DivergedError, InputError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InputError("lm_epochs must be\n  this"), ("--lm-epochs must be this", 2)),
        (InputError("epochs_ must be this"), ("epochs_ must be this", 2)),
        (InputError("line 3: lm_epochs"), ("line 3: lm_epochs", 2)),
        (InputError(""), ("", 2)),
        (DivergedError("diverged in step 3"), ("diverged in step 3", 1)),
        (OSError(errno.ENOSPC, "In HDF5\n ...", "runs/a"), ("No space left on device: runs/a", 1)),
        (OSError(errno.ENOSPC, "No space left on device"), ("No space left on device", 1)),
        (
            tf.errors.NotFoundError(
                None, None, "{{node a}} cats/1.png; No such file or directory\n"
            ),
            ("No such file or directory: cats/1.png", 1),
        ),
        (tf.errors.InvalidArgumentError(None, None, "a fault of ours"), None),
        (OSError("of a library"), None),
        (ValueError("a fault of ours"), None),
    ],
    ids=repr,
)
def test_a_line_says_all_where_it_is_no_fault_of_ours(error, expected):
    assert describe_error(error, {"lm_epochs", "epochs"}) == expected


def test_a_bad_command_line_is_one_line(capsys):
    with pytest.raises(SystemExit) as stopped:
        OneLineParser(prog="tool").parse_args(["--colour"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "tool: unrecognized arguments: --colour\n"
