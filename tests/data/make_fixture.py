"""Model files of one format version, and the answers they gave when they were written.

    python tests/data/make_fixture.py

writes tests/data/version<FORMAT_VERSION>/. Once a release has written a version, its files stay
as they are for good: they are what users have. Anything that changes their answers, another
feature in windows/ as much as another field in the file, asks for a new FORMAT_VERSION, a
migration in files/container.py, and then a run of this script for the files of the new version.
"""

import json
from pathlib import Path

import numpy as np

from barkcluster import SCORERS, FamiliarityModel
from barkcluster.files.container import FORMAT_VERSION


def made_up_frames(n_frames, seed=1):
    """Levels of two riffs that take turns: the same on every machine, for ever."""
    time, band = np.arange(n_frames)[:, None], np.arange(25)
    beat = np.exp(-(time % (40 + 11 * (time // 170 % 2))) / 9.0) * (5 + band * 7 % 19)
    noise = (time * (7919 + 2 * seed) + band * 104729 + time * time * 31) % 97 / 16
    return np.round(-60 + beat + noise, 3)


def made_up_rows(n_rows, seed=1):
    """Rows in place of windows: bands 3, 9 and 15 of such frames."""
    return made_up_frames(n_rows, seed)[:, [3, 9, 15]]


def answers_of(thing):
    """What a loaded model or scorer says of other frames than it learned."""
    if isinstance(thing, FamiliarityModel):
        timeline = thing.timeline(made_up_frames(400, seed=2))
        return np.column_stack([timeline.familiarity, np.nan_to_num(timeline.by_scale)]).tolist()
    return thing.score_samples(made_up_rows(40, seed=2)).tolist()


def main():
    folder = Path(__file__).parent / f"version{FORMAT_VERSION}"
    folder.mkdir(exist_ok=True)
    things = {}
    for name, cls in SCORERS.items():
        scorer = cls(whitening=0.5 if name in ("gmm", "som") else 0.0, gap=4)
        if "random_state" in scorer.get_params():
            scorer.set_params(random_state=0)
        things[name] = scorer.fit(made_up_rows(60))
    things["model"] = FamiliarityModel(
        "kmeans", scales=(0.5, 3.0), hop=0.2, random_state=0).fit(
            np.tile(made_up_frames(240), (5, 1)))
    answers = {}
    for name, thing in things.items():
        thing.save(folder / f"{name}.npz")
        answers[name] = answers_of(thing)
    (folder / "answers.json").write_text(json.dumps(answers, indent=0))


if __name__ == "__main__":
    main()
