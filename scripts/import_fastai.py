"""Turns a model trained in fastai into a SavedModel, as `tfast import-fastai` does.

python scripts/import_fastai.py --weights lm.pth --vocabulary itos.pkl --output runs/lm
"""

import sys

from tfast.cli.main import script_main

if __name__ == "__main__":
    sys.exit(script_main("import-fastai"))
