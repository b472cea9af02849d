"""Weights and inputs of the golden numbers, rebuilt from a frozen random stream.

See golden/README.md: parameter k of shape s is `amp * RandomState(k).standard_normal(s)`.
"""

import json
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "golden"


def golden_json(name):
    return json.loads((GOLDEN / name).read_text())


def golden_arrays(name):
    with np.load(GOLDEN / name) as arrays:
        return dict(arrays)


def wave(shape, k, amplitude=1.0):
    return amplitude * np.random.RandomState(k).standard_normal(shape)


def golden_parameter(name, shape, k):
    """Parameter `name` in PyTorch's layout, float64."""
    if name.endswith("running_var"):
        return 1 + 0.25 * np.abs(wave(shape, k))
    if name.endswith("running_mean"):
        return wave(shape, k, 0.1)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if len(shape) == 1 and name.endswith("weight"):
        return 1 + wave(shape, k, 0.2)
    if name.endswith("bias") or len(shape) <= 1:
        return wave(shape, k, 0.1)
    return wave(shape, k, np.sqrt(2 / np.prod(shape[1:])))


def golden_state_dict(keys):
    """`keys`: (name, shape) pairs, k is the position; or (name, shape, k) triples."""
    state = {}
    for position, (name, shape, *k) in enumerate(keys):
        state[name] = golden_parameter(name, tuple(shape), k[0] if k else position)
    return state


def sample_indices(size, most=200):
    """Which elements of a flat array of this size the golden numbers hold: evenly spread."""
    return np.unique(np.linspace(0, size - 1, most).astype(int))
