import dataclasses

import pytest

from tfast.pretrained.entries import Entry


def test_an_entry_needs_a_name_a_kind_a_loader_and_files():
    entry = Entry(name="a/b", kind="image", loader="m", files=("a.pth",))
    assert (entry.addresses, entry.licence, entry.result) == ({}, None, "")
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.name = "c"
