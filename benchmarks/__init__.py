"""Programs that measure what the documentation claims; README.md says which question each answers.

    python -m benchmarks.quality --help
"""

import os

from barkcluster._threads import THREAD_VARIABLES

# More threads than free cores only slow small matrices down. Before numpy is imported.
for _variable in THREAD_VARIABLES:
    os.environ.setdefault(_variable, "1")
