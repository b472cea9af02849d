"""Requests that TensorFlow Serving makes when it loads a model: the first client need not wait.

The format is TensorFlow Serving's: `assets.extra/tf_serving_warmup_requests`, a TFRecord file of
`PredictionLog` messages. Their package would bring gRPC, so the few bytes around TensorFlow's own
`TensorProto` are written here.

Source: tensorflow_serving 2.21, apis/prediction_log.proto, predict.proto and model.proto.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"

# Of the requests: graphs set something up for each new shape.
TEXT_BATCHES, IMAGE_BATCHES = (1, 8, 32), (1, 4, 16)
_TEXTS = ("A short text.", " ".join(["It was great fun, I don't know why."] * 20))

# The numbers of the fields.
_LOG_PREDICT = 6  # PredictionLog.predict_log
_PREDICT_REQUEST = 1  # PredictLog.request
_REQUEST_MODEL, _REQUEST_INPUTS = 1, 2  # PredictRequest.model_spec, .inputs
_MODEL_SIGNATURE = 3  # ModelSpec.signature_name
_ENTRY_KEY, _ENTRY_VALUE = 1, 2  # of a map

Request = tuple[str, Mapping[str, Any]]


def write_warmup(folder: Path, requests: Sequence[Request]) -> None:
    """Writes the file into the folder of a SavedModel.

    Args:
        folder: the SavedModel.
        requests: each the name of a signature and its inputs: tensors, or what becomes one.

    Examples:
        >>> import tempfile
        >>> write_warmup(Path(tempfile.mkdtemp()), [("serving_default", {"text": ["a film"]})])
    """
    file = folder / WARMUP_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature, inputs in requests:
            writer.write(_prediction_log(signature, inputs))


def text_requests() -> list[Request]:
    """Requests of several sizes for the signature `serving_default` of a text model."""
    return [
        ("serving_default", {"text": [_TEXTS[i % 2] for i in range(batch)]})
        for batch in TEXT_BATCHES
    ]


def image_requests(image_size: tuple[int, int]) -> list[Request]:
    """Requests of several sizes for both signatures of an image classifier."""
    pixels = np.random.RandomState(0).randint(0, 256, (*image_size, 3)).astype("uint8")
    encoded = tf.io.encode_jpeg(pixels).numpy()
    return [
        *(("serving_default", {"image_bytes": [encoded] * batch}) for batch in IMAGE_BATCHES),
        *(("serve_pixels", {"pixels": np.stack([pixels] * batch)}) for batch in IMAGE_BATCHES),
    ]


def _prediction_log(signature: str, inputs: Mapping[str, Any]) -> bytes:
    request = _field(_REQUEST_MODEL, _field(_MODEL_SIGNATURE, signature.encode()))
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        entry = _field(_ENTRY_KEY, name.encode()) + _field(_ENTRY_VALUE, tensor)
        request += _field(_REQUEST_INPUTS, entry)
    return _field(_LOG_PREDICT, _field(_PREDICT_REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    """A field of Protocol Buffers that holds bytes: its number and kind, its length, itself."""
    return bytes([number << 3 | 2, *_varint(len(content))]) + content


def _varint(number: int) -> Iterator[int]:
    while number > 0x7F:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number
