"""Labelled texts that are on every machine: the documentation of the installed libraries."""

import ast
import importlib.util
import itertools
import random
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tfast import arguments

# The first are installed wherever tfast is.
LIBRARIES = ("python", "numpy", "keras", "tensorflow", "pandas", "sklearn", "matplotlib", "scipy")


def library_docstrings(
    num_texts: int, *, libraries: Sequence[str] = LIBRARIES, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Docstrings of the installed libraries, labelled with the library's name.

    Source files are read, and nothing in them is run. What is found depends on the versions that
    are installed.

    Args:
        num_texts: at most this number of docstrings of each library, from source files in
            random order.
        libraries: names of packages; "python" is the standard library. One that is not
            installed gives no texts.
        seed: of the random order.

    Returns:
        The texts, of 100 to 1,000 characters, and a label for each.

    Raises:
        ValueError: `num_texts` is not a whole number of at least 1.

    Examples:
        >>> texts, labels = library_docstrings(2, libraries=("python", "keras"))
        >>> labels
        ['python', 'python', 'keras', 'keras']
    """
    num_texts = arguments.whole_number("num_texts", num_texts)
    texts: list[str] = []
    labels: list[str] = []
    for library in libraries:
        files = _source_files(library)
        random.Random(seed).shuffle(files)
        candidates = itertools.chain.from_iterable(map(_file_docstrings, files))
        found = list(itertools.islice(_distinct(candidates), num_texts))
        texts += found
        labels += [library] * len(found)
    return texts, labels


def _distinct(texts: Iterable[str]) -> Iterator[str]:
    seen = set()
    for text in texts:
        if text not in seen:
            seen.add(text)
            yield text


def _source_files(library: str) -> list[Path]:
    if library == "python":
        folder = Path(sysconfig.get_paths()["stdlib"])
        files = [*folder.glob("*.py"), *folder.glob("[a-z]*/*.py")]
    else:
        spec = importlib.util.find_spec(library)
        if spec is None or spec.origin is None:
            return []
        folder = Path(spec.origin).parent
        files = list(folder.rglob("*.py"))
    # Not the whole path: a library may be installed in the home of a "tester".
    return sorted(file for file in files if "test" not in str(file.relative_to(folder)))


def _file_docstrings(
    file: Path, most: int = 5, min_length: int = 100, max_length: int = 1000
) -> list[str]:
    """The first docstrings of a source file."""
    try:
        with warnings.catch_warnings():  # old escapes and the like in code that is not ours
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (SyntaxError, ValueError):  # a template, or meant for another Python
        return []
    texts = (
        ast.get_docstring(node) or ""
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    )
    return [text[:max_length] for text in texts if len(text) >= min_length][:most]
