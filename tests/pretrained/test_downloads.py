import errno
import http.client
import io
import ssl
import urllib.request

import pytest
from loopback import CHANGED, CONTENT

from tfast.pretrained import downloads
from tfast.pretrained.checksums import check_remembered, sha256_of
from tfast.pretrained.downloads import fetch, keras_home


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE", 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "weights.pth"


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


WHOLE = ["weights.pth", "weights.pth.first_use.json"]


def test_a_file_arrives_whole_with_a_line_and_a_memory(server, path, capsys):
    fetch(server.serve("/weights.pth"), path)
    assert path.read_bytes() == CONTENT
    assert names(path) == WHOLE
    assert capsys.readouterr().err == "weights.pth: 3.0 MB fetched\n"
    check_remembered(path, sha256_of(path))


@pytest.mark.parametrize(
    "error", [ssl.SSLError(1, "decryption failed"), OSError(errno.EHOSTUNREACH, "No route to host")]
)
@pytest.mark.parametrize(
    ("owner", "method"),
    [(http.client.HTTPConnection, "getresponse"), (http.client.HTTPResponse, "read")],
)
def test_whatever_a_network_breaks_with_is_tried_again(
    server, path, monkeypatch, error, owner, method
):
    original, calls, always = getattr(owner, method), [], True

    def broken(self, *arguments):
        calls.append(None)
        if always or len(calls) % 2:
            raise error
        return original(self, *arguments)

    monkeypatch.setattr(owner, method, broken)
    with pytest.raises(ValueError, match="the connection broke off 5 times, at last after "):
        fetch(server.serve("/weights.pth"), path)
    always = False
    monkeypatch.setattr(downloads, "ATTEMPTS", 50)
    fetch(server.serve("/weights.pth"), path)
    assert path.read_bytes() == CONTENT


def test_a_full_disk_is_said_at_once(server):
    class Full(io.BytesIO):
        def write(self, block):
            raise OSError(errno.ENOSPC, "No space left on device")

    download = downloads._Download(server.serve("/weights.pth"), 5)
    with pytest.raises(OSError, match="No space left"):
        download.write_to(Full())
    assert len(server.requests) == 1


def test_nothing_has_the_final_name_before_the_file_is_whole(server, path):
    seen = []

    def answer(handler):
        handler.send_file(CONTENT, pause=0)
        seen.append(path.exists())

    server.answers["/weights.pth"] = answer
    fetch(server.address("/weights.pth"), path)
    assert seen == [False]


def test_a_connection_that_dies_is_taken_up_where_it_died(server, path):
    url = server.serve("/weights.pth", stop_at=1_000_000)
    fetch(url, path)
    assert path.read_bytes() == CONTENT
    ranges = [wanted for _, _, wanted in server.requests]
    assert ranges[0] is None
    assert [int(wanted[6:-1]) for wanted in ranges[1:]] == [1_000_000, 2_000_000]


@pytest.mark.parametrize("options", [{"ranges": False}, {"etag": None}])
def test_without_ranges_or_version_a_file_is_begun_again(server, path, options):
    attempts = []

    def answer(handler):
        attempts.append(None)
        handler.send_file(CONTENT, stop_at=1_000_000 if len(attempts) == 1 else None, **options)

    server.answers["/weights.pth"] = answer
    fetch(server.address("/weights.pth"), path)
    assert path.read_bytes() == CONTENT


def test_a_file_that_changes_in_between_is_begun_again(server, path):
    versions = [(CONTENT, "one", 2_500_000), (CHANGED, "two", None)]

    def answer(handler):
        content, etag, stop_at = versions.pop(0)
        handler.send_file(content, etag=etag, stop_at=stop_at)

    server.answers["/weights.pth"] = answer
    fetch(server.address("/weights.pth"), path)
    assert path.read_bytes() == CHANGED


def test_a_connection_that_always_dies_leaves_nothing(server, path):
    url = server.serve("/weights.pth", stop_at=100_000, ranges=False)
    with pytest.raises(ValueError, match="broke off 5 times, at last after 100,000 of 3,000,000"):
        fetch(url, path)
    assert names(path) == []


@pytest.mark.parametrize(
    ("code", "attempts", "message"),
    [(404, 1, "HTTP 404 Not Found"), (403, 1, "HTTP 403"), (503, 5, "broke off 5 times.*HTTP 503")],
)
def test_what_the_server_refuses_is_said_in_one_line(server, path, code, attempts, message):
    server.answers["/weights.pth"] = lambda handler: handler.send_error(code)
    with pytest.raises(ValueError, match=rf"^http://127.*/weights.pth: .*{message}") as caught:
        fetch(server.address("/weights.pth"), path)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == attempts
    assert names(path) == []


def test_no_server_is_said_in_one_line(path):
    with pytest.raises(ValueError, match=r"^http://127.0.0.1:1/a cannot be reached: .*refused"):
        fetch("http://127.0.0.1:1/a", path)


def test_redirects_are_followed_but_not_out_of_https(server, path):
    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", server.serve("/elsewhere"))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answers["/weights.pth"] = redirect
    fetch(server.address("/weights.pth"), path)
    assert path.read_bytes() == CONTENT

    handler = downloads._SafeRedirects()
    request = urllib.request.Request("https://a.test/file")
    headers = http.client.HTTPMessage()
    assert handler.redirect_request(request, None, 302, "", headers, "https://b.test/file")
    with pytest.raises(ValueError, match=r"leads to http://b.test/file, which is not encrypted"):
        handler.redirect_request(request, None, 302, "", headers, "http://b.test/file")


def test_a_slow_stream_is_waited_for_and_a_silent_one_is_not(server, path, monkeypatch):
    fetch(server.serve("/slow", pause=0.1), path, timeout=0.5)
    assert path.read_bytes() == CONTENT
    path.unlink()
    monkeypatch.setattr(downloads, "ATTEMPTS", 1)
    with pytest.raises(ValueError, match="timed out"):
        fetch(server.serve("/silent", pause=2), path, timeout=0.3)
    assert not path.exists()


def test_another_file_than_at_first_is_refused_wherever_it_differs(server, path):
    fetch(server.serve("/weights.pth"), path)
    path.unlink()
    url = server.serve("/weights.pth", CHANGED, etag="two")
    with pytest.raises(ValueError, match="is not the file that was first used: its SHA-256 is"):
        fetch(url, path)
    assert names(path) == WHOLE[1:]


def test_a_hash_that_is_given_must_be_that_of_the_file(server, path):
    url = server.serve("/weights.pth")
    with pytest.raises(ValueError, match=r"sha256 must be that of weights.pth, which is .*, got 0"):
        fetch(url, path, sha256="0" * 64)
    assert names(path) == []
    fetch(url, path)
    digest = sha256_of(path)
    fetch(url, path, sha256=digest.upper())


def test_a_stream_of_unknown_length_is_taken(server, path):
    fetch(server.serve("/weights.pth", length=False), path)
    assert path.read_bytes() == CONTENT


def test_only_the_web_is_read(path):
    with pytest.raises(ValueError, match="address must begin with http:// or https://, got 'file:"):
        fetch("file:///etc/passwd", path)


def test_keras_home_is_read_when_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "a"))
    assert keras_home() == tmp_path / "a"
    monkeypatch.delenv("KERAS_HOME")
    assert keras_home().name == ".keras"


def test_in_a_terminal_progress_is_shown(server, path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    fetch(server.serve("/weights.pth"), path)
    assert "% of 3.0 MB" in capsys.readouterr().err
