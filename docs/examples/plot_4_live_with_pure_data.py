"""
Live with Pure Data
===================

What travels between Pd and ``barkcluster live``, message by message.
"""

# %%
# In Pd, a frame is a message ``bark`` with 25 numbers, sent with ``[netsend -u]``; there is a
# patch in ``docs/clients``. ``barkcluster live --in fudi-udp://127.0.0.1:3000`` hears it, and
# tells ``--out fudi-udp://127.0.0.1:3001`` the ``familiarity``. Here both ends are in one program,
# without a network:
import matplotlib.pyplot as plt

from barkcluster import FamiliarityModel, synthetic
from barkcluster.live.decoding import decoder_of
from barkcluster.live.fudi import to_fudi
from barkcluster.live.messages import Frame

session, known = synthetic.make_session(1.5, random_state=3)
packets = [to_fudi("bark", frame.tolist()) for frame in session.frames]
print(packets[2000].decode())

# %%
# The other end takes frames out of packets, and pushes each into a stream. Between the hops of a
# tenth of a second there is no reading.
model = FamiliarityModel(scales=(0.5, 2.0)).fit(session.between(0, known.clean_stop))
stream = model.stream()
decoder = decoder_of("fudi-udp")
times, familiarity, answers = [], [], []
for packet in packets[round(known.clean_stop * 100):]:
    for arrival in decoder.feed(packet):
        if isinstance(arrival, Frame):
            reading = stream.push(arrival.levels)
            if reading is not None:
                times.append(reading.time)
                familiarity.append(reading.familiarity)
                answers.append(to_fudi("familiarity", [reading.familiarity]))
print(answers[-1].decode())

# %%
# What a synthesizer would follow:
fig, ax = plt.subplots(figsize=(9, 2.6), layout="constrained")
ax.plot(times, familiarity)
ax.set_xlabel("time (s)")
ax.set_ylabel("familiarity")
plt.show()
