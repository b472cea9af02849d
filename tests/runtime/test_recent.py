from tfast.runtime.recent import Recent


def test_values_are_worked_out_once():
    asked = []

    def double(key):
        asked.append(key)
        return 2 * key

    values = Recent(double)
    assert [values["a"], values["b"], values["a"]] == ["aa", "bb", "aa"]
    assert asked == ["a", "b"]


def test_no_more_is_held_than_was_said_and_what_is_asked_for_stays():
    asked = []

    def note(key):
        asked.append(key)
        return key

    values = Recent(note, size=10)
    for number in range(1000):
        assert values["often"] == "often"
        assert values[str(number)] == str(number)
        assert len(values) <= 10
        assert len(values._before) <= 10
    assert asked.count("often") == 1
    assert values["0"] == "0"
    assert asked.count("0") == 2


def test_long_keys_are_not_held():
    values = Recent(len)
    assert values["a" * 65] == 65
    assert len(values) == 0
    assert values["a" * 64] == 64
    assert len(values) == 1
