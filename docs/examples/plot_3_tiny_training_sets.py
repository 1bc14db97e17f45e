"""
Tiny training sets
==================

What does a model know after 6, 12, 24 and 48 seconds?
"""

# %%
# A scale needs three times its length to learn from, so scales that are too long are left out.
# ``n_effective_`` says how many independent windows an answer is based on. With few of them, a
# familiarity of 0.01 is an extrapolation.
import matplotlib.pyplot as plt

from barkcluster import FamiliarityModel, synthetic
from barkcluster.display.plots import plot_scorers

session, known = synthetic.make_session(2, random_state=1)
rest = session.between(known.clean_stop, session.duration)
timelines = {}
for seconds in (6, 12, 24, 48):
    scales = tuple(scale for scale in (0.5, 2.0, 6.0) if 3 * scale <= seconds)
    model = FamiliarityModel(scales=scales).fit(session.between(0, seconds))
    timelines[f"{seconds} s"] = model.timeline(rest)
    print(f"{seconds:3} s learned: windows of {scales} s, worth {model.n_effective_:.1f} "
          f"independent ones")
plot_scorers(timelines)

# %%
# After a few seconds most of the jam is still new, and the model says so, which is right. The more
# it has learned, the more only the intrusions stay strange.
plt.show()
