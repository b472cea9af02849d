"""Lists the public weights that tfast loads by name, and whether they are on this machine.

    tfast pretrained
    tfast pretrained timm/resnet50d.ra2_in1k --download

A name is what `tfast train-images --pretrained`, `tfast train-ulmfit --pretrained` and
`tfast.pretrained.load` take, and so are hf://OWNER/NAME, a folder and a file. tfast/english is in
the package. Weights of the Hugging Face hub lie in its cache (HF_HUB_CACHE, HF_HOME), others in
KERAS_HOME/tfast.
"""

import argparse
from pathlib import Path

from tfast.pretrained.catalog import ENTRIES, Entry
from tfast.pretrained.loading import open_source
from tfast.pretrained.sources import Source
from tfast.recipes.errors import input_errors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, with their files")
    parser.add_argument(
        "--kind", choices=sorted({entry.kind for entry in ENTRIES.values()}), help="only these"
    )
    parser.add_argument(
        "--download", action="store_true", help="fetch the files of NAME that are not here"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints them."""
    unknown = [name for name in arguments.names if name not in ENTRIES]
    if unknown:
        arguments.parser.error(f"NAME must be one that `tfast pretrained` lists, got {unknown[0]}")
    if arguments.download and not arguments.names:
        arguments.parser.error("--download needs a NAME")
    entries = [ENTRIES[name] for name in arguments.names] or [
        entry for entry in ENTRIES.values() if arguments.kind in (None, entry.kind)
    ]
    if not arguments.names:
        _print_table(entries)
        return 0
    with input_errors():
        for entry in entries:
            _print_files(entry, open_source(entry.name, download=arguments.download))
    return 0


def _print_table(entries: list[Entry]) -> None:
    rows = [("NAME", "KIND", "SIZE", "LICENCE", "HERE", "RESULT")]
    for entry in entries:
        source = open_source(entry.name)
        here = "yes" if all(source.is_here(file) for file in entry.files) else "no"
        rows.append(
            (entry.name, entry.kind, _size(entry), entry.licence or "?", here, entry.result)
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _print_files(entry: Entry, source: Source) -> None:
    print(f"{entry.name}: {entry.result or 'no published result'}")
    print(f"  {source.address}; {_size(entry)}; licence {entry.licence or 'not known'}")
    for file in entry.files:
        path: Path | None = source.find(file)
        if path is None:
            print(f"  {file}: not here, {_remedy(entry, source, file)}")
        else:
            print(f"  {path}: {path.stat().st_size:,} bytes, SHA-256 {source.sha256[file]}")


def _remedy(entry: Entry, source: Source, file: str) -> str:
    if entry.bundled is not None:
        return "which tfast should have: install it again"
    return f"would be fetched from {source.address_of(file)}"


def _size(entry: Entry) -> str:
    return f"{entry.num_bytes / 1e6:,.0f} MB" if entry.num_bytes else "?"
