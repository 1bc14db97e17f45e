"""
Ranking many sessions
=====================

Which of the known jams is this one like, and is it any of them?
"""

# %%
# Four jams of 36 s are on file. Each is learned by itself. Of so little music some pieces are like
# nothing else in it; to notice strangers all the same, one known piece in five may be taken for
# none of them.
import matplotlib.pyplot as plt

from barkcluster import FamiliarityModel, SessionGallery, synthetic

jams = {f"jam {i}": synthetic.make_session(0.85, random_state=i, surprises=False)[0]
        for i in range(4)}
gallery = SessionGallery(FamiliarityModel(scales=(2.0,), hop=0.5, random_state=0),
                         false_alarm_rate=0.2)
gallery.fit({name: jam.between(0, 36) for name, jam in jams.items()})

# %%
# The last seconds of one of them, and a band that the gallery does not know:
now = jams["jam 2"].between(38, 51)
other, _ = synthetic.make_session(0.25, random_state=99, surprises=False)
for name, familiarity in gallery.rank(now)[:3]:
    print(f"{name}: {familiarity:.2g}")
print("now is", gallery.identify(now), "and the other", gallery.identify(other))

# %%
# How familiar is each to each? A row is a session, judged by the model of each column.
fig, ax = plt.subplots(layout="constrained")
image = ax.imshow(gallery.similarity_matrix(), vmin=0, vmax=1, cmap="viridis")
ax.set_xticks(range(4), gallery.names_, rotation=45)
ax.set_yticks(range(4), gallery.names_)
ax.set_xlabel("judged by what was learned of")
fig.colorbar(image, label="familiarity")
plt.show()
