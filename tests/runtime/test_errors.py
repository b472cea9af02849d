from tfast.runtime import FolderError, ImageError


def test_what_is_refused_is_a_value_error():
    assert issubclass(FolderError, ValueError)
    assert issubclass(ImageError, ValueError)
