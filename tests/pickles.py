"""Pickles that are hostile, or of classes that are not installed."""

import os
import pickle
import sys
import types


class Hostile:
    """Unpickling this makes the folder `path`."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def fake_module(monkeypatch, name, cls):
    """Makes `cls` importable as member of module `name` and of its parents."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        module = types.ModuleType(".".join(parts[:end]))
        module.__path__ = []
        monkeypatch.setitem(sys.modules, module.__name__, module)
    setattr(module, cls.__name__, cls)


def dump(path, value, protocol=4):
    path.write_bytes(pickle.dumps(value, protocol))
    return path
