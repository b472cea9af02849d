from tfast.runtime.forms import AS_LIST, as_ids


def test_lists_are_joined_and_know_odd_words():
    parts = [AS_LIST.of_tokens(["a", "b"]), AS_LIST.of_tokens([]), AS_LIST.of_tokens(["c"])]
    assert AS_LIST.join(parts) == ["a", "b", "c"]
    assert not AS_LIST.is_odd(AS_LIST.join(parts))
    assert AS_LIST.is_odd(AS_LIST.join([*parts, AS_LIST.odd]))


def test_ids_are_joined_and_no_ids_look_odd():
    ids = {"a": 1, "high": 2**24 - 1, "zero": 0, "half": 0xFFFF}
    form = as_ids(ids, unknown_id=7)
    parts = [form.of_tokens(["a", "high", "half", "high"]), form.of_tokens(["?", "zero"])]
    joined = form.join(parts)
    assert memoryview(joined).cast("i").tolist() == [1, 2**24 - 1, 0xFFFF, 2**24 - 1, 7, 0]
    assert not form.is_odd(joined)
    assert form.is_odd(form.join([*parts, form.odd]))
