import hashlib
import threading

import pytest
from loopback import COMMIT, Server


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _homes(tmp_path, monkeypatch):
    """No test sees what the machine has, or goes to its network."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ENDPOINT", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def fill_hub(tmp_path):
    """A function that lays files into the hub's cache, as links to blobs."""

    def fill(repository, files):
        folder = tmp_path / "hf" / "hub" / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / COMMIT
        for new in (snapshot, folder / "refs", folder / "blobs"):
            new.mkdir(parents=True, exist_ok=True)
        (folder / "refs" / "main").write_text(COMMIT)
        for name, content in files.items():
            digest = hashlib.sha256(content).hexdigest()
            if len(content) < 10_000:  # not kept by Git LFS
                digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            (folder / "blobs" / digest).write_bytes(content)
            (snapshot / name).symlink_to(f"../../blobs/{digest}")
        return snapshot

    return fill
