"""Complete, resumable runs: settings in one place, and prepare, train, write."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
