"""Switches that must be set before TensorFlow is imported: scripts import this first."""

import ctypes
import os
import platform

# TensorFlow leaves oneDNN off on some AMD processors, where training is much faster with it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "agg")

# One heap for all threads, as with MALLOC_ARENA_MAX=1: what one thread has freed another can use.
# Training a language model takes 50 MB less for it. (-8 is M_ARENA_MAX of glibc's malloc.h.)
if platform.libc_ver()[0] == "glibc" and "MALLOC_ARENA_MAX" not in os.environ:
    ctypes.CDLL(None).mallopt(-8, 1)
