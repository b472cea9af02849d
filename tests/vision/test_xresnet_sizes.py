import inspect
import subprocess
import sys

import pytest

from tfast.vision.xresnet import xresnet
from tfast.vision.xresnet_sizes import XRESNETS


@pytest.mark.parametrize("name", XRESNETS)
def test_each_name_has_arguments_of_xresnet(name):
    assert XRESNETS[name].keys() <= inspect.signature(xresnet).parameters.keys()
    num_blocks = {"18": 8, "34": 16, "50": 16, "101": 33, "152": 50, "200": 66}
    number = "".join(letter for letter in name if letter.isdigit())
    extra = {"deep": 2, "deeper": 0}
    blocks = sum(XRESNETS[name]["block_counts"])
    if name.endswith("deeper"):
        assert len(XRESNETS[name]["block_counts"]) == 8
    else:
        assert blocks - extra.get(name.split("_")[-1], 0) == num_blocks[number]
    assert (XRESNETS[name]["expansion"] == 4) == (int(number) >= 50)
    assert ("groups" in XRESNETS[name]) == ("next" in name)
    assert ("squeeze_reduction" in XRESNETS[name]) == ("xse" in name)


def test_names_are_known_without_tensorflow():
    program = (
        "import sys; from tfast.vision.xresnet_sizes import XRESNETS; "
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
