import collections

import pytest
from pickles import fake_module


@pytest.fixture
def fastai_classes(monkeypatch):
    """`L` and `CategoryMap` under fastai's names, with fastai's state, for pickle to write."""

    class L:
        def __init__(self, items):
            self.items = items

    class CategoryMap:
        def __init__(self, items, *, add_na=False):
            self.items = L([*["#na#"] * add_na, *items])
            self.o2i = {item: i for i, item in enumerate(self.items.items)}
            if add_na:
                self.o2i = collections.defaultdict(int, self.o2i)

    for module, cls in (("fastcore.foundation", L), ("fastai.data.transforms", CategoryMap)):
        cls.__module__, cls.__qualname__ = module, cls.__name__
        fake_module(monkeypatch, module, cls)
    return L, CategoryMap
