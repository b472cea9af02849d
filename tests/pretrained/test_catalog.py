import importlib.util
import re

import pytest

from tfast.pretrained import catalog
from tfast.pretrained.catalog import ENTRIES, is_published, repository_of


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_each_entry_says_where_its_files_are_and_who_reads_them(entry):
    assert entry.files
    assert entry.kind in ("image", "text")
    assert importlib.util.find_spec(entry.loader) is not None
    assert sum(map(bool, (entry.repository, entry.addresses, entry.bundled))) == 1
    if entry.addresses:
        assert set(entry.addresses) == set(entry.files)
        assert all(re.match(r"https?://", address) for address in entry.addresses.values())
    assert entry.expected_accuracy is None or 0 < entry.expected_accuracy < 1


def test_the_modules_of_folders_and_files_exist():
    for table in (catalog.LOADERS_BY_FILE, catalog.LOADERS_BY_ENDING, catalog.LOADERS_BY_KIND):
        assert all(importlib.util.find_spec(module) for module in table.values())


def test_names_are_told_from_paths(tmp_path, monkeypatch):
    assert is_published("fastai/xrn50_940")
    assert is_published("hf://owner/name")
    assert is_published("tfast/english")
    assert repository_of("timm/resnet26d.bt_in1k") == "timm/resnet26d.bt_in1k"
    assert not is_published("models/trained.keras")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "timm" / "mine").mkdir(parents=True)
    assert not is_published("timm/mine")
