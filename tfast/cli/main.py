"""Reads the command line, runs a command, and says in one line what ends it early."""

import argparse
import importlib
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

import tfast
from tfast.cli import environment
from tfast.cli.errors import OneLineParser, describe_error
from tfast.cli.interruption import Interrupted, interruptible

# Each is a module of this folder with a docstring for its help, `add_arguments(parser)` and
# `run(arguments)`, which returns the exit code. Importing it must be quick.
COMMANDS = {
    "train-images": "train an image classifier on a folder of images",
    "train-ulmfit": "train a text classifier, by a language model first",
    "train-language-model": "train a language model on much text, for train-ulmfit to start from",
    "import-fastai": "turn a model trained in fastai into a SavedModel",
    "export": "write a trained model as a folder that needs no TensorFlow",
    "plot-mixup": "draw what mixup does",
    "recipes": "list the presets, with what each gave",
    "pretrained": "list the public weights that are loaded by name, and fetch them",
    "predict": "classify images or texts with a folder that export wrote",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `tfast`.

    Args:
        argv: the command line, without the program's name; None for that of the process.

    Returns:
        The exit code: 0, or 1 where the run failed, 130 and 143 after Ctrl-C and SIGTERM.

    Raises:
        SystemExit: of code 2 for a bad command line or bad input, of 0 after `--help`.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = OneLineParser(prog="tfast", description=tfast.__doc__.split("\n\n")[0])
    parser.add_argument("--version", action="version", version=f"tfast {tfast.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        # Only the one that is asked for is imported.
        add_command(commands.add_parser(name, help=summary), name, imported=name in argv[:1])
    arguments = parser.parse_args(argv)
    return run_command(arguments, program=["tfast"], argv=argv)


def script_main(command: str, argv: Sequence[str] | None = None, **defaults: Any) -> int:
    """Runs a command as a script of its own.

    Args:
        command: its name.
        argv: the command line, without the program's name; None for that of the process.
        **defaults: further attributes of the command's arguments.

    Returns:
        See `main`.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = OneLineParser()
    add_command(parser, command, imported=True)
    parser.set_defaults(**defaults)
    return run_command(parser.parse_args(argv), program=["python", sys.argv[0]], argv=argv)


def add_command(parser: argparse.ArgumentParser, name: str, *, imported: bool) -> None:
    """Gives a parser what it needs to read and run a command."""
    if not imported:
        return
    module = importlib.import_module(f"tfast.cli.{name.replace('-', '_')}")
    parser.description = module.__doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.add_arguments(parser)
    parser.set_defaults(run=module.run, settings=getattr(module, "SETTINGS", ()), parser=parser)


def run_command(
    arguments: argparse.Namespace, *, program: Sequence[str], argv: Sequence[str]
) -> int:
    """Runs what was read, and ends it in one line where that says all."""
    environment.prepare()
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        with interruptible():
            return run(arguments)
    except Interrupted as interrupted:
        # After a progress bar, which leaves the line open.
        print(
            f"\n{arguments.parser.prog}: interrupted{_how_to_go_on(arguments, program, argv)}",
            file=sys.stderr,
        )
        return interrupted.exit_code
    except Exception as error:
        described = describe_error(error, arguments.settings)
        if described is None:
            raise
        line, exit_code = described
        if exit_code == 2:
            arguments.parser.error(line)
        print(f"{arguments.parser.prog}: {line}", file=sys.stderr)
        return exit_code


def _how_to_go_on(
    arguments: argparse.Namespace, program: Sequence[str], argv: Sequence[str]
) -> str:
    if not hasattr(arguments, "resume"):
        return ""
    resume = [] if arguments.resume else ["--resume"]
    return f"; continue with: {shlex.join([*program, *argv, *resume])}"
