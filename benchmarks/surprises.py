"""Is what breaks in noticed where a machine repeats, also after it was built up voice by voice?

    python -m benchmarks.surprises [--scorers knn gmm]

A drum machine whose voices play from the beginning, or come in one after another, learned for
three minutes from the first on; then, in all voices, two and four seconds of a jam and three of
silence; the same of loops of sound, learned for a minute, and again half a frame later. And a drum
machine that leaves a voice out for 1, 2 and 4 s. Found: familiarity is below 0.05 in it.
Beside it the shares below 0.05 of the same without a surprise, and of all that was learned, heard
again. Everything is made from seeds.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping

import numpy as np

from barkcluster import SCORERS, FamiliarityModel
from barkcluster.synthetic import make_session

from .steady import INSTRUMENTS, Frames, bar_of_sound, drum_machine, loop_of_sound

TEMPI = (93.0, 110.0, 120.0)
# Seconds from one to another of what breaks in; the second is silence.
SPANS = ((15.0, 17.0), (30.0, 33.0), (45.0, 49.0))
LENGTHS_S = (1.0, 2.0, 4.0)
BARS_S = (1.6, 2.37)
LATER = (0, 220)


def broken_into(frames: Frames) -> Frames:
    """The same with other music and silence in it."""
    other = make_session(1.5, random_state=101, surprises=False)[0].frames
    result = frames.copy()
    for number, (start, stop) in enumerate(SPANS):
        here = slice(round(100 * start), round(100 * stop))
        result[here] = -100.0 if number == 1 else other[here]
    return result


def lowest(model: FamiliarityModel, frames: Frames, start: float, stop: float) -> float:
    """Familiarity at its lowest while something breaks in."""
    told = model.timeline(frames)
    return float(told.familiarity[(told.times > start) & (told.times <= stop + 0.1)].min())


def below(model: FamiliarityModel, frames: Frames) -> float:
    """Share of moments that are called strange."""
    return float(np.mean(model.timeline(frames).familiarity < 0.05))


def after(scorer: str, rests: Mapping[str, tuple[float, float]]) -> list[str]:
    """Other music and silence that are found once all voices play, and shares, of all tempi."""
    music, silence, same, again = 0, 0, [], []
    for bpm in TEMPI:
        learned, whole = drum_machine(bpm, 180, rests=rests), drum_machine(bpm, 55)
        model = FamiliarityModel(scorer, random_state=0).fit(learned)
        found = [lowest(model, broken_into(whole), *span) < 0.05 for span in SPANS]
        music, silence = music + found[0] + found[2], silence + found[1]
        same.append(below(model, whole))
        again.append(below(model, learned))
    return [f"{music} of {2 * len(TEMPI)}", f"{silence} of {len(TEMPI)}",
            f"{max(same):.1%}", f"{max(again):.1%}"]


def in_loops(scorer: str, instrument: str) -> list[str]:
    """The same of loops of sound, where they were learned and half a frame later."""
    music, silence, same, again = 0, 0, [], []
    for seconds in BARS_S:
        bar = bar_of_sound(instrument, seconds)
        learned = loop_of_sound(bar, 60)
        model = FamiliarityModel(scorer, random_state=0).fit(learned)
        for later in LATER:
            whole = loop_of_sound(bar, 55, later)
            found = [lowest(model, broken_into(whole), *span) < 0.05 for span in SPANS]
            music, silence = music + found[0] + found[2], silence + found[1]
            same.append(below(model, whole))
        again.append(below(model, learned))
    n = len(BARS_S) * len(LATER)
    return [f"{music} of {2 * n}", f"{silence} of {n}", f"{max(same):.1%}", f"{max(again):.1%}"]


def left_out(scorer: str, bpm: float, noise: float) -> list[str]:
    """The same of a hat and of a kick that breaks off."""
    model = FamiliarityModel(scorer, random_state=0).fit(drum_machine(bpm, 60, noise=noise))
    whole = drum_machine(bpm, 40, noise=noise)

    def noticed(voice: str, length: float) -> bool:
        span = 20.0, 20.0 + length
        return lowest(model, drum_machine(bpm, 30, noise=noise, rests={voice: span}),
                      *span) < 0.05

    found = [sum(noticed(voice, length) for length in LENGTHS_S) for voice in ("hat", "kick")]
    return [*(f"{n} of {len(LENGTHS_S)}" for n in found),
            f"{below(model, whole[123:]):.1%}", f"{below(model, whole):.1%}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--scorers", nargs="+", default=list(SCORERS), choices=list(SCORERS))
    args = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    print(f"{'found; below 0.05, at most':46}{'music':>8}{'silence':>9}{'same':>8}{'again':>8}")
    for name, rests in (("all voices from the beginning", {}),
                        ("then the hat, then the bass", {"hat": (0.0, 36.0), "bass": (0.0, 72.0)}),
                        ("then the bass, then the kick", {"bass": (0.0, 36.0),
                                                          "kick": (0.0, 72.0)})):
        for scorer in args.scorers:
            a, b, c, d = after(scorer, rests)
            print(f"{name:38}{scorer:8}{a:>8}{b:>9}{c:>8}{d:>8}", flush=True)
    for instrument in INSTRUMENTS:
        for scorer in args.scorers:
            a, b, c, d = in_loops(scorer, instrument)
            print(f"{'loops of ' + instrument:38}{scorer:8}{a:>8}{b:>9}{c:>8}{d:>8}", flush=True)
    print(f"{'':46}{'no hat':>8}{'no kick':>9}")
    for bpm in (117.0, 120.0):
        for noise in (1e-3, 1e-4):
            for scorer in args.scorers:
                a, b, c, d = left_out(scorer, bpm, noise)
                name = f"drums at {bpm:g}, noise {noise:g}"
                print(f"{name:38}{scorer:8}{a:>8}{b:>9}{c:>8}{d:>8}", flush=True)


if __name__ == "__main__":
    main()
