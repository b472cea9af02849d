"""Switches that must be set before TensorFlow is imported: scripts import this first."""

import os

# TensorFlow leaves oneDNN off on some AMD processors, where training is much faster with it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "agg")
