"""Is familiarity right where music repeats or pauses: loops, clicks, drums, takes given twice?

    python -m benchmarks.steady [--scorers knn gmm] [--only loop drums]

For each kind of material and each scorer: the shares of more of the same that are below 0.05 and
below 0.2 (nominal 5 and 20 %), the median, and the share below 0.05 on each scale. Material that
repeats exactly has been heard before: there nothing should be below, and the median at least 0.5.
Everything is made from seeds.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from barkcluster import SCORERS, FamiliarityModel, bark_frames
from barkcluster.frames.resampling import rows_at
from barkcluster.synthetic import make_session

Frames = npt.NDArray[np.float64]
SAMPLE_RATE = 44100
INSTRUMENTS = ("chords", "plucks", "clicks", "saw", "scratches")

# What to learn, a take or a list of them, and what to hear then.
Case = tuple[str, Frames | list[Frames], list[Frames]]


def loops() -> Iterator[Case]:
    """Bars that repeat exactly, of noise and smooth, heard from several frames on."""
    for smooth in (0, 2):
        for length in (120, 150, 187, 200, 240, 320, 400):
            bar = np.random.default_rng(length).normal(-40, 10 * (1 + smooth), (length, 25))
            if smooth:
                bar = gaussian_filter1d(bar, smooth, axis=0, mode="wrap")
            loop = np.tile(bar, (9000 // length + 2, 1))
            yield (f"loop of {length / 100:g} s{', smooth' if smooth else ''}", loop[:6000],
                   [loop[start:start + 3000] for start in (0, 1, 3, 7, 55)])


def loops_in_noise() -> Iterator[Case]:
    """Short loops of whole frames in noise, and other noise a fraction of a frame later."""
    for length in (100, 170, 250, 370, 500, 800):
        for smooth in (5, 10):
            steps = 4 * length // 10
            bar = gaussian_filter1d(np.random.default_rng(length).normal(-40, 16, (steps, 25)),
                                    smooth, axis=0, mode="wrap")

            def heard(n_frames: int, start: float, seed: int, bar: Frames = bar) -> Frames:
                at = 4.0 * (np.arange(n_frames) + start) % len(bar)
                noise = np.random.default_rng(seed).normal(0, 0.7, (n_frames, 25))
                return rows_at(np.concatenate([bar, bar[:1]]), at) + noise

            yield (f"loop of {length / 1000:g} s in noise, {'rough' if smooth == 5 else 'smooth'}",
                   heard(12000, 0, 1),
                   [heard(3000, 50 + later, 2) for later in (0, 0.25, 0.5, 0.75)])


def drum_machine(bpm: float, seconds: float, jitter_s: float = 0.0, later: int = 0,
                 noise: float = 1e-4, seed: int = 0,
                 rests: Mapping[str, tuple[float, float]] | None = None) -> Frames:
    """Kick, hat and four bass notes as sound, each bar the same samples, as Bark frames.

    The "kick", "hat" and "bass" may rest, each from one second to another.
    """
    rng = np.random.default_rng(seed)
    beat, t = 60 / bpm, np.arange(int(0.4 * SAMPLE_RATE)) / SAMPLE_RATE
    kick = (0.5 * np.sin(2 * np.pi * (50 * t + 10 * (1 - np.exp(-20 * t))))
            * np.exp(-12 * t))[:int(0.3 * SAMPLE_RATE)]
    hat = 0.1 * rng.normal(size=int(0.08 * SAMPLE_RATE))
    hat *= np.exp(-t[:len(hat)] / 0.015)
    bass = [0.1 * np.sign(np.sin(2 * np.pi * hz * t)) * np.exp(-3 * t)
            for hz in (55, 65.4, 82.4, 73.4)]
    sound = np.zeros(int(SAMPLE_RATE * (seconds + 2)))
    late = np.random.default_rng(seed + 1)
    for i in range(int(seconds / beat * 2)):
        at = int(SAMPLE_RATE * max(0.0, i * beat / 2 + jitter_s * late.normal()))
        for name, one in [("hat", hat)] if i % 2 else [("kick", kick), ("bass", bass[i // 2 % 4])]:
            start, stop = (rests or {}).get(name, (0.0, 0.0))
            if not start <= i * beat / 2 < stop:
                sound[at:at + len(one)] += one
    sound = sound[later:later + int(SAMPLE_RATE * seconds)]
    sound += noise * np.random.default_rng(seed + later + 9).normal(size=len(sound))
    return np.asarray(bark_frames(sound, sample_rate=SAMPLE_RATE), dtype=np.float64)


def drums() -> Iterator[Case]:
    """A drum machine that goes on, in other frames; begun again, samples later."""
    for bpm, jitter_s, noise in ((120, 0, 1e-4), (100, 0, 1e-4), (128, 0, 1e-4), (117, 0, 1e-4),
                                 (120, 0.003, 1e-4), (120, 0.008, 1e-4), (120, 0, 0)):
        frames = drum_machine(bpm, 120, jitter_s, noise=noise)
        name = f"drums at {bpm}, {1000 * jitter_s:g} ms loose, noise {noise:g}"
        yield name, frames[:7198], [frames[7200 + skipped:] for skipped in (0, 2, 3, 5, 7)]
        if not jitter_s:
            yield ("  the same 10 to 333 samples later", frames[:7198],
                   [drum_machine(bpm, 40, later=later, noise=noise)
                    for later in (10, 110, 200, 333)])


def bar_of_sound(instrument: str, seconds: float) -> Frames:
    """A bar as samples: one note of the instrument on each sixteenth, or a rest."""
    rng = np.random.default_rng(round(100 * seconds))
    bar = np.zeros(int(seconds * SAMPLE_RATE))
    for step in range(16):
        here = bar[int(step * len(bar) / 16):]
        t = np.arange(len(here)) / SAMPLE_RATE
        hz = 55 * 2 ** (rng.integers(0, 36) / 12)
        if instrument == "chords" and step % 4 == 0:
            for number in (hz, 1.26 * hz, 1.5 * hz):
                here += 0.1 * np.sin(2 * np.pi * number * t + rng.uniform(0, 6)) * np.exp(-3 * t)
        elif instrument == "plucks" and rng.random() < 0.7:
            string = np.zeros(round(SAMPLE_RATE / hz) + 2)
            string[0], string[-2:] = 1, -0.498
            burst = np.where(t < 1 / hz, rng.uniform(-1, 1, len(t)), 0.0)
            here += 0.3 * lfilter([1], string, burst)
        elif instrument == "clicks" and rng.random() < 0.5:
            here += rng.uniform(-0.6, 0.6) * np.exp(-2000 * t)
        elif instrument == "saw":
            cut = np.exp(-2 * np.pi * rng.uniform(300, 3000) / SAMPLE_RATE)
            here[:] = lfilter([0.3 * (1 - cut)], [1, -cut], 2 * (t * hz % 1) - 1)
        elif instrument == "scratches":
            here[:] = lfilter([0.03], [1, -0.9], np.exp(rng.normal()) * rng.normal(size=len(t)))
    return bar


def loop_of_sound(bar: Frames, n_seconds: int, later: int = 0, noise_db: float = 0.0) -> Frames:
    """A bar over and over, some samples later; noise 80 dB below full scale, and of so many dB."""
    n_samples, rng = n_seconds * SAMPLE_RATE, np.random.default_rng(later)
    sound = np.tile(bar, n_samples // len(bar) + 2)[later:later + n_samples]
    frames = np.asarray(bark_frames(sound + 1e-4 * rng.normal(size=n_samples),
                                    sample_rate=SAMPLE_RATE))
    return frames + noise_db * rng.normal(size=frames.shape)


def sounds() -> Iterator[Case]:
    """Loops that are exact to the sample, heard some samples later, also in noise of 1 dB."""
    for instrument in INSTRUMENTS:
        for seconds in (1.6, 2.37):
            bar = bar_of_sound(instrument, seconds)
            for noise_db in (0.0, 1.0):
                yield (f"{instrument}, {seconds:g} s, noise of {noise_db:g} dB",
                       loop_of_sound(bar, 60, 0, noise_db),
                       [loop_of_sound(bar, 25, later, noise_db)
                        for later in (1, 110, 220, 330, 12345)])


def clicks() -> Iterator[Case]:
    """Noise on a sawtooth, at tempi that divide a second and at some that do not."""
    for bpm in (60, 61.7, 90, 100, 120, 140, 147.3, 150):
        def click(seconds: int, seed: int, bpm: float = bpm) -> Frames:
            time = np.arange(seconds * 100) / 100
            noise = np.random.default_rng(seed).normal(0, 3, (len(time), 25))
            return -30 - 40 * (time * bpm / 60 % 1)[:, None] + noise

        yield f"clicks at {bpm:g}", click(300, 0), [click(60, seed) for seed in (1, 2)]


def noise() -> Iterator[Case]:
    """First-order autoregression: more of the same, and nothing else."""
    for tau_s in (0.5, 3.0):
        def same(n_frames: int, seed: int, tau_s: float = tau_s) -> Frames:
            kept = np.exp(-0.01 / tau_s)
            steps = np.random.default_rng(seed).normal(size=(n_frames, 25))
            return np.asarray(
                -40 + 6 * np.sqrt(1 - kept ** 2) * lfilter([1], [1, -kept], steps, axis=0))

        yield f"noise of {tau_s:g} s", same(30000, 1), [same(60000, 2)]


def takes() -> Iterator[Case]:
    """A jam learned once, and with a copy of itself; then what it played next."""
    for seed in (11, 12, 13):
        jam = make_session(3, random_state=seed, surprises=False)[0].frames.astype(np.float64)
        take, new = jam[:9000], jam[9000:15000]
        rounded = take + np.random.default_rng(0).normal(0, 0.5, take.shape)
        softer = np.concatenate([np.full((4, 25), -80.0), take[:-4] - 3])
        for name, learned in (("once", [take]), ("twice", [take, take]),
                              ("and 0.5 dB off", [take, rounded]),
                              ("and 3 dB softer, 40 ms late", [take, softer]),
                              ("and its halves, the second first",
                               [take, np.concatenate([take[4500:], take[:4500]])]),
                              ("and pieces of 8 s", [take, *np.split(take[:8800], 11)])):
            yield f"take {seed} {name}", learned, [new]
    # Loops that were recorded once: all bars are alike, but for the noise.
    bar = gaussian_filter1d(np.random.default_rng(7).normal(-40, 16, (400, 25)), 2, axis=0,
                            mode="wrap")
    take, new = (np.tile(bar, (15, 1)) + np.random.default_rng(seed).normal(0, 0.7, (6000, 25))
                 for seed in (1, 2))
    codec = take + np.random.default_rng(3).normal(0, 0.3, take.shape)
    yield "take of loops once", [take], [new]
    yield "take of loops and a codec's copy", [take, codec], [new]


def pauses() -> Iterator[Case]:
    """A jam that pauses, once or between songs, and what it plays next, with other pauses."""
    for name, length, every in (("none", 0, 1), ("0.5 s", 50, 9000), ("5 s", 500, 9000),
                                ("1 s of 20", 100, 2000), ("5 s of 20", 500, 2000),
                                ("0.5 s of 5", 50, 500)):
        for seed in (20, 21, 24):
            jam = make_session(4.5, random_state=seed, surprises=False)[0].frames.astype(float)
            jam[(np.arange(len(jam)) + every // 2) % every < length] = -100.0
            yield f"jam {seed}, pauses of {name}", [jam[:9000]], [jam[9000:]]


KINDS = {"loop": loops, "hiss": loops_in_noise, "drums": drums, "sounds": sounds,
         "clicks": clicks, "noise": noise, "takes": takes, "pauses": pauses}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--scorers", nargs="+", default=list(SCORERS), choices=list(SCORERS))
    parser.add_argument("--only", nargs="+", default=list(KINDS), choices=list(KINDS))
    args = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)        # copies are left out, as they should be
    print(f"{'share below (nominal)':42}{'0.05 (5 %)':>11}{'0.2 (20 %)':>11}{'median':>8}"
          "  below 0.05 on each scale")
    for kind in args.only:
        for name, learned, heard in KINDS[kind]():
            for scorer in args.scorers:
                model = FamiliarityModel(scorer, random_state=0).fit(learned)
                timelines = [model.timeline(frames) for frames in heard]
                told = np.concatenate([t.familiarity for t in timelines])
                scales = np.nanmean(np.concatenate([t.by_scale for t in timelines]) < 0.05, axis=0)
                print(f"{name:36}{scorer:6}{np.mean(told < 0.05):11.1%}{np.mean(told < 0.2):11.1%}"
                      f"{np.median(told):8.2f}  {'  '.join(f'{s:.0%}' for s in scales)}",
                      flush=True)


if __name__ == "__main__":
    main()
