"""The scorers as parameters of tests: the default among the fast ones, the others among all."""

import pytest

from barkcluster import SCORERS

EVERY_SCORER = ["knn", *(pytest.param(name, marks=pytest.mark.slow)
                         for name in sorted(SCORERS) if name != "knn")]


def each_scorer(first, *others):
    """Pairs of a value and a scorer: the default with all values, the others with the first few.

    Parameters
    ----------
    first : list
        Values that every scorer is tested with.
    *others : object
        More of them, for the default alone.
    """
    return [*(("knn", value) for value in (*first, *others)),
            *(pytest.param(name, value, marks=pytest.mark.slow)
              for name in sorted(SCORERS) if name != "knn" for value in first)]
