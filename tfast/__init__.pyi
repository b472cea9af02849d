from . import cli as cli
from . import data as data
from . import export as export
from . import fastai as fastai
from . import pretrained as pretrained
from . import recipes as recipes
from . import runtime as runtime
from . import text as text
from . import training as training
from . import vision as vision
from .saving import load_model as load_model

__version__: str
