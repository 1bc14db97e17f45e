"""The scorers as parameters of tests: the default among the fast ones, the others among all."""

import pytest

from barkcluster import SCORERS

EVERY_SCORER = ["knn", *(pytest.param(name, marks=pytest.mark.slow)
                         for name in sorted(SCORERS) if name != "knn")]


def each_scorer(values):
    """Pairs of a scorer and a value, all with all; those of the default are the fast ones."""
    return [*(("knn", value) for value in values),
            *(pytest.param(name, value, marks=pytest.mark.slow)
              for name in sorted(SCORERS) if name != "knn" for value in values)]
