"""
Motifs
======

What recurs in a session, and where?
"""

# %%
# The lead of this jam plays riffs that come back, never quite the same.
import matplotlib.pyplot as plt

from barkcluster import find_motifs, synthetic
from barkcluster.display.plots import plot_motifs

session, known = synthetic.make_session(1.5, random_state=7, surprises=False)
motifs = find_motifs(session, max_motifs=6)
for motif in motifs:
    places = ", ".join(f"{start:.1f}" for start in motif.starts[:6])
    print(f"{motif.length:4.1f} s, alike {motif.similarity:.2f}, at {places}")

# %%
plot_motifs(session, motifs)
plt.show()
