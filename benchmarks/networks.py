"""Small networks that name recordings: a classifier, a triplet network, a Siamese one.

The systems that people build for this, on Bark spectrograms of 3 s, 50 columns a second: three
layers of 2-D convolutions, 20 thousand weights, trained from nothing on the labeled minutes
alone, PyTorch on one processor. Levels are standardized over what was learned, and each window is
made up to 3 dB louder or softer in training.

- ``CNN``: cross-entropy over the names; a recording has the mean probability of its windows.
- ``triplet``: an embedding in which windows of one name are nearer than those of another, by a
  margin (Schroff, Kalenichenko, Philbin 2015).
- ``siamese``: the same from pairs, alike or not (Hadsell, Chopra, LeCun 2006). Both name
  by the distance of a recording's mean embedding to that of each name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .corpora import Frames
from .labeling import Distances, Labels, System

N_POOLED = 2                       # frames in a column
N_WINDOW = 150
N_HOP = 75
N_STEPS = 300
N_BATCH = 32
N_EMBEDDED = 32
MARGIN = 0.5


class Namer:
    """A network, trained; what it says of a recording is the mean over its windows."""

    def __init__(self, n_out: int, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        torch.manual_seed(0)
        torch.set_num_threads(1)
        self._rng = np.random.default_rng(0)
        self._loss = loss
        self._net = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=(1, 2), padding=2), nn.BatchNorm2d(16), nn.GELU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.GELU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.GELU(),
            nn.AdaptiveAvgPool2d((3, 1)), nn.Flatten(), nn.Dropout(0.3), nn.Linear(144, n_out))

    def fit(self, learned: Sequence[Frames], labels: Labels) -> Namer:
        frames = np.concatenate(learned)
        self._mean, self._spread = frames.mean(axis=0), float(frames.std(axis=0).mean())
        takes = [torch.from_numpy(self._standard(one)) for one in learned]
        of_name = [np.flatnonzero(labels == name) for name in range(labels.max() + 1)]
        optimizer = torch.optim.AdamW(self._net.parameters(), lr=3e-3, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=N_STEPS)
        self._net.train()
        for _ in range(N_STEPS):
            names = self._rng.integers(len(of_name), size=N_BATCH)
            which = [int(self._rng.choice(of_name[name])) for name in names]
            starts = [int(self._rng.integers(len(takes[i]) - N_WINDOW + 1)) for i in which]
            windows = torch.stack([takes[i][a:a + N_WINDOW].T
                                   for i, a in zip(which, starts, strict=True)])
            louder = torch.from_numpy(
                self._rng.uniform(-3, 3, (N_BATCH, 1, 1)).astype(np.float32))
            optimizer.zero_grad()
            out = self._net((windows + louder / self._spread)[:, None])
            self._loss(out, torch.from_numpy(names)).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        self._net.eval()
        return self

    def outputs(self, frames: Frames) -> Tensor:
        """Of a recording's windows."""
        windows = torch.from_numpy(self._standard(frames)).unfold(0, N_WINDOW, N_HOP)
        with torch.no_grad():
            out: Tensor = self._net(windows[:, None])
        return out

    def _standard(self, frames: Frames) -> Frames:
        n = len(frames) // N_POOLED
        columns = frames[:n * N_POOLED].reshape(n, N_POOLED, -1).mean(axis=1)
        return np.asarray((columns - self._mean) / self._spread, np.float32)


def cnn(learned: Sequence[Frames], labels: Labels, asked: Sequence[Frames],
        ) -> tuple[Distances, float]:
    """1 - the mean probability of each name."""
    start = time.perf_counter()
    net = Namer(int(labels.max()) + 1, functional.cross_entropy).fit(learned, labels)
    seconds = time.perf_counter() - start
    return np.array([1.0 - net.outputs(one).softmax(dim=1).mean(dim=0).numpy()
                     for one in asked], float), seconds


def embedding(loss: Callable[[Tensor, Tensor], Tensor]) -> System:
    """Distance to the mean embedding of each name."""
    def system(learned: Sequence[Frames], labels: Labels, asked: Sequence[Frames],
               ) -> tuple[Distances, float]:
        start = time.perf_counter()
        net = Namer(N_EMBEDDED, loss).fit(learned, labels)
        places = np.array([_place(net, one) for one in learned])
        means = np.array([places[labels == name].mean(axis=0)
                          for name in range(labels.max() + 1)])
        seconds = time.perf_counter() - start
        return np.array([np.linalg.norm(means - _place(net, one), axis=1)
                         for one in asked]), seconds

    return system


def _place(net: Namer, frames: Frames) -> Distances:
    return functional.normalize(net.outputs(frames), dim=1).mean(dim=0).numpy().astype(float)


def triplet(out: Tensor, names: Tensor) -> Tensor:
    """The farthest of the same name and the nearest of another, for each window."""
    distances = _distances(out)
    same = names[:, None] == names[None]
    farthest = distances.masked_fill(~same, 0.0).amax(dim=1)
    nearest = distances.masked_fill(same, 1e6).amin(dim=1)
    return functional.relu(farthest - nearest + MARGIN).mean()


def siamese(out: Tensor, names: Tensor) -> Tensor:
    """All pairs of a batch: alike near, others a margin apart, as many of each in weight."""
    distances = _distances(out)
    same = (names[:, None] == names[None]) & ~torch.eye(len(names), dtype=torch.bool)
    other = names[:, None] != names[None]
    return (distances[same].square().mean()
            + functional.relu(2 * MARGIN - distances[other]).square().mean())


def _distances(out: Tensor) -> Tensor:
    places = functional.normalize(out, dim=1)
    return (2.0 - 2.0 * places @ places.T).clamp_min(1e-8).sqrt()


NETWORKS: dict[str, System] = {
    "CNN": cnn, "triplet": embedding(triplet), "siamese": embedding(siamese)}
