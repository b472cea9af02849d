"""Texts from files: CSV, TSV, JSON lines and plain text, compressed or not.

The csv module reads the tables, not pandas: pandas fills missing fields in silently, tells no line
of an unclosed quote, and would be a dependency of its own for one function.
"""

import bz2
import codecs
import contextlib
import csv
import gzip
import io
import itertools
import json
import lzma
import os
import re
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from tfast.types import PathLike

Row = tuple[int, tuple[str, ...]]

# The kinds of files; each may be compressed besides (".csv.gz").
TABLES = (".csv", ".tsv", ".jsonl")
PLAIN_TEXT = ".txt"
COMPRESSED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}

# UTF-32 first: its mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

# JSON can write such halves ("\\ud800"), which are no text that could be encoded.
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")

# The limit on a field belongs to the whole process; one reader at a time may raise it.
_FIELD_LIMIT_LOCK = threading.Lock()


def kind_of_file(path: PathLike) -> str:
    """The ending that says how a file is read, in lower case and without that of compression.

    Raises:
        ValueError: another ending than those of `TABLES` and `PLAIN_TEXT`.

    Examples:
        >>> kind_of_file("MORE.CSV"), kind_of_file("reviews.jsonl.gz")
        ('.csv', '.jsonl')
        >>> kind_of_file("reviews.parquet")
        Traceback (most recent call last):
        ValueError: path must end with .csv, .tsv, .jsonl or .txt (and .gz, .bz2 or .xz if compressed), got reviews.parquet
    """  # noqa: E501
    name = Path(Path(path).name.lower())
    kind = (name.with_suffix("") if name.suffix in COMPRESSED else name).suffix
    if kind not in (*TABLES, PLAIN_TEXT):
        raise ValueError(
            f"path must end with {', '.join(TABLES)} or {PLAIN_TEXT} (and .gz, .bz2 or .xz if "
            f"compressed), got {os.fspath(path)}"
        )
    return kind


def iterate_rows(
    path: PathLike, columns: Sequence[str], *, encoding: str = "utf-8"
) -> Iterator[Row]:
    r"""The fields of some columns of a table, with the line on which each row begins.

    CSV and TSV files have a first line with the names of the columns. A field that holds the
    separator, a quote or the end of a line has quotes around it, and a quote within is written
    twice, as spreadsheets and pandas write them. A JSON lines file has one object a line; a
    whole number is as good as a string. Empty lines are skipped. Only the row at hand is in
    memory.

    Args:
        path: of one of the kinds `TABLES`, compressed by gzip, bzip2 or xz, or not.
        columns: names of columns.
        encoding: of the file; a byte-order mark at its beginning has precedence.

    Yields:
        `(line, fields)`, the fields in the order of `columns`.

    Raises:
        ValueError: the file is of another kind, is not in this encoding, or a row is not as
            described: it has too many or too few fields, ends inside a quote, or lacks a
            column. The message has the number of the line.
    """
    kind = kind_of_file(path)
    if kind == PLAIN_TEXT:
        raise ValueError(f"path must be a table ({', '.join(TABLES)}), got {os.fspath(path)}")
    with _opened(path, encoding, newline="") as file:
        if kind == ".jsonl":
            yield from _json_rows(path, file, columns)
        else:
            yield from _table_rows(path, file, columns, "\t" if kind == ".tsv" else ",")


def iterate_paragraphs(path: PathLike, *, encoding: str = "utf-8") -> Iterator[str]:
    r"""The parts of a plain text file between empty lines, one by one.

    Raises:
        ValueError: the file is not in this encoding.

    Examples:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "book.txt")
        >>> _ = path.write_text("First,\nstill first.\n\n\nSecond.\n")
        >>> list(iterate_paragraphs(path))
        ['First,\nstill first.', 'Second.']
    """
    with _opened(path, encoding, newline=None) as file:
        for is_text, lines in itertools.groupby(file, lambda line: bool(line.strip())):
            if is_text:
                yield "".join(lines).strip()


def read_text(path: PathLike, *, encoding: str = "utf-8") -> str:
    """A whole file, compressed or not, without a byte-order mark; lines end with LF.

    Raises:
        ValueError: the file is not in this encoding; the message has the number of the line.
    """
    with _opened(path, encoding, newline=None) as file:
        return file.read()


