"""
Writing your own scorer
=======================

A scorer is two methods: learn from windows, and say how novel windows are. Checks, calibration
and all answers come from the base class. With a name, and the fields that it learns, it can be
saved as well, and stands wherever the built-in ones do.
"""

# %%
# This one takes windows for a cloud around their median: a window that is far from it in any
# single feature is strange.
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import median_abs_deviation

from barkcluster import SCORERS, FamiliarityModel, FamiliarityScorer, synthetic
from barkcluster.display.plots import plot_scorers
from barkcluster.files import ArrayField


class WorstDirectionScorer(FamiliarityScorer):
    """How many median deviations the oddest feature is away from its median."""

    kind = "worst direction"
    stored_fields = (
        ArrayField("median_", ("n_inner",)),
        ArrayField("width_", ("n_inner",), least=0.1),
    )

    def __init__(self, *, whitening=0.0, shrinkage=0.3, n_blocks=5, gap="auto",
                 false_alarm_rate=0.05):
        self.whitening = whitening
        self.shrinkage = shrinkage
        self.n_blocks = n_blocks
        self.gap = gap
        self.false_alarm_rate = false_alarm_rate

    def _learn(self, X):
        self.median_ = np.median(X, axis=0)
        self.width_ = median_abs_deviation(X, axis=0) + 0.1

    def _novelty(self, X):
        return np.max(np.abs(X - self.median_) / self.width_, axis=1)


# %%
# It can stand wherever a scorer's name can, and its familiarity is calibrated like any other's.
session, known = synthetic.make_session(1.5, random_state=1)
heard = session.between(0, known.clean_stop)
rest = session.between(known.clean_stop, session.duration)
timelines = {name: FamiliarityModel(scorer, scales=(0.5, 2.0)).fit(heard).timeline(rest)
             for name, scorer in {"mine": WorstDirectionScorer(), "knn": "knn"}.items()}
plot_scorers(timelines)
plt.show()

# %%
# A row in ``SCORERS`` makes it known by its name, also to files: a model that is learned with it
# can be saved, and loaded by any program with the same row.
SCORERS["worst direction"] = WorstDirectionScorer
model = FamiliarityModel("worst direction", scales=(0.5, 2.0)).fit(heard)
print(model.explain(rest, 10.0))

# %%
# Three more methods may be worth writing: ``_prototypes`` and ``nearest_rows`` let explanations
# say what a moment is like, and ``check_parameters`` refuses parameters that make no sense. See
# :class:`~barkcluster.KNNDensityScorer` for an example of each.
