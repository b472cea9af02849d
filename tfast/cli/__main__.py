"""`python -m tfast.cli` is `tfast`."""

import sys

from tfast.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
