"""The rules of the house, read from the syntax tree."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tfast

PACKAGE = Path(tfast.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
GROUND = {"files", "arguments", "types"}
# What the modules of each room may import of tfast, besides their own room.
ALLOWED = {
    "data": GROUND,
    "training": GROUND | {"data"},
    "vision": GROUND | {"data", "training"},
    "text": GROUND | {"data", "training"},
    "export": GROUND | {"data", "training", "vision", "text"},
    "fastai": GROUND | {"data", "training", "vision", "text"},
    "saving": GROUND | {"training", "vision", "text"},
    "recipes": GROUND | {"data", "training", "vision", "text", "export", "fastai", "saving"},
    "runtime": GROUND,
    "cli": GROUND | {"recipes", "runtime", "vision", "training", "export", "text"},
}
# The reader of portable folders runs with these alone, beside Python itself.
RUNTIME_PACKAGES = {"numpy", "onnxruntime", "ai_edge_litert", "PIL", "tfast"}


def imported_names(path):
    """Full dotted names of every module (and member) a file imports, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_import_only_what_they_may(path):
    room = room_of(path)
    allowed = ALLOWED.get(room, set()) | {room}
    for name in imported_names(path):
        parts = name.split(".")
        assert parts[0] != "tensorflow_addons", f"{path} imports {name}"
        if parts[0] == "tfast" and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in allowed, f"{path} imports {name}"


def test_the_rule_sees_an_import_that_breaks_it(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("def f():\n    from tfast.text import rules\n")
    assert list(imported_names(file)) == ["tfast.text.rules"]


@pytest.mark.parametrize("room", ["runtime", "files", "arguments", "types"])
def test_runtime_needs_three_packages_alone(room):
    paths = [path for path in MODULES if room_of(path) == room]
    assert paths
    packages = {name.split(".")[0] for path in paths for name in imported_names(path)}
    assert packages - set(sys.stdlib_module_names) <= RUNTIME_PACKAGES


def test_no_module_is_named_utils():
    assert not [path for path in MODULES if path.stem == "utils"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_module_has_a_test_file_of_its_name(path):
    relative = path.relative_to(PACKAGE)
    if relative.stem in ("__init__", "__main__", "types"):
        pytest.skip("has no behaviour of its own")
    test = TESTS / relative.with_name(f"test_{relative.name}")
    assert test.is_file(), f"{relative} has no {test.relative_to(TESTS)}"


def test_importing_tfast_imports_nothing_heavy():
    heavy = "{'tensorflow', 'keras', 'matplotlib', 'numpy', 'torch', 'jax', 'lazy_loader'}"
    code = f"import sys, tfast; sys.exit(len({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "expression",
    [
        "tfast.vision.xresnet.xresnet18",
        "tfast.vision.mixup(0.4)",
        "tfast.text.TextTokenizer",
        "tfast.text.models.classifier.TextClassifier",
        "tfast.training.LayerwiseLearningRates",
        "tfast.fastai.xresnet_from_fastai",
        "tfast.load_model",
    ],
)
def test_names_are_reachable_without_another_import(expression):
    code = f"import tfast; assert callable({expression})"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("room", ["vision", "text", "training", "fastai", "export"])
def test_every_public_name_of_a_package_exists(room):
    package = getattr(tfast, room)
    for name in package.__all__:
        getattr(package, name)