@contextlib.contextmanager
def _opened(path: PathLike, encoding: str, newline: str | None) -> Iterator[IO[str]]:
    """A text file to read; bytes that cannot be decoded are named with their line."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    except LookupError:  # unknown, or none of text, such as rot13
        raise ValueError(
            f"encoding must be the name of one that Python knows, got {encoding!r}"
        ) from None
    try:
        with _opened_bytes(path) as binary:
            start = binary.read(4)
            binary.seek(0)
            mark = next(filter(start.startswith, _BYTE_ORDER_MARKS), None)
            encoding = _BYTE_ORDER_MARKS[mark] if mark else encoding
            with io.TextIOWrapper(binary, encoding=encoding, newline=newline) as file:
                yield file
    except UnicodeError:  # that of UTF-16 without a mark is no UnicodeDecodeError
        raise ValueError(_describe_bad_bytes(path, encoding, has_mark=mark is not None)) from None
    # bzip2 knows no exception but OSError, which has no number then.
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        kind = Path(path).suffix.lower()
        raise ValueError(f"{os.fspath(path)} is not a whole {kind} file: {error}") from None


def _opened_bytes(path: PathLike) -> Any:
    opener: Any = COMPRESSED.get(Path(path).suffix.lower(), open)
    return opener(path, "rb")


def _describe_bad_bytes(path: PathLike, encoding: str, *, has_mark: bool) -> str:
    """What to say of a file that cannot be decoded: the first line where that shows."""
    where = os.fspath(path)
    name = codecs.lookup(encoding).name  # "utf-16" of "UTF16" too
    if name in ("utf-16", "utf-32") and not has_mark:
        return _name_an_encoding(where, f"{name.upper()} with a byte-order mark", f"{name}-le")
    with _opened_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeError as error:
                if not name.startswith(("utf-16", "utf-32")):  # their lines end otherwise
                    where += f", line {number}"
                    if isinstance(error, UnicodeDecodeError):
                        where += f": byte 0x{line[error.start]:02x}"
                break
    return _name_an_encoding(where, encoding.removesuffix("-sig").upper())


def _name_an_encoding(where: str, encoding: str, other: str = "latin-1") -> str:
    return (
        f"{where} is not {encoding}; if the file has another encoding, name it: "
        f"encoding='{other}', for instance (--encoding {other} on the command line)"
    )


@contextlib.contextmanager
def _fields_of_any_length() -> Iterator[None]:
    """Lifts the csv module's limit of 131,072 characters, and puts it back."""
    with _FIELD_LIMIT_LOCK:
        before = csv.field_size_limit(2**31 - 1)  # what fits a C long everywhere
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _table_rows(
    path: PathLike, file: IO[str], columns: Sequence[str], delimiter: str
) -> Iterator[Row]:
    rows = _numbered_rows(path, file, delimiter)
    _, header = next(rows, (1, []))
    if any("\0" in name for name in header):
        raise ValueError(_name_an_encoding(os.fspath(path), encoding="UTF-8", other="utf-16-le"))
    for name in columns:
        if header.count(name) != 1:
            found = "no column" if name not in header else "more than one column"
            raise ValueError(f"{os.fspath(path)} has {found} {name!r}; it has {header}")
    indices = [header.index(name) for name in columns]
    for line, row in rows:
        if len(row) != len(header):
            separator = "tab" if delimiter == "\t" else "comma"
            raise ValueError(
                f"{os.fspath(path)}, line {line}: expected {len(header)} fields "
                f"({', '.join(header)}), got {len(row)}; a field that holds a {separator} must be "
                "in quotes"
            )
        yield line, tuple(row[index] for index in indices)


def _numbered_rows(
    path: PathLike, file: IO[str], delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, with the number of the line on which each begins."""
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            with _fields_of_any_length():
                row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = "a quote opens and is never closed"
            if "end of data" not in str(error):
                reason = f"{error}; a quote inside a field in quotes must be written twice"
            raise ValueError(
                f"{os.fspath(path)}, line {line}: in the row that begins here, {reason}"
            ) from None
        if row:
            yield line, row


def _json_rows(path: PathLike, file: IO[str], columns: Sequence[str]) -> Iterator[Row]:
    for line, content in enumerate(file, start=1):
        if not content.strip():
            continue
        where = f"{os.fspath(path)}, line {line}"
        try:
            entry = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where} is not JSON: {error}") from None
        if not isinstance(entry, dict):
            raise ValueError(f"{where} must be a JSON object, got {content.strip()[:40]}")
        for name in columns:
            if name not in entry:
                raise ValueError(f"{where} has no {name!r}; it has {list(entry)}")
            value = entry[name]
            if not isinstance(value, str | int) or isinstance(value, bool):
                raise ValueError(f"{where}: {name} must be a string, got {json.dumps(value)[:40]}")
            if isinstance(value, str) and _HALF_A_PAIR.search(value):
                raise ValueError(f"{where}: {name} must be valid Unicode, got half a character")
        yield line, tuple(str(entry[name]) for name in columns)
