"""Pictures: they show what they are given, where it is."""

from dataclasses import dataclass

import numpy as np
import pytest

from barkcluster import FamiliarityModel, Session, SOMScorer, Timeline
from barkcluster.display.islands import island_map

matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib (extra plot)")
matplotlib.use("Agg")

from barkcluster.display import plots  # noqa: E402
from barkcluster.display.bars import Mark  # noqa: E402
from barkcluster.display.picture import timeline_picture  # noqa: E402


@dataclass
class Motif:
    starts: np.ndarray
    length: float


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    frames = np.repeat(rng.normal(-40, 8, size=(12, 25)), 100, axis=0)
    frames += rng.normal(0, 2, size=frames.shape)
    som = SOMScorer(shape=(6, 6), n_iter=200)
    return FamiliarityModel(som, scales=(0.5, 2.0), random_state=0).fit(frames), frames


def test_frames_keep_their_time_and_their_name(rng):
    ax = plots.plot_bark(Session(rng.normal(-40, 6, size=(500, 25)), 50.0, "costs $5 and $6"))
    (image,) = ax.images
    assert image.get_extent() == [0, 10, 0, 25]
    ax.figure.canvas.draw()
    assert ax.get_title() == r"costs \$5 and \$6"


def test_two_hours_are_thinned(rng):
    ax = plots.plot_bark(np.full((72_000, 25), -40.0))
    assert ax.images[0].get_array().shape[1] < 5000


def test_no_frames_is_an_error():
    with pytest.raises(ValueError, match="at least one frame"):
        plots.plot_bark(np.zeros((0, 25)))


def test_scorers_stand_in_bands_of_their_own(rng):
    times = np.arange(1.0, 21.0)
    values = rng.uniform(size=20)
    timeline = Timeline(times, values, values[:, None], np.array([1.0]))
    ax = plots.plot_scorers({"knn": timeline, "som": timeline})
    first, second = (line.get_ydata() for line in ax.lines)
    assert first.min() > second.max()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["knn", "som"]


def test_motifs_are_where_they_start(rng):
    ax = plots.plot_motifs(rng.normal(-40, 6, size=(3000, 25)),
                           [Motif(np.array([2.0, 12.0]), 3.0)])
    (bars,) = ax.collections
    boxes = sorted((p.vertices[:, 0].min(), p.vertices[:, 0].max()) for p in bars.get_paths())
    assert boxes == [(2.0, 5.0), (12.0, 15.0)]
    assert "3.0 s × 2" in [label.get_text() for label in ax.get_yticklabels()]


def test_plots_draw_where_they_are_told(rng):
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    assert plots.plot_bark(np.full((100, 25), -40.0), ax=ax) is ax


@pytest.mark.slow
def test_map_draws_islands_and_the_way(model):
    fitted, frames = model
    display = plots.plot_map(fitted, frames, scale=0.5)
    assert display.figure_ is display.ax_.figure
    assert {text.get_text() for text in display.ax_.texts} == {"start", "end"}
    display.figure_.canvas.draw()


def test_map_of_another_scorer_is_an_error(model):
    _, frames = model
    with pytest.raises(ValueError, match="scorer='som'.*KMeansScorer"):
        plots.plot_map(FamiliarityModel("kmeans", scales=(0.5,)).fit(frames), frames)
    with pytest.raises(ValueError, match=r"scale must be one of the model's, 0.5, 2; got 7"):
        plots.plot_map(model[0], frames, scale=7.0)


def test_islands_count_votes_as_plain_loops_do(rng):
    rows = rng.normal(size=(40, 5))
    scorer = SOMScorer(shape=(3, 4), random_state=0).fit(rows)
    islands = island_map(scorer, rows, np.arange(40.0), n_bands=5)
    votes = np.zeros((3, 4))
    for row in rows:
        units = sorted((np.linalg.norm(row - scorer.metric_mean_ - scorer.codebook_[i, j]), i, j)
                       for i in range(3) for j in range(4))
        for vote, (_, i, j) in zip((3, 2, 1), units, strict=False):
            votes[i, j] += vote
    votes -= votes.min()
    np.testing.assert_allclose(islands.histogram, votes / votes.max())


def test_the_way_stays_on_the_map_and_near_the_unit(rng):
    rows = rng.normal(size=(60, 5))
    scorer = SOMScorer(shape=(4, 4), random_state=0).fit(rows)
    prototypes = scorer.prototypes_.reshape(-1, 5)
    islands = island_map(scorer, prototypes, np.arange(16.0), n_bands=5)
    units = np.column_stack(np.divmod(np.arange(16), 4))
    np.testing.assert_allclose(islands.path, units, atol=1e-5)


def test_wrong_rows_are_an_error(rng):
    scorer = SOMScorer(shape=(2, 2), random_state=0).fit(rng.normal(size=(20, 3)))
    with pytest.raises(ValueError, match=r"shape \(n, 3\).*got \(5, 4\)"):
        island_map(scorer, np.zeros((5, 4)), np.arange(5.0))


def test_names_are_no_mathematics_and_need_not_be_utf_8(rng, tmp_path):
    name = "a $x^{ b$ \udcff"
    session = Session(rng.normal(-40, 6, size=(300, 25)), name=name)
    ax = plots.plot_bark(session)
    ax.figure.savefig(tmp_path / "frames.png")
    ones = np.ones((5, 1))
    timeline = Timeline(np.arange(1.0, 6.0), ones[:, 0], ones, np.array([1.0]))
    picture = timeline_picture(session, timeline, marks=[Mark(1.0, 2.0, name)], title=name)
    picture.savefig(tmp_path / "timeline.png")
    shown = r"a \$x^{ b\$ ?"
    assert ax.get_title() == shown
    assert picture.get_suptitle() == shown
    assert shown in [text.get_text() for some in picture.axes for text in some.texts]
