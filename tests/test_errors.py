from tfast import errors
from tfast.recipes import errors as errors_of_recipes


def test_recipes_raise_the_errors_that_commands_know():
    assert errors_of_recipes.InputError is errors.InputError
    assert errors_of_recipes.DivergedError is errors.DivergedError
    assert issubclass(errors.InputError, ValueError)
