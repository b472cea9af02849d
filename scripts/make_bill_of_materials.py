"""Writes docs/bill_of_materials.md: what tfast needs, in which versions, under which licences.

Ranges come from pyproject.toml, tested versions from the list that CI installs by hashes, licences
from what is installed; run it where all extras are.
"""

import importlib.metadata
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCK = ROOT / ".ci" / "requirements-3.11.txt"
PAGE = ROOT / "docs" / "bill_of_materials.md"
NEEDED_BY = {
    "": "every installation",
    "onnx": "ONNX exports",
    "litert": "LiteRT exports",
    "jax": "the JAX backend",
    "fastai": "reading `.safetensors` files",
    "hub": "weights from the Hugging Face hub",
    "addons": "comparisons with tensorflow-addons",
    "dev": "the tests",
    "docs": "these pages",
}


def requirements() -> dict[str, list[Requirement]]:
    """What pyproject.toml names, by extra; "" for what every installation needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = {"": project["dependencies"], **project["optional-dependencies"]}
    read = {extra: [Requirement(line) for line in lines] for extra, lines in lists.items()}
    return {
        extra: [requirement for requirement in found if requirement.name != project["name"]]
        for extra, found in read.items()
        if extra in NEEDED_BY
    }


def locked_versions() -> dict[str, str]:
    """The version of each package in the list that CI installs."""
    pinned = re.findall(r"^(\S+)==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pinned}


def licence(name: str) -> str:
    """What the installed package says of its licence, in a few words."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed here"
    said = metadata.get("License-Expression") or metadata.get("License") or ""
    if 0 < len(said) < 80:
        return said
    classifiers = metadata.get_all("Classifier") or []
    of_licence = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License")]
    return ", ".join(of_licence) or "see the package"


def main() -> None:
    """Writes the page."""
    locked, lines = locked_versions(), []
    direct = set()
    for extra, found in requirements().items():
        for requirement in found:
            name = canonicalize_name(requirement.name)
            direct.add(name)
            marker = f" ({requirement.marker})" if requirement.marker else ""
            lines.append(
                f"| {requirement.name} | {requirement.specifier or 'any'}{marker} | "
                f"{locked.get(name, 'none')} | {licence(name)} | {NEEDED_BY[extra]} |"
            )
    others = [
        f"| {name} | {version} | {licence(name)} |"
        for name, version in sorted(locked.items())
        if name not in direct
    ]
    text = [
        "# Bill of materials",
        "",
        "Made by `scripts/make_bill_of_materials.py`. tfast itself is Apache-2.0; what it took",
        "from others is in NOTICE. Ranges are those of `pyproject.toml`. Tested versions are",
        "those that CI installs, on Python 3.11, from a list with the hash of each file.",
        "",
        "| package | allowed | tested | licence | needed by |",
        "|---|---|---|---|---|",
        *lines,
        "",
        "## What these bring along",
        "",
        "| package | tested | licence |",
        "|---|---|---|",
        *others,
    ]
    PAGE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
