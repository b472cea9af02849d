import pytest

from tfast.fastai.xresnet_names import EarlyFastaiNames, FastaiNames, TimmNames, names_in

ALL = [
    FastaiNames(3, 4),
    FastaiNames(2, 5, "0."),
    EarlyFastaiNames(3, 4),
    TimmNames(),
    TimmNames("0.model."),
]


@pytest.mark.parametrize("names", ALL, ids=str)
@pytest.mark.parametrize("position", [(0, 0, 0), (3, 12, 2)])
def test_a_position_is_found_by_the_names_that_it_gives(names, position):
    for module in names.convolution(*position):
        for tensor in ("weight", "running_var", "num_batches_tracked"):
            assert names.position(f"{module}.{tensor}") == position


@pytest.mark.parametrize("names", ALL, ids=str)
def test_other_parts_have_no_position(names):
    stage, block = 1, 0
    others = [
        *names.stem(1),
        *names.shortcut(stage, block, pooled=True),
        *names.squeeze(stage, block, 2),
        f"{names.attention(stage, block, 3)}.conv",
        names.logits(),
    ]
    for module in others:
        assert names.position(f"{module}.weight") is None
    assert names.position(f"x{names.convolution(0, 0, 0)[0]}.weight") is None
    assert names.position(f"{names.convolution(10**9, 0, 0)[0]}.weight") is None


def test_modules_of_fastai():
    names = FastaiNames(3, 4, "0.")
    assert names.stem(2) == ("0.2.0", "0.2.1")
    assert names.convolution(1, 2, 0) == ("0.5.2.convpath.0.0", "0.5.2.convpath.0.1")
    assert names.shortcut(1, 0, pooled=True) == ("0.5.0.idpath.1.0", "0.5.0.idpath.1.1")
    assert names.logits() == "0.11"


def test_modules_of_fastai_before_2():
    names = EarlyFastaiNames(3, 4)
    assert names.convolution(0, 1, 2) == ("4.1.convs.2.0", "4.1.convs.2.1")
    assert names.shortcut(1, 0, pooled=True) == ("5.0.idconv.0", "5.0.idconv.1")
    assert names.logits() == "10"


def test_modules_of_timm():
    names = TimmNames("0.model.")
    assert names.stem(1) == ("0.model.conv1.3", "0.model.conv1.4")
    assert names.stem(2) == ("0.model.conv1.6", "0.model.bn1")
    assert names.convolution(3, 1, 2) == ("0.model.layer4.1.conv3", "0.model.layer4.1.bn3")
    assert names.shortcut(0, 0, pooled=False)[0] == "0.model.layer1.0.downsample.1"


@pytest.mark.parametrize("names", ALL[:3], ids=str)
def test_the_naming_is_found_from_the_last_stem_and_the_last_stage(names):
    found = [
        f"{names.stem(names.num_stems - 1)[1]}.bias",
        f"{names.convolution(names.num_stages - 1, 1, 0)[0]}.weight",
    ]
    assert names_in(found, names.prefix) == names


@pytest.mark.parametrize("names", ALL[3:], ids=str)
def test_the_naming_of_timm_is_found_from_its_stem(names):
    assert names_in([f"{names.stem(1)[0]}.weight"], "0." if names.prefix else "") == names
