from pathlib import Path

import pytest

from tfast.pretrained.image_entries import IMAGE_ENTRIES


def test_timms_networks_have_what_timm_measured():
    entries = {entry.name: entry for entry in IMAGE_ENTRIES}
    entry = entries["timm/resnet50d.a3_in1k"]
    assert entry.repository == entry.name
    assert entry.expected_accuracy == 0.7722
    assert entry.result == "77.22% at 160 pixels, 78.74% at 224 pixels"
    assert entry.num_bytes == 102_320_000
    assert entries["timm/resnet152d.gluon_in1k"].result == "80.48% at 224 pixels"
    depths = {name.split(".")[0].removeprefix("timm/resnet") for name in entries}
    assert {"18d", "34d", "50d", "101d", "152d", "200d"} <= depths


@pytest.mark.parametrize("entry", IMAGE_ENTRIES, ids=lambda entry: entry.name)
def test_the_documentation_has_each_name_with_its_result(entry):
    page = (Path(__file__).parents[2] / "docs" / "pretrained.md").read_text()
    [row] = [line for line in page.splitlines() if line.startswith(f"| `{entry.name}` |")]
    assert row.endswith(f"| {entry.result} |")
