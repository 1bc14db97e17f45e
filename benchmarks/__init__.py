"""What the claims of the documentation rest on; README.md says which question each answers.

    python -m benchmarks.quality --help
"""

import os

# More threads than free cores only slow small matrices down. Before numpy is imported.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
