import dataclasses
import json
import os
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_data import TINY_IMAGES, write_images

from tfast.recipes import ImageRecipe, InputError
from tfast.recipes.image_preparation import find_images, fingerprint, write_digits


def test_one_folder_is_split_class_by_class_the_same_each_time(images, tmp_path):
    recipe = ImageRecipe(data=images, valid=0.25)
    training, validation = find_images(recipe, tmp_path)
    assert (len(training.labels), list(validation.labels)) == (18, [0] * 3 + [1] * 3)
    paths = {*training.file_paths, *validation.file_paths}
    assert paths == set(map(str, images.rglob("*.png")))
    again = find_images(recipe, tmp_path)
    assert [part.file_paths for part in again] == [training.file_paths, validation.file_paths]
    _, other = find_images(ImageRecipe(data=images, valid=0.25, seed=2), tmp_path)
    assert other.file_paths != validation.file_paths


def test_a_folder_of_validation_images_has_the_class_numbers_of_training(images, tmp_path):
    write_images(tmp_path / "valid", count=2)
    recipe = ImageRecipe(data=images, valid=tmp_path / "valid")
    training, validation = find_images(recipe, tmp_path)
    assert len(training.labels) == 24
    assert list(validation.labels) == [0, 0, 1, 1]


@pytest.mark.parametrize("fault", ["empty", "one class", "broken file", "no image model"])
def test_bad_input_is_an_input_error_and_begins_no_run(images, tmp_path, fault):
    settings, expected = {"data": images}, {"empty": "fold", "one class": "class"}.get(fault)
    if fault == "broken file":
        (images / "dark" / "x.png").write_bytes(b"\x89PNG no image")
        expected = "x.png"
    elif fault == "no image model":
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
        settings["pretrained"] = tmp_path / "other.keras"
        expected = "other.keras is not an image model"
    else:
        settings["data"] = tmp_path / "other"
        settings["data"].mkdir()
        if fault == "one class":
            write_images(tmp_path / "both")
            (tmp_path / "both" / "dark").rename(settings["data"] / "dark")
    with pytest.raises(InputError, match=expected):
        ImageRecipe(**settings, **TINY_IMAGES).prepare(tmp_path / "run")
    # At most what is known of the images: with the broken one repaired, it need not be found again.
    assert not list((tmp_path / "run").glob("[!c]*"))
    assert not list((tmp_path / "run").glob("checkpoint*"))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((32, 32, 3), r"image_size must be the model's own, \(32, 32\), got \(16, 16\)"),
        ((None, None, 1), "must take images of 3 channels, .* got 1"),
    ],
)
def test_a_pretrained_model_of_other_images_is_refused_before_any_is_read(
    images, tmp_path, shape, message
):
    layers = [keras.layers.Conv2D(2, 1), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential([keras.Input(shape), *layers]).save(tmp_path / "other.keras")
    recipe = ImageRecipe(data=images, pretrained=tmp_path / "other.keras", **TINY_IMAGES)
    with pytest.raises(InputError, match=message):
        recipe.prepare(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_bad_images_are_skipped_where_that_is_asked_for(images, tmp_path):
    (images / "dark" / "x.png").write_bytes(b"\x89PNG no image")
    recipe = ImageRecipe(data=images, skip_bad_images=True)
    with pytest.warns(UserWarning, match=r"x\.png"):
        training, validation = find_images(recipe, tmp_path)
    assert len(training.labels) + len(validation.labels) == 24


def test_fingerprint_tells_files_of_another_name_or_size_apart(images, tmp_path):
    recipe = ImageRecipe(data=images)
    before, _ = find_images(recipe, tmp_path)
    expected = fingerprint(before)
    images.rename(tmp_path / "moved")
    moved, _ = find_images(ImageRecipe(data=tmp_path / "moved"), tmp_path)
    assert fingerprint(moved) == expected
    changed = next(path for path in moved.file_paths)
    tf.io.write_file(changed, tf.io.encode_png(tf.zeros((20, 16, 3), tf.uint8)))
    assert fingerprint(moved) != expected


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode there")
def test_files_need_no_utf8_names(images, tmp_path):
    path = next((images / "dark").iterdir())
    path.rename(path.with_name(os.fsdecode(b"caf\xe9.png")))
    training, validation = find_images(ImageRecipe(data=images), tmp_path)
    assert fingerprint(training) != fingerprint(validation)


def test_digits_are_written_as_a_folder_of_images(tmp_path):
    write_digits(tmp_path / "digits")
    assert len(list((tmp_path / "digits").rglob("*.png"))) == 1797
    pixels = tf.io.decode_png((tmp_path / "digits" / "0" / "0000.png").read_bytes())
    assert pixels.shape == (8, 8, 1)
    assert int(tf.reduce_max(pixels)) > 200


@pytest.mark.usefixtures("tiny_xresnet")
def test_a_result_of_other_settings_is_not_replaced(images, tmp_path):
    recipe = ImageRecipe(data=images, **TINY_IMAGES)
    result = {"settings": recipe.prepare(tmp_path).settings}
    (tmp_path / "result.json").write_text(json.dumps(result))
    recipe.prepare(tmp_path, resume=True)
    with pytest.raises(InputError, match=r"result\.json is of a run .*: mixup=0.2 \(now 0.4\)"):
        dataclasses.replace(recipe, mixup=0.4).prepare(tmp_path, resume=True)


@pytest.mark.usefixtures("tiny_xresnet")
def test_a_prepared_model_is_compiled_for_its_classes(images, tmp_path):
    recipe = ImageRecipe(data=images, activation="mish", **TINY_IMAGES)
    prepared = recipe.prepare(tmp_path / "run")
    assert prepared.model.output_shape == (None, 2)
    assert prepared.class_names == ("bright", "dark")
    assert prepared.model.compiled
    # Two epochs of ceil(20 / 6) steps: at the end the rate is near 0.
    rates = [float(prepared.schedule(step)) for step in range(8)]
    np.testing.assert_allclose(max(rates), recipe.learning_rate, rtol=0.2)
    assert rates[-1] < 0.1 * max(rates)
