"""What classifiers of texts and of images, read from portable folders, have in common."""

import abc
from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from tfast.runtime.errors import FolderError
from tfast.runtime.folder import PortableFolder
from tfast.runtime.models import open_model

Input = TypeVar("Input")

# Texts or images that the model reads together.
BATCH_SIZE = 32


class Answers(NamedTuple):
    """What a classifier says to some inputs, in their order."""

    labels: list[str]  # of the most probable class
    probabilities: np.ndarray  # float32 (inputs, classes), in the order of `class_names`


class Classifier(abc.ABC, Generic[Input]):
    """What classifiers of texts and of images share. `tfast.runtime.load` makes them.

    Threads may use one object together.

    Attributes:
        class_names: list of str, in the order of the probabilities.
        folder: the `PortableFolder` it was read from.
    """

    def __init__(self, folder: PortableFolder, *, num_threads: int) -> None:
        self.folder = folder
        self.class_names: list[str] = folder.description["class_names"]
        file = folder.path(folder.description["model"])
        self._run = open_model(file, num_threads, len(self.class_names))

    @abc.abstractmethod
    def classify(self, inputs: Iterable[Input]) -> Answers:
        """Classifies any number of inputs."""

    def check(self) -> float:
        """Classifies the folder's examples again.

        Returns:
            The largest difference of a probability from what the Keras model had answered.

        Raises:
            FolderError: it is above the tolerance: this processor, or this version of the runtime,
                computes something else.
        """
        examples = self.folder.description["examples"]
        expected = np.array([example["probabilities"] for example in examples], np.float32)
        inputs = [self._example(example) for example in examples]
        found = self.classify(inputs).probabilities
        difference = float(np.abs(found - expected).max(initial=0))
        tolerance = self.folder.description["tolerance"]
        if not difference <= tolerance:
            raise FolderError(
                f"{self.folder.directory} gives other answers than its model gave: a probability "
                f"differs by {difference:.2g}, the tolerance is {tolerance:.2g}"
            )
        return difference

    @abc.abstractmethod
    def _example(self, example: dict[str, Any]) -> Input:
        """The input of one of the folder's examples."""

    def _answers(self, probabilities: np.ndarray) -> Answers:
        return Answers([self.class_names[i] for i in probabilities.argmax(1)], probabilities)

    def _no_probabilities(self, number: int) -> np.ndarray:
        return np.zeros((number, len(self.class_names)), np.float32)
