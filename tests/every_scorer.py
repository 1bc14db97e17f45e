"""The scorers as parameters of tests: the default among the fast ones, the others among all."""

import pytest

from barkcluster import SCORERS, SOMScorer

EVERY_SCORER = ["knn", *(pytest.param(name, marks=pytest.mark.slow)
                         for name in sorted(SCORERS) if name != "knn")]


def each_scorer(values):
    """Pairs of a scorer and a value, all with all; the default with the first is the fast one."""
    return [("knn", values[0]),
            *(pytest.param(name, value, marks=pytest.mark.slow)
              for name in sorted(SCORERS) for value in values
              if (name, value) != ("knn", values[0]))]


def soon(name):
    """The scorer of a name for a model; the map is a small one, learned in a fifth of the time.

    For tests of what scorers share, beside others that take the map as it is.
    """
    return SOMScorer(shape=(4, 4), n_iter=150) if name == "som" else name
