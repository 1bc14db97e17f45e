"""Would a small neural network do better? Three, trained on the same minutes as everything else.

All look at windows of 2 s of standardized frames and answer with the mean of the last 8 s of
answers, so that they know 10 s, as the rest of the benchmark does; the column ``2 s`` is a single
window's. Training is from nothing, on the session alone, PyTorch on one processor.

- ``autoencoder``: convolutions squeeze a window of 5000 numbers into 120 and back; novelty is
  what does not come back.
- ``contrastive``: self-supervised. An embedding in which windows up to 0.5 s apart, up to 3 dB
  louder or softer, are nearer than windows from elsewhere; novelty is the distance to the 3
  nearest of the session, one layer before the embedding, as is usual: in the embedding itself
  strangers fall among what is known (hard .57 against .77 on 14 tracks).
- ``forecast``: self-supervised. Convolutions over 1.8 s foretell the next 0.2 s; novelty is the
  error.

``python -m benchmarks.quality --neural`` runs them beside the scorers. Needs
``pip install barkcluster[bench]``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .corpora import FRAME_RATE, Frames
from .figures import Array
from .tasks import Columns

N_WINDOW = 200
N_HOP = 10
N_SMOOTH = 80
N_STEPS = 1000
N_BATCH = 64
N_BANDS = 25


class Network(ABC):
    """What the three have in common: standardizing, drawing windows, training, smoothing.

    A subclass makes its network in ``_build``, says what a batch costs in ``_loss`` and how
    novel windows are in ``_novelty``; windows are tensors of shape ``(n, 25, 200)``.
    """

    name = ""
    calibrated = ()

    def fit(self, takes: Sequence[Frames]) -> Network:
        takes = [take for take in takes if len(take) >= N_WINDOW + N_HOP]
        if not takes:
            raise ValueError(f"A network needs takes of {N_WINDOW + N_HOP} frames.")
        frames = np.concatenate(takes)
        self._mean = frames.mean(axis=0)
        # One number for all bands: a band that hardly moves must not be blown up.
        self._spread = max(float((frames - self._mean).std()), 1.0)
        self._takes = [torch.from_numpy(self._standard(take)) for take in takes]
        torch.manual_seed(0)
        torch.set_num_threads(1)
        self._rng = np.random.default_rng(0)
        self._net = self._build()
        optimizer = torch.optim.AdamW(self._net.parameters(), lr=3e-3, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=N_STEPS)
        for _ in range(N_STEPS):
            optimizer.zero_grad()
            self._loss().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        self._net.eval()
        with torch.no_grad():
            self._remember()
        return self

    def novelty(self, frames: Frames) -> tuple[Array, Columns]:
        ends = np.arange(N_WINDOW, len(frames) + 1, N_HOP)
        if not len(ends):
            return np.empty(0), {"": np.empty(0), "2 s": np.empty(0)}
        with torch.no_grad():
            windows = torch.from_numpy(self._standard(frames)).unfold(0, N_WINDOW, N_HOP)
            parts = [self._novelty(windows[i:i + 256]) for i in range(0, len(windows), 256)]
        single: Array = torch.cat(parts).double().numpy()
        sums = np.concatenate([[0.0], np.cumsum(single)])
        first = np.maximum(np.arange(len(single)) + 1 - N_SMOOTH, 0)
        smooth: Array = (sums[1:] - sums[first]) / (np.arange(len(single)) + 1 - first)
        return ends / FRAME_RATE, {"": smooth, "2 s": single}

    def _standard(self, frames: Frames) -> Frames:
        # Far beyond anything heard, further away says no more.
        standard = np.clip((frames - self._mean) / self._spread, -6, 6)
        return np.asarray(standard, np.float32)

    def _draw(self, near: int = 0) -> tuple[Tensor, Tensor]:
        """Windows from anywhere in the session, and for each another at most ``near`` away."""
        lengths = np.array([len(t) for t in self._takes], float)
        which = self._rng.choice(len(lengths), size=N_BATCH, p=lengths / lengths.sum())
        pairs = []
        for take in (self._takes[i] for i in which):
            a = int(self._rng.integers(len(take) - N_WINDOW + 1))
            b = int(np.clip(a + self._rng.integers(-near, near + 1), 0, len(take) - N_WINDOW))
            pairs.append((take[a:a + N_WINDOW].T, take[b:b + N_WINDOW].T))
        return torch.stack([a for a, _ in pairs]), torch.stack([b for _, b in pairs])

    @abstractmethod
    def _build(self) -> nn.Module:
        """The untrained network."""

    @abstractmethod
    def _loss(self) -> Tensor:
        """What a batch costs."""

    @abstractmethod
    def _novelty(self, windows: Tensor) -> Tensor:
        """How strange each window is."""

    def _remember(self) -> None:  # noqa: B027 - most keep nothing
        """What is kept of the session beside the weights: nothing, usually."""


class Autoencoder(Network):
    """A window through a narrow place and back."""

    name = "CNN autoencoder"

    def _build(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv1d(N_BANDS, 32, 9, stride=5, padding=4), nn.GELU(),
            nn.Conv1d(32, 32, 8, stride=4, padding=2), nn.GELU(),
            nn.Conv1d(32, 12, 1),
            nn.Conv1d(12, 32, 3, padding=1), nn.GELU(),
            nn.ConvTranspose1d(32, 32, 8, stride=4, padding=2), nn.GELU(),
            nn.ConvTranspose1d(32, N_BANDS, 9, stride=5, padding=2))

    def _loss(self) -> Tensor:
        windows, _ = self._draw()
        return functional.mse_loss(self._net(windows), windows)

    def _novelty(self, windows: Tensor) -> Tensor:
        back: Tensor = self._net(windows)
        return (back - windows).square().mean(dim=(1, 2))


class Contrastive(Network):
    """An embedding where neighbors in time are neighbors; then nearest neighbors."""

    name = "CNN contrastive"
    temperature = 0.1

    def _build(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv1d(N_BANDS, 48, 9, stride=4, padding=4), nn.GELU(),
            nn.Conv1d(48, 48, 9, stride=4, padding=4), nn.GELU(),
            nn.Conv1d(48, 48, 5, stride=2, padding=2), nn.GELU(),
            nn.Flatten(), nn.Linear(48 * 7, 32))

    def _embed(self, windows: Tensor) -> Tensor:
        return functional.normalize(self._net(windows), dim=1)

    def _loss(self) -> Tensor:
        a, b = self._draw(near=50)
        louder = torch.from_numpy(self._rng.uniform(-3, 3, (N_BATCH, 1, 1)).astype(np.float32))
        alike = self._embed(a) @ self._embed(b + louder / self._spread).T / self.temperature
        return functional.cross_entropy(alike, torch.arange(N_BATCH))

    def _remember(self) -> None:
        outputs = torch.cat([self._before_last(take.unfold(0, N_WINDOW, N_HOP))
                             for take in self._takes])
        self._center = outputs.mean(dim=0)
        # An output that hardly moved must not decide.
        self._scale = outputs.std(dim=0) + 0.1 * outputs.std()
        self._memory = (outputs - self._center) / self._scale

    def _novelty(self, windows: Tensor) -> Tensor:
        outputs = (self._before_last(windows) - self._center) / self._scale
        distances = torch.cdist(outputs, self._memory)
        return distances.topk(min(3, len(self._memory)), largest=False).values.mean(dim=1)

    def _before_last(self, windows: Tensor) -> Tensor:
        for layer in list(self._net.children())[:-1]:
            windows = layer(windows)
        return windows


class Forecast(Network):
    """The end of a window foretold from its beginning."""

    name = "CNN forecast"
    n_ahead = 20

    def _build(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv1d(N_BANDS, 48, 9, stride=3), nn.GELU(),
            nn.Conv1d(48, 48, 9, stride=3), nn.GELU(),
            nn.Conv1d(48, 48, 5, stride=2), nn.GELU(),
            nn.Flatten(), nn.Linear(48 * 7, N_BANDS))

    def _error(self, windows: Tensor) -> Tensor:
        ahead: Tensor = self._net(windows[:, :, :-self.n_ahead])
        return (ahead - windows[:, :, -self.n_ahead:].mean(dim=2)).square().mean(dim=1)

    def _loss(self) -> Tensor:
        return self._error(self._draw()[0]).mean()

    def _novelty(self, windows: Tensor) -> Tensor:
        return self._error(windows)


NETWORKS: dict[str, Callable[[], Network]] = {
    "autoencoder": Autoencoder, "contrastive": Contrastive, "forecast": Forecast,
}


def make_network(name: str) -> Network:
    """An untrained network by its name in ``NETWORKS``."""
    return NETWORKS[name]()
