import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.export import (
    export_image_classifier,
    export_language_model,
    export_text_classifier,
)
from tfast.export.warmup import IMAGE_BATCHES, TEXT_BATCHES, WARMUP_FILE, write_warmup
from tfast.text import LanguageModel, TextClassifier, TextTokenizer, Vocabulary
from tfast.vision.preprocessing import ImagePreprocessing

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}


def records(folder):
    return [record.numpy() for record in tf.data.TFRecordDataset(str(folder / WARMUP_FILE))]


def fields(message):
    """The fields of a message of Protocol Buffers, all of them bytes: numbers and contents."""
    found, at = [], 0

    def varint():
        nonlocal at
        number, shift = 0, 0
        while True:
            byte = message[at]
            number, at, shift = number | (byte & 0x7F) << shift, at + 1, shift + 7
            if byte < 0x80:
                return number

    while at < len(message):
        key = varint()
        assert key & 7 == 2
        length = varint()
        found.append((key >> 3, message[at : at + length]))
        at += length
    return found


def read_request(record):
    """Signature and inputs, read by the numbers of TensorFlow Serving's fields."""
    ((log, predict_log),) = fields(record)
    ((request, content),) = fields(predict_log)
    assert (log, request) == (6, 1)
    (model, spec), *inputs = fields(content)
    assert model == 1
    ((number, signature),) = fields(spec)
    assert number == 3
    tensors = {}
    for number, entry in inputs:
        (key, name), (value, tensor) = fields(entry)
        assert (number, key, value) == (2, 1, 2)
        proto = tf.make_tensor_proto(0)
        proto.ParseFromString(tensor)
        tensors[name.decode()] = tf.make_ndarray(proto)
    return signature.decode(), tensors


def export_text(folder):
    tokenizer = TextTokenizer()
    vocabulary = Vocabulary.from_tokens([tokenizer(tf.constant(["a good film"] * 2))])
    model = TextClassifier(len(vocabulary), 2, **SIZES)
    export_text_classifier(model, tokenizer, vocabulary, folder, ["bad", "good"])


def export_words(folder):
    tokenizer = TextTokenizer()
    vocabulary = Vocabulary.from_tokens([tokenizer(tf.constant(["a good film"] * 2))])
    model = LanguageModel(len(vocabulary), **SIZES)
    export_language_model(model, tokenizer, vocabulary, folder, num_words=2)


def export_images(folder):
    layers = [keras.Input((8, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    export_image_classifier(keras.Sequential(layers), folder, ["cat", "dog"], ImagePreprocessing())


@pytest.mark.parametrize("export", [export_text, export_words, export_images])
def test_each_saved_model_answers_its_warmup_requests(export, tmp_path):
    export(tmp_path / "served")
    signatures = tf.saved_model.load(tmp_path / "served").signatures
    requests = [read_request(record) for record in records(tmp_path / "served")]
    assert {signature for signature, _ in requests} == set(signatures)
    for signature, inputs in requests:
        specs = signatures[signature].structured_input_signature[1]
        tensors = {n: tf.constant(v, specs[n].dtype) for n, v in inputs.items()}
        answers = signatures[signature](**tensors)
        batch = max(len(np.atleast_1d(value)) for value in inputs.values())
        assert {len(answer) for answer in answers.values()} == {batch}
    sizes = [len(i["text" if "text" in i else next(iter(i))]) for s, i in requests if "def" in s]
    assert sizes == list(IMAGE_BATCHES if export is export_images else TEXT_BATCHES)


def test_tensorflow_serving_reads_the_requests(tmp_path):
    module = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    pixels = np.arange(2 * 300 * 3).reshape(2, 300, 1, 3).astype("uint8")
    requests = [("serving_default", {"text": ["é", ""]}), ("other", {"pixels": pixels, "seed": 3})]
    write_warmup(tmp_path, requests)
    for record, (signature, inputs) in zip(records(tmp_path), requests, strict=True):
        request = module.PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.signature_name == signature
        assert set(request.inputs) == set(inputs)
        for name, value in inputs.items():
            expected = tf.constant(value).numpy()
            np.testing.assert_array_equal(tf.make_ndarray(request.inputs[name]), expected)
    assert [read_request(record)[0] for record in records(tmp_path)] == ["serving_default", "other"]
