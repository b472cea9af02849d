"""Trained models as SavedModels, and as portable folders for LiteRT and onnxruntime."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
