import ctypes
import os
import subprocess
import sys

from tfast.cli import environment


def test_switches_are_set_where_they_are_open(monkeypatch):
    monkeypatch.setattr(os, "environ", {"TF_ENABLE_ONEDNN_OPTS": "0"})
    environment.prepare()
    assert os.environ == {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}


def test_one_heap_is_asked_of_glibc_unless_the_environment_says_how_many(monkeypatch):
    calls = []

    class Library:
        def __init__(self, name):
            self.mallopt = lambda *arguments: calls.append(arguments)

    monkeypatch.setattr(ctypes, "CDLL", Library)
    monkeypatch.setattr(environment.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(os, "environ", {})
    environment.prepare()
    assert calls == []
    environment.prepare(one_heap=True)
    assert calls == [(-8, 1)]
    os.environ["MALLOC_ARENA_MAX"] = "4"
    environment.prepare(one_heap=True)
    monkeypatch.setattr(environment.platform, "libc_ver", lambda: ("", ""))
    del os.environ["MALLOC_ARENA_MAX"]
    environment.prepare(one_heap=True)
    assert calls == [(-8, 1)]


def test_the_library_sets_no_switch():
    code = "import os, tfast.recipes; assert 'TF_ENABLE_ONEDNN_OPTS' not in os.environ"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    subprocess.run([sys.executable, "-c", code], env=clean, check=True)
