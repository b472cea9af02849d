"""A server on this machine that plays the Hugging Face hub and S3, and fails as they can."""

import contextlib
import http.server
import time

import numpy as np

CONTENT = np.random.RandomState(0).bytes(3_000_000)
# After the first MiB, where fastai's checks end.
CHANGED = CONTENT[: 2**21] + bytes([CONTENT[2**21] ^ 1]) + CONTENT[2**21 + 1 :]


class Server(http.server.ThreadingHTTPServer):
    """Plays the hub and S3 on this machine.

    Attributes:
        answers: path to a function of the handler, which writes an answer.
        requests: method, path and Range of each request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = {}, []

    def address(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def serve(self, path, content=CONTENT, **options):
        """A file; see `Handler.send_file`."""
        self.answers[path] = lambda handler: handler.send_file(content, **options)
        return self.address(path)

    def handle_error(self, request, client_address):
        """Clients that go away are no fault."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append((self.command, self.path, self.headers.get("Range")))
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.send_error(404, "Not Found")
            self.close_connection = True
        else:
            answer(self)

    do_HEAD = do_GET

    def log_message(self, *arguments):
        pass

    def send_file(
        self, content, *, etag="one", ranges=True, stop_at=None, pause=0, length=True, headers=()
    ):
        """Answers with a file.

        Args:
            content: of the file.
            etag: its version; None for none.
            ranges: whether a part can be asked for.
            stop_at: how many bytes of an answer are sent before the connection ends.
            pause: seconds between pieces.
            length: whether the length is said.
            headers: others.
        """
        begin, wanted = 0, self.headers.get("Range")
        if wanted and ranges and self.headers.get("If-Range") in (None, f'"{etag}"'):
            begin = int(wanted.removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if begin else 200)
        if begin:
            last = len(content) - 1
            self.send_header("Content-Range", f"bytes {begin}-{last}/{len(content)}")
        if etag:
            self.send_header("ETag", f'"{etag}"')
        if length:
            self.send_header("Content-Length", str(len(content) - begin))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if self.command == "HEAD":
            return
        rest = content[begin:][:stop_at]
        with contextlib.suppress(ConnectionError):
            for i in range(0, len(rest), 500_000):
                self.wfile.write(rest[i : i + 500_000])
                time.sleep(pause)


COMMIT = "0123456789abcdef0123456789abcdef01234567"
