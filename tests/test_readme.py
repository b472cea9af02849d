import re
from pathlib import Path

import numpy as np
import tensorflow as tf

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_ci_runs_the_very_test_command_of_the_readme():
    commands = (ROOT / ".ci" / "run").read_text().splitlines()
    test_command = next(line for line in commands if "-m pytest" in line)
    assert test_command in README.splitlines()


def test_scripts_that_the_readme_names_exist():
    names = set(re.findall(r"scripts/(\w+\.py)", README))
    assert {"train_images.py", "train_ulmfit.py", "import_fastai.py"} <= names
    assert all((ROOT / "scripts" / name).is_file() for name in names)


def test_examples_run_one_after_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for label in ("cat", "dog"):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True)
        for number in range(4):
            pixels = random.integers(0, 256, (70, 80, 3), "uint8")
            (folder / f"{number}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 3
    names = {}
    for example in examples:
        exec(example, names)
    assert names["answer"]["labels"].numpy().tolist()[0] in (b"cat", b"dog")
    served = tf.saved_model.load("served_texts").signatures["serving_default"]
    assert served(text=tf.constant(["Fine!", ""]))["probabilities"].shape == (2, 2)
