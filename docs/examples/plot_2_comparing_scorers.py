"""
Comparing scorers
=================

The same windows, judged by k-means, a Gaussian mixture, a self-organizing map and nearest
neighbors. Their familiarity means the same, so that they can be compared.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from barkcluster import SCORERS, FamiliarityModel, synthetic
from barkcluster.display.plots import plot_map, plot_scorers

session, known = synthetic.make_session(2, random_state=5)
heard = session.between(0, known.clean_stop)
rest = session.between(known.clean_stop, session.duration)
models = {name: FamiliarityModel(name, scales=(1.0, 4.0), random_state=0).fit(heard)
          for name in SCORERS}
timelines = {name: model.timeline(rest) for name, model in models.items()}
plot_scorers(timelines)

# %%
# How often is a strange moment less familiar than a usual one? 0.5 is chance, 1 always.
strange = known.surprise_mask(timelines["knn"].times + known.clean_stop, 1.0, least_share=0.5)
for name, timeline in timelines.items():
    usual, odd = timeline.familiarity[~strange], timeline.familiarity[strange]
    print(f"{name:8} {np.mean(odd[:, None] < usual):.2f}")

# %%
# A map can be looked at. Where many windows live there is land; the curves are the spectra of the
# places, and the line is the session's way.
plot_map(models["som"], heard)
plt.show()
