"""The rules of the house, read from the syntax tree."""

import ast
import functools
import importlib
import inspect
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import pytest

import tfast

PACKAGE = Path(tfast.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
GROUND = {"files", "arguments", "errors", "types"}
# What the modules of each room may import of tfast, besides their own room.
ALLOWED = {
    "files": GROUND,
    "arguments": GROUND,
    "data": GROUND,
    "training": GROUND | {"data"},
    "vision": GROUND | {"data", "training"},
    "text": GROUND | {"data", "training"},
    # The writers of portable folders read them, to see that they are right.
    "export": GROUND | {"data", "training", "vision", "text", "runtime"},
    "fastai": GROUND | {"data", "training", "vision", "text"},
    "saving": GROUND | {"training", "vision", "text"},
    # It publishes portable folders too.
    "pretrained": GROUND | {"data", "training", "vision", "text", "export", "fastai", "saving"},
    "recipes": GROUND
    | {"data", "training", "vision", "text", "export", "fastai", "saving", "pretrained"},
    "runtime": GROUND,
    "cli": GROUND | {"recipes", "runtime", "vision", "training", "export", "text", "pretrained"},
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


@pytest.mark.parametrize("room", sorted({room_of(path) for path in MODULES}))
def test_rooms_import_only_what_they_may(room):
    allowed = ALLOWED.get(room, set()) | {room}
    for path in [path for path in MODULES if room_of(path) == room]:
        for name in imported_names(path):
            parts = name.split(".")
            assert parts[0] != "tensorflow_addons", f"{path} imports {name}"
            if parts[0] == "tfast" and len(parts) > 1 and parts[1] != "__version__":
                assert parts[1] in allowed, f"{path} imports {name}"


def test_the_rule_sees_an_import_that_breaks_it(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("def f():\n    from tfast.text import rules\n")
    assert list(imported_names(file)) == ["tfast.text.rules"]


@pytest.mark.parametrize("room", ["runtime", "files", "arguments", "errors", "types"])
def test_runtime_needs_three_packages_alone(room):
    paths = [path for path in MODULES if room_of(path) == room]
    assert paths
    packages = {name.split(".")[0] for path in paths for name in imported_names(path)}
    assert packages - set(sys.stdlib_module_names) <= RUNTIME_PACKAGES


KERAS_PRIVATE = PACKAGE / "training" / "optimizers" / "keras_private.py"


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def private_names(tree):
    """Private attributes and methods that the classes of a syntax tree have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            yield node.attr
        elif isinstance(node, ast.FunctionDef) and is_private(node.name):
            yield node.name


@functools.cache
def private_names_of_keras():
    folder = Path(inspect.getfile(keras)).parent / "src"
    files = [path for path in folder.rglob("*.py") if not path.stem.endswith("_test")]
    return frozenset(name for path in files for name in private_names(ast.parse(path.read_text())))


@functools.cache
def private_names_of_class(kind):
    return frozenset(private_names(ast.parse(textwrap.dedent(inspect.getsource(kind)))))


def by_name(node):
    """What stands where an attribute is named by a string: getattr, vars(...)[...] and the like.

    And what is in a set: names are taken out of `vars(...)` by one.
    """
    functions = ("getattr", "setattr", "hasattr", "delattr", "set_untracked", "wrap_method")
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.Set):
        return node.elts
    return node.args[1:2] if isinstance(node.func, ast.Name) and node.func.id in functions else []


def private_uses_of_keras(path):
    """What a file uses of Keras that has no public name, with the line."""
    tree = ast.parse(path.read_text())
    for name in imported_names(path):
        if name.startswith("keras.src"):
            yield 1, name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in private_names_of_keras():
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield node.lineno, node.attr
        elif isinstance(node, ast.Subscript | ast.Call | ast.Set):
            words = {part.value for part in by_name(node) if isinstance(part, ast.Constant)}
            yield from ((node.lineno, word) for word in words & private_names_of_keras())
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.bases:
            module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            kinds = getattr(importlib.import_module(module), node.name).__mro__
            for kind in kinds:
                if kind.__module__.startswith("keras."):
                    for name in set(private_names(node)) & private_names_of_class(kind):
                        yield node.lineno, name


def test_private_names_of_keras_are_in_one_module():
    paths = [path for path in MODULES if path != KERAS_PRIVATE]
    uses = {str(path): list(private_uses_of_keras(path)) for path in paths}
    assert not {path: found for path, found in uses.items() if found}


def test_the_rule_sees_private_names(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "broken")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken").mkdir()
    file = tmp_path / "broken" / "rules.py"
    file.write_text(
        "import keras\n"
        "from keras.src import ops\n"
        "def f(model):\n"
        "    names = vars(model).keys() - {'_nodes_by_depth'}\n"
        "    return names, model._flatten_layers, getattr(model, '_compile_config')\n"
        "class Mine(keras.optimizers.SGD):\n"
        "    def update_step(self, gradient, variable, rate):\n"
        "        return self._get_variable_index(variable), self._mine\n"
        "    def _clip_gradients(self, gradients):\n"
        "        return gradients\n"
    )
    assert sorted({name for _, name in private_uses_of_keras(file)}) == [
        *("_clip_gradients", "_compile_config", "_flatten_layers", "_get_variable_index"),
        *("_nodes_by_depth", "keras.src.ops"),
    ]


def test_no_module_is_named_utils():
    assert not [path for path in MODULES if path.stem == "utils"]


def test_each_module_has_a_test_file_of_its_name():
    relatives = [path.relative_to(PACKAGE) for path in MODULES]
    # These have no behaviour of their own.
    relatives = [path for path in relatives if path.stem not in ("__init__", "__main__", "types")]
    missing = [
        str(path)
        for path in relatives
        if not (TESTS / path.with_name(f"test_{path.name}")).is_file()
    ]
    assert not missing


def test_importing_tfast_imports_nothing_heavy():
    heavy = "{'tensorflow', 'keras', 'matplotlib', 'numpy', 'torch', 'jax', 'lazy_loader'}"
    code = f"import sys, tfast; sys.exit(len({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that begin as copies")
def test_names_are_reachable_without_another_import():
    expressions = [
        "tfast.vision.xresnet.xresnet18",
        "tfast.vision.mixup(0.4)",
        "tfast.text.TextTokenizer",
        "tfast.text.models.classifier.TextClassifier",
        "tfast.training.LayerwiseLearningRates",
        "tfast.fastai.xresnet_from_fastai",
        "tfast.pretrained.load",
        "tfast.load_model",
    ]
    # A process for each; what takes its time to import they have from the first.
    code = f"""
import os, keras, tensorflow, tfast
for expression in {expressions}:
    child = os.fork()
    if not child:
        os._exit(not callable(eval(expression)))
    if os.waitpid(child, 0)[1]:
        print(expression)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    assert done.stdout == b""


@pytest.mark.parametrize("room", ["vision", "text", "training", "fastai", "export", "pretrained"])
def test_every_public_name_of_a_package_exists(room):
    package = getattr(tfast, room)
    for name in package.__all__:
        getattr(package, name)
