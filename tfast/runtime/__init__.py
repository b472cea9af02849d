"""Answers without TensorFlow: reads the folders of the portable exports.

    import tfast.runtime

    classifier = tfast.runtime.load("exports/reviews")
    labels, probabilities = classifier.classify(["a good film", "a dull one"])

It needs NumPy, onnxruntime or ai-edge-litert, and Pillow for images; nothing else.
"""

from tfast.runtime.errors import FolderError as FolderError
from tfast.runtime.errors import ImageError as ImageError
from tfast.runtime.loading import load as load

__all__ = ["FolderError", "ImageError", "load"]
