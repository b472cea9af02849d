import keras
import pytest


def test_backend_is_jax_and_tensorflow_cannot_be_imported():
    assert keras.backend.backend() == "jax"
    with pytest.raises(ImportError):
        import tensorflow  # noqa: F401
