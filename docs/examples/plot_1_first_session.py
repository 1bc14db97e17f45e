"""
A first session
===============

Learn the beginning of a jam, score the rest, and ask why a moment was strange.
"""

# %%
# This is a jam of two minutes. In its rest, something intrudes now and then that the band never
# played; ``known`` says when. Sessions of your own come from :func:`~barkcluster.read_session` or
# :func:`~barkcluster.read_audio`.
import matplotlib.pyplot as plt

from barkcluster import FamiliarityModel, synthetic
from barkcluster.display.plots import plot_bark

session, known = synthetic.make_session(2, random_state=1)
heard = session.between(0, known.clean_stop)
rest = session.between(known.clean_stop, session.duration)
plot_bark(session)

# %%
# Learning takes seconds, and so does scoring. Windows of half a second, 2 s and 6 s are judged
# apart and together.
model = FamiliarityModel(scales=(0.5, 2.0, 6.0)).fit(heard)
timeline = model.timeline(rest)
ax = timeline.plot()
for surprise in known.surprises:
    ax.axvspan(surprise.start - known.clean_stop, surprise.stop - known.clean_stop,
               color="black", alpha=0.15)
ax.set_title("What intrudes is shaded")

# %%
# What was the strangest moment like?
worst = timeline.times[timeline.familiarity.argmin()]
print(model.explain(rest, float(worst)))
plt.show()
