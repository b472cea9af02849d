"""Fetching a file over HTTP: whole and right under its name, or not there at all."""

import contextlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import tfast
from tfast.files import atomic_write
from tfast.pretrained.checksums import check_given, remember, remembered, sha256_of

# How often a connection that broke off is taken up again, and how long a silent one is waited for.
ATTEMPTS = 5
TIMEOUT = 60.0
# Before the second attempt; four times as long before each further one.
PAUSE = 0.1
_BLOCK = 2**18


def keras_home() -> Path:
    """Where Keras keeps what it fetches: KERAS_HOME, or `~/.keras`. Read at each call."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def fetch(address: str, path: Path, *, sha256: str | None = None, timeout: float = TIMEOUT) -> None:
    """Fetches a file, in one line of progress on standard error.

    A connection that breaks off is taken up where it broke, if the server can do that and the file
    is still the same; otherwise the file is fetched from its beginning. Redirects are followed,
    but not from https to http. Length and SHA-256 are remembered beside the file; where they are
    already remembered, from an earlier copy, the file must be that one.

    Args:
        address: of http or https.
        path: where the file will be. It appears when it is whole.
        sha256: what its hash must be; None for whatever comes.
        timeout: seconds for which the server may be silent.

    Raises:
        ValueError: the server cannot be reached or has no such file, the connection broke off too
            often, or the file is not the one that was wanted. `path` is as it was.
    """
    if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
        raise ValueError(f"address must begin with http:// or https://, got {address!r}")
    with atomic_write(path) as temporary:
        with temporary.open("wb") as file:
            _Download(address, timeout).write_to(file)
        found = sha256_of(temporary)
        check_given(path.name, found, sha256)
        known = remembered(path)
        if known not in (None, found):
            raise ValueError(
                f"{address} is not the file that was first used: its SHA-256 is {found}, then it "
                f"was {known}. Remove the memory beside {path} to trust it"
            )
        temporary.chmod(0o644)
    if known is None:
        remember(path, found, address=address)


class _BrokenOffError(Exception):
    """The connection ended before the file did."""


class _Download:
    """One file, over as many connections as it takes."""

    def __init__(self, address: str, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self.validator: str | None = None  # by which the server knows whether the file changed
        self.length: int | None = None

    def write_to(self, file: BinaryIO) -> None:
        """Writes the whole file."""
        progress = _Progress(self.address.rpartition("/")[2])
        for attempt in range(ATTEMPTS):
            try:
                for _ in self._connect(file):
                    progress.show(file.tell(), self.length)
            except _BrokenOffError as error:
                reason = str(error)
                if attempt + 1 < ATTEMPTS:
                    time.sleep(PAUSE * 4**attempt)
            else:
                progress.end(file.tell())
                return
        progress.abandon()
        total = "" if self.length is None else f" of {self.length:,}"
        raise ValueError(
            f"{self.address}: the connection broke off {ATTEMPTS} times, at last after "
            f"{file.tell():,}{total} bytes: {reason}"
        )

    def _connect(self, file: BinaryIO) -> Iterator[None]:
        """Asks for what is missing and writes it, block by block."""
        headers = {"User-Agent": f"tfast/{tfast.__version__}", "Accept-Encoding": "identity"}
        begin = file.tell() if self.validator else 0
        if begin:
            headers |= {"Range": f"bytes={begin}-", "If-Range": str(self.validator)}
        try:
            request = urllib.request.Request(self.address, headers=headers)
            with _breaking_off():
                response = _OPENER.open(request, timeout=self.timeout)
            with response:
                self._begin(response, file, begin)
                while block := _read(response):
                    file.write(block)
                    yield
        except urllib.error.HTTPError as error:
            error.close()
            if error.code >= 500 or error.code == 429:
                raise _BrokenOffError(f"HTTP {error.code} {error.reason}") from error
            raise ValueError(f"{self.address}: HTTP {error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            # No address, no server, no certificate: another attempt would end alike.
            if not isinstance(error.reason, (TimeoutError, ConnectionResetError)):
                raise ValueError(f"{self.address} cannot be reached: {error.reason}") from error
            raise _BrokenOffError(str(error.reason)) from error
        if self.length is not None and file.tell() != self.length:
            raise _BrokenOffError("it ended early")

    def _begin(self, response: http.client.HTTPResponse, file: BinaryIO, begin: int) -> None:
        """Reads what the server says of the file."""
        length = response.headers.get("Content-Length")
        is_rest = response.status == 206 and _range_begin(response) == begin
        if not is_rest:
            if response.status != 200:
                raise ValueError(f"{self.address}: HTTP {response.status} {response.reason}")
            begin = 0
        file.seek(begin)
        file.truncate()
        self.length = begin + int(length) if length else None
        tag = response.headers.get("ETag")
        # A weak tag says nothing of single bytes.
        self.validator = None if tag and tag.startswith("W/") else tag


@contextlib.contextmanager
def _breaking_off() -> Iterator[None]:
    """For what the network does alone: of an OSError over the file, another attempt is no help."""
    try:
        yield
    except urllib.error.URLError:  # an OSError too, which says more
        raise
    except (http.client.HTTPException, OSError) as error:
        raise _BrokenOffError(str(error) or type(error).__name__) from error


def _read(response: http.client.HTTPResponse) -> bytes:
    with _breaking_off():
        return response.read(_BLOCK)


def _range_begin(response: http.client.HTTPResponse) -> int | None:
    """Where the part that a server sends begins: of "bytes 5-9/10" it is 5."""
    unit, _, numbers = (response.headers.get("Content-Range") or "").partition(" ")
    begin = numbers.partition("-")[0]
    return int(begin) if unit == "bytes" and begin.isdigit() else None


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        """Follows, but not to where everybody can read along and write."""
        is_open = not newurl.lower().startswith("https:")
        if req.full_url.lower().startswith("https:") and is_open:
            raise ValueError(f"{req.full_url} leads to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_SafeRedirects)


class _Progress:
    """A line on standard error that grows, in a terminal; elsewhere a line at the end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self.next_time = 0.0

    def show(self, done: int, total: int | None) -> None:
        if self.is_terminal and time.monotonic() >= self.next_time:
            self.next_time = time.monotonic() + 0.2
            part = f"{done / total:4.0%} of {_megabytes(total)}" if total else _megabytes(done)
            bar = "#" * (30 * done // total) if total else ""
            print(f"\r{self.name} [{bar:30}] {part}", end="", file=sys.stderr, flush=True)

    def end(self, done: int) -> None:
        if sys.stderr is not None:
            begin = "\r" if self.is_terminal else ""
            clear = " " * 30 if self.is_terminal else ""
            print(f"{begin}{self.name}: {_megabytes(done)} fetched{clear}", file=sys.stderr)

    def abandon(self) -> None:
        if self.is_terminal:
            print(file=sys.stderr)


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:,.1f} MB"
