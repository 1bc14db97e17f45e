"""
Comparing scorers
=================

The same windows, judged by k-means, a Gaussian mixture, a self-organizing map and nearest
neighbors. Their familiarity means the same, so that they can be compared.
"""

# %%
import matplotlib.pyplot as plt

from barkcluster import compare_scorers, synthetic
from barkcluster.display.plots import plot_map, plot_scorers

session, known = synthetic.make_session(2, random_state=5)
compared = compare_scorers(session, surprises=known, train=known.clean_stop, scales=(1.0, 4.0))
plot_scorers(compared.timelines)

# %%
# AUC: how often is a strange moment less familiar than a usual one? 0.5 is chance, 1 always. All
# rows together are ``pandas.DataFrame(compared)``.
print(compared)

# %%
# A map can be looked at. Where many windows live there is land; the curves are the spectra of the
# places, and the line is the session's way.
plot_map(compared.models["som"], session.between(0, known.clean_stop))
plt.show()
