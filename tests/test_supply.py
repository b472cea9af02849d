"""The list of files that CI installs and the bill of materials say what pyproject.toml says."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
bill = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "make_bill_of_materials.py")))
CASES = [(extra, found) for extra, some in bill.requirements().items() for found in some]


def test_every_file_that_ci_installs_has_a_hash():
    entries = re.split(r"\n(?=\S)", bill.LOCK.read_text())
    pinned = [entry for entry in entries if not entry.startswith("#")]
    assert len(pinned) > 50
    for entry in pinned:
        assert re.match(r"[\w.-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    assert "--require-hashes" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize(("extra", "requirement"), CASES, ids=str)
def test_versions_that_ci_installs_are_allowed_and_in_the_bill(extra, requirement):
    locked = bill.locked_versions().get(canonicalize_name(requirement.name))
    assert locked is not None, extra
    assert requirement.specifier.contains(locked, prereleases=True)
    row = f"| {requirement.name} | {requirement.specifier or 'any'}"
    assert row in bill.PAGE.read_text(), "run scripts/make_bill_of_materials.py"


def test_the_bill_lists_every_package():
    page = bill.PAGE.read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page if "|" in line]
    listed = {(canonicalize_name(row[0]), cell) for row in rows for cell in row[1:]}
    assert set(bill.locked_versions().items()) <= listed


def test_advice_to_install_names_no_package_that_is_not_on_pypi():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "tfast").rglob("*.py")]
    for path in pages:
        advice = re.findall(r"pip install [^`\n]*", path.read_text())
        assert not [words for words in advice if re.search(r"\btfast\b", words)], path
