"""Lists the presets: runs that were made, with their command, their machine and what they gave."""

import argparse

from tfast.recipes.presets import load_preset, preset_names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, with their settings")


def run(arguments: argparse.Namespace) -> int:
    """Prints them."""
    unknown = [name for name in arguments.names if name not in preset_names()]
    if unknown:
        arguments.parser.error(f"NAME must be one of {', '.join(preset_names())}, got {unknown[0]}")
    blocks = [_block(name, bool(arguments.names)) for name in arguments.names or preset_names()]
    print("\n\n".join(blocks))
    return 0


def _block(name: str, with_settings: bool) -> str:
    preset = load_preset(name)
    lines = [name, f"  {preset.title}", f"  {preset.command}"]
    lines += [f"  -> {result}" for result in preset.results]
    lines.append(f"  on {preset.machine}")
    if with_settings:
        lines += [f"  {key} = {value}" for key, value in preset.settings.items()]
    return "\n".join(lines)
