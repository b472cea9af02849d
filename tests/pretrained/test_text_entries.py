from tfast.pretrained import ENTRIES
from tfast.pretrained.text_entries import TEXT_ENTRIES

NAMES = [entry.name for entry in TEXT_ENTRIES]


def test_all_text_models_are_named_once():
    assert len(set(NAMES)) == len(NAMES) == 2 + 2 * 12 + 3
    assert {"fastai/wt103-fwd", "fastai_ulmfit/ja-bwd", "tf2-ulmfit/pl"} <= set(NAMES)
    assert all(ENTRIES[name].kind == "text" for name in NAMES)


def test_every_file_has_an_address():
    for entry in TEXT_ENTRIES:
        assert set(entry.files) == set(entry.addresses)
        assert all(address.startswith("https://") for address in entry.addresses.values())


def test_both_directions_of_a_language_share_an_archive():
    forward, backward = ENTRIES["fastai_ulmfit/de-fwd"], ENTRIES["fastai_ulmfit/de-bwd"]
    assert (forward.folder, forward.files) == (backward.folder, backward.files)


def test_no_licence_is_claimed_that_nobody_recorded():
    assert {entry.licence for entry in TEXT_ENTRIES} == {None}
