"""Installs the oldest, or the newest, versions that pyproject.toml allows and runs tests with them.

    python scripts/try_versions.py oldest runs/oldest tests/test_files.py tests/recipes

The first word says which versions, the second where the environment goes; what follows is pytest's.
Needs uv (`pip install uv`), which alone resolves to the oldest versions, and a package index.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
# Of the tests themselves: not what is tried.
TOOLS = ("pytest", "pytest-xdist", "hypothesis", "safetensors")


def main(which: str, folder: str, *pytest_arguments: str) -> int:
    """Gives the exit code of pytest."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    environment = Path(folder).absolute()
    listed = environment.with_suffix(".txt")
    listed.parent.mkdir(parents=True, exist_ok=True)
    extras = [f"--extra={name}" for name in ("onnx", "litert", "jax")]
    resolution = f"--resolution={RESOLUTIONS[which]}"
    command = [uv, "pip", "compile", "-q", ROOT / "pyproject.toml", *extras, resolution]
    version = "{}.{}.{}".format(*sys.version_info[:3])
    subprocess.run([*command, "--python-version", version, "-o", listed], check=True)
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, environment], check=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [uv, "pip", "install", "-q", "--python", python, "-r", listed]
    subprocess.run([*install, *TOOLS], check=True)
    print(listed.read_text(encoding="utf-8"))
    return subprocess.run(
        [python, "-m", "pytest", "-n", "0", *pytest_arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ).returncode


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in RESOLUTIONS:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
