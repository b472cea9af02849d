"""How a network is built; tests of `infer_sizes` on real builds: test_xresnet.py."""

import numpy as np
import pytest

from tfast.fastai.xresnet import xresnet_from_fastai, xresnet_to_fastai
from tfast.fastai.xresnet_names import names_in
from tfast.fastai.xresnet_sizes import infer_sizes
from tfast.vision.xresnet import xresnet


@pytest.fixture(scope="module")
def state():
    return xresnet_to_fastai(xresnet(2, block_counts=(1, 1), expansion=1, stem_widths=(4, 4, 8)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"5.9000.convpath.0.0.weight": np.ones((1, 1, 1, 1))}, "of all blocks, got tensors of 3"),
        ({"9999.0.convpath.0.0.weight": np.ones((1, 1, 1, 1))}, "no last layer"),
        ({"9.weight": np.ones((2_000_000, 1))}, "fill the network.*got 2,"),
        ({"0.0.weight": np.ones((300_000, 1, 1, 1))}, "fill the network"),
        ({"4.0.convpath.0.0.weight": np.ones((65, 8, 3, 3))}, "multiples of 64 filters"),
        ({"4.0.convpath.0.0.weight": np.ones((64, 5, 3, 3))}, "groups of equal size"),
        ({"4.0.convpath.0.0.weight": np.ones((64, 8))}, r"must have 4 axes, got shape \(64, 8\)"),
        ({"0.0.weight": np.float32(1)}, r"0\.0\.weight must have 4 axes, got shape \(\)"),
        ({"9.weight": np.ones(3)}, r"9\.weight must have 2 axes, got shape \(3,\)"),
        ({"4.0.convpath.0.0.weight": np.ones((0, 8, 3, 3))}, "at least one each"),
        ({"4.0.convpath.0.0.weight": np.ones((64, 0, 3, 3))}, "at least one each"),
        ({"0.1.bias": np.ones(4, complex)}, r"0\.1\.bias has dtype complex128"),
        ({"0.1.bias": np.zeros(4, "M8[D]")}, r"0\.1\.bias has dtype datetime64"),
        ({"4.0.convpath.4.0.weight": np.ones((64, 64, 3, 3))}, "2 or 3 convolutions, got 5"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_odd_tensors_are_refused_before_a_network_is_made(state, changes, message, monkeypatch):
    made = []
    monkeypatch.setattr("tfast.fastai.xresnet.xresnet", lambda *a, **k: made.append(a))
    with pytest.raises(ValueError, match=message):
        xresnet_from_fastai(state | changes)
    assert not made


def test_each_name_is_parsed_once(state):
    class Counting:
        calls = 0

        def __init__(self, names):
            self.names = names

        def __getattr__(self, name):
            return getattr(self.names, name)

        def position(self, name):
            Counting.calls += 1
            return self.names.position(name)

    infer_sizes(state, Counting(names_in(state)))
    assert Counting.calls == len(state)
