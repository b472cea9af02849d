import sys

# Whatever imports TensorFlow from here on gets an ImportError, as where it is not installed.
sys.modules["tensorflow"] = None
sys.modules["tensorflow_text"] = None
