"""
Tiny training sets
==================

What can be known after 6, 12, 24 and 48 seconds?
"""

# %%
# Windows must be a good deal shorter than what was heard, so scales that are too long are left
# out; ``n_effective_`` says how many independent windows an answer rests on. With few of them a
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
# After a few seconds most of the jam is still new, and is called so: that is an answer, not a
# mistake. The more is heard, the more only the intrusions remain.
plt.show()
