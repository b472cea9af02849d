import errno

import pytest

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
        (OSError(errno.ENOSPC, "No space left", "runs/a"), ("No space left: runs/a", 1)),
        (OSError(errno.ENOSPC, "No space left"), ("No space left", 1)),
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
