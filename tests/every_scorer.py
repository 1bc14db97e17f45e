"""The scorers as parameters of tests: the default among the fast ones, the others among all."""

import pytest

from barkcluster import SCORERS, GaussianMixtureScorer, KMeansScorer, SOMScorer

EVERY_SCORER = ["knn", *(pytest.param(name, marks=pytest.mark.slow)
                         for name in sorted(SCORERS) if name != "knn")]


def pairs_of(values, others_at):
    """Pairs of a scorer and a value: the default with all, the others with some of them.

    For values whose windows are what is in question: these are the same for all scorers. The
    default with the first is the fast one.
    """
    first, *pairs = [("knn", value) for value in values] + [
        (name, value) for name in sorted(SCORERS) if name != "knn" for value in others_at]
    return [first, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in pairs)]


# The default is as fast as it is.
_SOON = {"kmeans": KMeansScorer(n_blocks=2), "gmm": GaussianMixtureScorer(n_blocks=2),
         "som": SOMScorer(shape=(4, 4), n_iter=150, n_blocks=2)}


def soon(name):
    """The scorer of a name for a model; it holds out two blocks, and a map is a small one.

    For tests of what scorers share, beside others that take each scorer as it is. It is learned
    in a third of the time.
    """
    return _SOON.get(name, name)
