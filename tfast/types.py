"""Names for the types that public functions take and return."""

import os
from typing import Any, TypeAlias

# Keras tensors are those of its backend, which have no common class.
Tensor: TypeAlias = Any  # a tensor of the backend that Keras runs on
TensorLike: TypeAlias = Any  # the same, or what it converts: NumPy arrays, nested lists, numbers
PathLike: TypeAlias = str | os.PathLike[str]
