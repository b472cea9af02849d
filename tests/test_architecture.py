"""The rules of the house, read from the syntax tree."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tfast

PACKAGE = Path(tfast.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
# What each room may not import.
FORBIDDEN = {
    "vision": {"text", "export", "fastai"},
    "text": {"vision", "export", "fastai"},
    "training": {"vision", "text", "export", "fastai"},
}


def imported_names(path):
    """Full dotted names of every module (and member) a file imports, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_import_only_what_they_may(path):
    room = path.relative_to(PACKAGE).parts[0]
    for name in imported_names(path):
        parts = name.split(".")
        assert parts[0] != "tensorflow_addons", f"{path} imports {name}"
        if parts[0] == "tfast" and len(parts) > 1:
            assert parts[1] not in FORBIDDEN.get(room, ()), f"{path} imports {name}"


def test_the_rule_sees_an_import_that_breaks_it(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("def f():\n    from tfast.text import rules\n")
    assert list(imported_names(file)) == ["tfast.text.rules"]


def test_no_module_is_named_utils():
    assert not [path for path in MODULES if path.stem == "utils"]


def test_importing_tfast_imports_nothing_heavy():
    heavy = "{'tensorflow', 'keras', 'matplotlib', 'numpy', 'torch', 'jax'}"
    code = f"import sys, tfast; sys.exit(len({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
