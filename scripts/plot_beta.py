"""Draws Beta densities and mixed images, as `tfast plot-mixup` does.

python scripts/plot_beta.py --data images --alpha 0.2 --output plots
"""

import sys

from tfast.cli.main import script_main

if __name__ == "__main__":
    sys.exit(script_main("plot-mixup"))
