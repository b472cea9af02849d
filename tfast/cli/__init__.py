"""The command `tfast`: command lines to recipes."""

from tfast.cli.main import main as main
