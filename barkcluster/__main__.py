"""``python -m barkcluster`` is the command ``barkcluster``."""

import sys

from barkcluster.cli import main

if __name__ == "__main__":
    sys.exit(main())
