import json

from tfast.pretrained.records import Pretrained, Provenance


def test_where_a_model_comes_from_goes_into_json():
    provenance = Provenance("here", None, {"a": "00"}, None, 0.5, ("a note",))
    assert json.loads(json.dumps(provenance.to_dict())) == {
        "source": "here",
        "revision": None,
        "sha256": {"a": "00"},
        "licence": None,
        "expected_accuracy": 0.5,
        "notes": ["a note"],
    }


def test_what_a_kind_of_model_does_not_have_is_none():
    loaded = Pretrained("name", None, Provenance("here", None, {}, None, None))
    assert loaded.preprocessing is loaded.tokenizer is loaded.class_names is None
