"""
Comparing scorers
=================

K-means, a Gaussian mixture, a self-organizing map and nearest neighbors judge the same windows.
Familiarity means the same for all of them, so that their answers can be compared.
"""

# %%
import matplotlib.pyplot as plt

from barkcluster import compare_scorers, synthetic
from barkcluster.display.plots import plot_map, plot_scorers

session, known = synthetic.make_session(2, random_state=5)
compared = compare_scorers(session, surprises=known, train=known.clean_stop, scales=(1.0, 4.0))
plot_scorers(compared.timelines)

# %%
# AUC is how often a strange moment is less familiar than a usual one: 0.5 is chance, 1 perfect.
# ``pandas.DataFrame(compared)`` makes a table of the rows.
print(compared)

# %%
# A self-organizing map can be drawn. Where there are many windows there is land; each curve is the
# spectrum of the sounds there, and the line is the session's path over the map.
plot_map(compared.models["som"], session.between(0, known.clean_stop))
plt.show()
