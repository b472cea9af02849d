import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_ci_runs_the_very_test_command_of_the_readme():
    *_, test_command = (ROOT / ".ci" / "run").read_text().splitlines()
    assert "-m pytest" in test_command
    assert test_command in README.splitlines()


def test_pre_commit_has_the_ruff_of_the_project():
    configuration = (ROOT / ".pre-commit-config.yaml").read_text()
    version = re.search(r"rev: v(\S+)", configuration)[1]
    assert f'"ruff=={version}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_and_pages_that_a_page_names_exist(page):
    text = page.read_text()
    for name in re.findall(r"scripts/[\w/]+\.py", text):
        assert (ROOT / name).is_file(), f"{page.name} names {name}"
    for target in re.findall(r"\]\(([\w/.]+?)(?:#[\w-]+)?\)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_readme_fits_on_three_screens():
    assert len(README.splitlines()) <= 150


def examples_of(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def test_image_examples_of_the_readme_run_one_after_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for label in ("cat", "dog"):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for number in range(5):
            pixels = random.integers(0, 256, (70, 80, 3), "uint8")
            (folder / f"{number}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    training, serving, _ = examples_of(ROOT / "README.md")
    names = {}
    exec(training, names)
    exec(serving, names)
    assert names["answer"]["labels"].numpy().tolist()[0] in (b"cat", b"dog")


def test_text_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for example in examples_of(ROOT / "docs" / "texts.md"):
        exec(example, names)
    for folder in ("served_texts", "served_blend"):
        served = tf.saved_model.load(folder).signatures["serving_default"]
        assert served(text=tf.constant(["Fine!", ""]))["probabilities"].shape == (2, 2)
    (tmp_path / "runs" / "reviews").mkdir(parents=True)
    (tmp_path / "served_texts").rename(tmp_path / "runs" / "reviews" / "saved_model")
    *_, serving = examples_of(ROOT / "README.md")
    capsys.readouterr()
    exec(serving, {})
    assert re.search(r"b'(bad|good)'", capsys.readouterr().out)
