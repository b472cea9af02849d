"""Switches that must be set before TensorFlow is imported. Only programs set them, no library."""

import ctypes
import os
import platform


def prepare(*, one_heap: bool = False) -> None:
    """Sets what the environment leaves open: oneDNN on, and fewer messages.

    Args:
        one_heap: whether all threads share a heap, as with MALLOC_ARENA_MAX=1, where the C library
            is glibc. What one thread has freed another can use then: training a language model
            takes less memory. Reading images in many threads takes longer.
    """
    # TensorFlow leaves oneDNN off on some AMD processors, where training is much faster with it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if one_heap and platform.libc_ver()[0] == "glibc" and "MALLOC_ARENA_MAX" not in os.environ:
        ctypes.CDLL(None).mallopt(-8, 1)  # M_ARENA_MAX of malloc.h
