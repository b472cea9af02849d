import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from small_data import TINY_IMAGES, write_images

from tfast.recipes import ImageRecipe, InputError, PortableExport
from tfast.recipes.image_outputs import plot_worst
from tfast.recipes.served import Served
from tfast.training.inspection import figures
from tfast.vision import image_files
from tfast.vision.preprocessing import ImagePreprocessing

FILES = {
    "checked_images.json", "checkpoint.npz", "history.csv", "model.keras", "preprocessing.json",
    "result.json", "saved_model", "serving.json",
}  # fmt: skip
FIGURES = {"curves.png", "confusions.png", "worst.png"}


@pytest.mark.usefixtures("tiny_xresnet")
def test_a_folder_of_images_becomes_a_saved_model_and_a_report(tmp_path, monkeypatch):
    checked, check = [], image_files._reason_against
    monkeypatch.setattr(
        image_files, "_reason_against", lambda path: checked.append(path) or check(path)
    )
    # Names that matplotlib would take for mathematics.
    images = write_images(tmp_path / "images", names=("Ba$$in", "Va$e_{x"))
    output = tmp_path / "run"
    (output / ".model.keras.x1y2_789").mkdir(parents=True)  # of a writer that was killed
    recipe = ImageRecipe(data=images, **TINY_IMAGES)
    result = recipe.run(output)
    assert len(checked) == len(set(checked)) == 24
    assert {path.name for path in output.iterdir()} == FILES | FIGURES
    values = json.loads((output / "preprocessing.json").read_text())
    assert ImagePreprocessing.from_dict(values) == ImagePreprocessing(crop_ratio=1.0)
    read = json.loads((output / "result.json").read_text())
    assert read.pop("environment")
    assert read == result
    assert (result["training_images"], result["validation_images"]) == (20, 4)
    assert result["paths"] == {"data": str(images)}
    served = Served.read(output)
    assert (served.class_names, served.image_size) == (("Ba$$in", "Va$e_{x"), 16)
    assert len(served.examples) == 4
    assert all(Path(path).is_file() for path in served.examples)
    assert PortableExport(model=output, precision="int8").run(tmp_path / "portable") < 0.1

    serve = tf.saved_model.load(str(output / "saved_model")).signatures["serving_default"]
    encoded = (images / "Ba$$in" / "0.png").read_bytes()
    assert serve(image_bytes=tf.constant([encoded]))["probabilities"].shape == (1, 2)

    # Prepared again: refused; with resume, and another setting or image, too.
    with pytest.raises(InputError, match="resume it, or name another"):
        recipe.prepare(output)
    with pytest.raises(InputError, match=r"mixup=0.2 \(now 0.4\)"):
        ImageRecipe(data=images, mixup=0.4, **TINY_IMAGES).prepare(output, resume=True)
    assert len(checked) == 24  # none again
    encoded = tf.io.encode_png(tf.zeros((20, 16, 3), tf.uint8))
    (images / "Ba$$in" / "0.png").write_bytes(encoded.numpy())
    with pytest.raises(InputError, match=r"other settings: images=\{"):
        recipe.prepare(output, resume=True)
    assert len(checked) == 25


@pytest.mark.usefixtures("tiny_xresnet")
def test_figures_cannot_cost_the_run(images, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise ValueError("no figure today")

    monkeypatch.setattr(figures, "plot_curves", fail)
    with pytest.warns(UserWarning, match=r"curves.png was not drawn: ValueError: no figure today"):
        ImageRecipe(data=images, **(TINY_IMAGES | {"epochs": 1})).run(tmp_path / "run")
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == FILES | FIGURES - {"curves.png"}


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode there")
def test_a_worst_image_needs_no_utf8_name(images, tmp_path):
    path = next((images / "dark").iterdir())
    path = path.rename(path.with_name(os.fsdecode(b"caf\xe9.png")))
    prepared = SimpleNamespace(
        class_names=("bright", "dark"), validation=SimpleNamespace(file_paths=(str(path),))
    )
    figure = plot_worst(prepared, np.array([1]), np.array([[0.9, 0.1]]))
    assert len(figure.axes[0].images) == 1
