import dataclasses
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_data import write_images

import tfast.runtime
from tfast.export import export_text_classifier
from tfast.recipes import InputError, PortableExport
from tfast.recipes.results import write_json
from tfast.recipes.served import Served
from tfast.text import TextClassifier, TextTokenizer, Vocabulary
from tfast.text.tokenization import tokenizer_files
from tfast.text.tokenization.tokenizer_files import save_tokenizer
from tfast.vision import ImagePreprocessing

TEXTS = ("hi @tom , fine", "dull and sad", "", "fine fine", "sad @tom")


@pytest.fixture(scope="module")
def text_run(tmp_path_factory):
    """What a text run leaves of its model, whose tokenizer is not the one with no arguments."""
    folder = tmp_path_factory.mktemp("texts") / "run"
    tokenizer = TextTokenizer(split_mentions=True)
    vocabulary = Vocabulary.from_tokens([tokenizer(tf.constant(TEXTS * 2))])
    keras.utils.set_random_seed(0)
    model = TextClassifier(len(vocabulary), 2, embed_size=4, hidden_size=6, num_layers=1)
    export_text_classifier(model, tokenizer, vocabulary, folder / "saved_model", ["bad", "good"])
    model.save(folder / "classifier.keras")
    vocabulary.save(folder / "vocabulary.txt")
    save_tokenizer(tokenizer, folder)
    names = ("bad", "good")
    Served(kind="text", model="classifier.keras", class_names=names, examples=TEXTS).write(folder)
    return folder


@pytest.fixture(scope="module")
def image_run(tmp_path_factory):
    """The same of images, with paths of images as examples."""
    folder = tmp_path_factory.mktemp("images") / "run"
    images = write_images(folder / "images", count=4)
    keras.utils.set_random_seed(0)
    layers = [keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential([*layers, keras.layers.Dense(2)]).save(folder / "model.keras")
    write_json(folder / "preprocessing.json", ImagePreprocessing(crop_ratio=1.0).to_dict())
    Served(
        kind="image",
        model="model.keras",
        class_names=("bright", "dark"),
        image_size=16,
        examples=[str(path) for path in sorted(images.glob("*/*.png"))],
    ).write(folder)
    return folder


def test_a_folder_answers_texts_as_the_saved_model_of_the_run(text_run, tmp_path):
    texts = ["@tom is fine", "a sad one", "fine " * 30]
    assert PortableExport(model=text_run).run(tmp_path / "out") < 1e-4
    serve = tf.saved_model.load(str(text_run / "saved_model")).signatures["serving_default"]
    found = tfast.runtime.load(tmp_path / "out").classify(texts)
    expected = serve(text=tf.constant(texts))["probabilities"]
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)


def test_settings_reach_the_folder_and_other_texts_may_be_compared(text_run, tmp_path):
    others = tmp_path / "others.csv"
    others.write_text("text\n" + "\n".join(f"fine {i}" for i in range(6)))
    recipe = PortableExport(
        model=text_run, file_format="litert", precision="float16", max_tokens=3, examples=others
    )
    recipe.run(tmp_path / "out")
    classifier = tfast.runtime.load(tmp_path / "out")
    assert (tmp_path / "out" / "model.tflite").exists()
    assert classifier.folder.description["precision"] == "float16"
    assert classifier.folder.description["tokenizer"]["max_tokens"] == 3
    kept = [example["text"] for example in classifier.folder.description["examples"]]
    assert kept == [f"fine {i}" for i in range(5)]


def test_images_are_classified_with_ranges_measured_on_those_of_the_run(image_run, tmp_path):
    assert PortableExport(model=image_run, precision="int8").run(tmp_path / "out") < 0.1
    classifier = tfast.runtime.load(tmp_path / "out")
    path = image_run / "images" / "dark" / "0.png"
    assert classifier.classify([path]).probabilities.shape == (1, 2)
    with pytest.raises(InputError, match="out exists; choose another path"):
        PortableExport(model=image_run).run(tmp_path / "out")
    others = PortableExport(model=image_run, examples=image_run / "images" / "dark")
    others.run(tmp_path / "out", overwrite=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "nowhere"}, "serving.json cannot be read"),
        ({"max_tokens": 5}, "max_tokens must be left out for images"),
        ({"examples": "nowhere"}, "examples must be a file or folder, got nowhere"),
    ],
)
def test_what_does_not_fit_is_an_input_error(image_run, tmp_path, settings, message):
    with pytest.raises(InputError, match=message):
        PortableExport(**({"model": image_run} | settings)).run(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_is_not_overwritten_by_what_is_made_of_it(text_run):
    for output in (text_run, text_run / ".." / "run", text_run.parent):
        with pytest.raises(InputError, match="output must be another folder than model"):
            PortableExport(model=text_run).run(output, overwrite=True)
    assert (text_run / "classifier.keras").exists()


def test_without_its_images_a_run_can_be_exported_but_for_int8(image_run, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(image_run, moved)
    served = Served.read(image_run)
    dataclasses.replace(served, examples=["/gone/0.png"]).write(moved)
    assert PortableExport(model=moved).run(tmp_path / "out") < 1e-4


def test_texts_that_sentencepiece_splits_are_refused(text_run, tmp_path, monkeypatch):
    splitter = SimpleNamespace(splitter="another")
    monkeypatch.setattr(tokenizer_files, "load_tokenizer", lambda folder: splitter)
    with pytest.raises(InputError, match=r"split as English, .*: serve its saved_model"):
        PortableExport(model=text_run).run(tmp_path / "out")


def test_what_is_gone_of_a_run_is_named(tmp_path):
    served = {"kind": "image", "model": "model.keras", "class_names": ["a", "b"], "image_size": 8}
    Served(**served).write(tmp_path)
    with pytest.raises(InputError, match=r"model must be a folder with model\.keras"):
        PortableExport(model=tmp_path).run(tmp_path / "out")
    Served(**served, examples=["/gone/0.png"]).write(tmp_path)
    with pytest.raises(InputError, match=r"examples must be images .* names 1, of which 0 are"):
        PortableExport(model=tmp_path, precision="int8").run(tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="examples must be a folder of images"):
        PortableExport(model=tmp_path, examples=tmp_path / "empty").run(tmp_path / "out")
