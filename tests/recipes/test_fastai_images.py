import json

import numpy as np
import pytest
import tensorflow as tf

from tfast.fastai.image_classifiers import image_classifier_to_fastai
from tfast.recipes import FastaiImport, InputError, PortableExport
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet


@pytest.fixture
def weights(tmp_path):
    body = xresnet(9, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
    np.savez(tmp_path / "w.npz", **image_classifier_to_fastai(transfer_model(body, 2)))
    return tmp_path / "w.npz"


def test_image_classifier(weights, tmp_path):
    (tmp_path / "labels.json").write_text('["cat", "dog"]')  # list(learn.dls.vocab)
    recipe = FastaiImport(
        weights=weights, vocabulary=tmp_path / "labels.json", image_size=32, mean=0.5, std=0.25
    )
    assert recipe.run(tmp_path / "out") < 1e-5
    image = tf.io.encode_jpeg(tf.zeros((40, 50, 3), tf.uint8))
    served = tf.saved_model.load(str(tmp_path / "out" / "saved_model"))
    answer = served.signatures["serving_default"](image_bytes=image[None])
    assert answer["labels"][0] in (b"cat", b"dog")
    preprocessing = json.loads((tmp_path / "out" / "preprocessing.json").read_text())
    assert ImagePreprocessing.from_dict(preprocessing) == ImagePreprocessing(0.5, 0.25)
    assert PortableExport(model=tmp_path / "out").run(tmp_path / "portable") < 1e-4


def test_labels_that_are_given_go_before_those_of_the_file_and_must_fit(weights, tmp_path):
    recipe = FastaiImport(weights=weights, labels=["a", "b", "c"], image_size=32)
    with pytest.raises(InputError, match="3"):
        recipe.run(tmp_path / "out")
    assert not (tmp_path / "out").exists()
