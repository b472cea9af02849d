import pytest

from tfast.recipes.errors import InputError, input_errors


def test_a_value_error_becomes_an_input_error_once():
    with pytest.raises(InputError, match=r"^bad$"), input_errors(), input_errors():
        raise ValueError("bad")


def test_a_missing_package_is_an_input_error():
    with pytest.raises(InputError, match="safetensors"), input_errors():
        raise ImportError("reading .safetensors needs safetensors", name="safetensors")


def test_a_broken_import_of_ours_is_no_input_error():
    with pytest.raises(ImportError, match="cannot import name"), input_errors():
        from tfast.recipes import errors, no_such_name  # noqa: F401


def test_other_errors_pass():
    with pytest.raises(KeyError), input_errors():
        raise KeyError("a fault of ours")
