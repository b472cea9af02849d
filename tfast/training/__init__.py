"""What a fit needs, whatever data flows through it: rates, freezing, averaging, checkpoints."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
