"""Why a folder or an input is refused."""


class FolderError(ValueError):
    """A portable folder is incomplete, damaged, or newer than this version of tfast knows."""


class ImageError(ValueError):
    """Bytes that are no image, or one that is refused."""
