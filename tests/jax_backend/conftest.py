import os
import sys

# Whatever imports TensorFlow from here on gets an ImportError, as where it is not installed.
sys.modules["tensorflow"] = None
sys.modules["tensorflow_text"] = None
# Before JAX is imported. Most of the time here is compiling, which is a fifth shorter with fewer
# optimizations. Not with none (level 0): XLA's convolutions then give NaN.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")
