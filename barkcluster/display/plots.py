"""Pictures with matplotlib: frames, scorers side by side, motifs, the map as islands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from barkcluster._clock import label_times
from barkcluster._extras import missing_extra
from barkcluster._familiarity import STRANGE
from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive
from barkcluster.frames.bark import BARK_EDGES_HZ
from barkcluster.frames.session import N_BANDS, Frames, Session, check_frames
from barkcluster.model.explanation import shown_hertz
from barkcluster.model.model import FamiliarityModel
from barkcluster.model.timeline import Timeline
from barkcluster.scorers import SOMScorer

from .islands import IslandMap, island_map
from .levels import level_columns
from .picture import plain_text

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# More columns than a picture has dots only cost time.
_MOST_COLUMNS = 2000
# Sea, beach, grass, forest, rock and snow.
_ISLANDS = ((0.0, "#173f6b"), (0.22, "#2f76ad"), (0.34, "#8fc1d9"), (0.40, "#ecdfae"),
            (0.52, "#9cc26a"), (0.72, "#4d8a4a"), (0.88, "#9a8e7c"), (1.0, "#f7f5f2"))
_MOST_PATH = 600
_EDGES_SHOWN = (2, 5, 8, 11, 14, 17, 20, 23)


class MotifLike(Protocol):
    """What `plot_motifs` draws: an item of what `find_motifs` returns."""

    @property
    def starts(self) -> npt.ArrayLike:
        """Seconds at which the occurrences begin."""

    @property
    def length(self) -> float:
        """Seconds that each occurrence lasts."""


def plot_bark(session: Frames, *, frame_rate: float = 100.0, ax: Axes | None = None) -> Axes:
    """Draw frames as an image, the lowest band at the bottom.

    Parameters
    ----------
    session : array-like of shape (n_frames, 25) or Session
        Bark coefficients in dB.
    frame_rate : float, default=100.0
        Frames per second of a plain array. A `Session` brings its own, and its name.
    ax : matplotlib Axes, optional
        Where to draw; a new figure where none is given.

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> ax = plot_bark(np.random.default_rng(0).normal(-40, 6, size=(300, 25)))
    >>> ax.get_xlabel()
    'time'
    """
    ax = axes_or_new(ax, (10, 2.6))
    n_bands = session.n_bands if isinstance(session, Session) else N_BANDS
    frames = check_frames(session, n_bands)
    if not len(frames):
        raise ValueError("frames must hold at least one frame; got none.")
    rate = (session.frame_rate if isinstance(session, Session)
            else check_positive("frame_rate", frame_rate))
    if not isinstance(session, Session):
        session = Session(frames, rate)
    levels, start, stop = level_columns(session, _MOST_COLUMNS)
    image = ax.imshow(
        levels.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        vmin=float(np.nanpercentile(levels, 2)), vmax=float(np.nanmax(levels)),
        extent=(start, stop, 0.0, float(n_bands)))
    if n_bands == N_BANDS:
        # The label of the axis says Hz: 300, 1.3k.
        ax.set_yticks(_EDGES_SHOWN, [
            shown_hertz(BARK_EDGES_HZ[i]).removesuffix("Hz").replace(" ", "")
            for i in _EDGES_SHOWN])
        ax.set_ylabel("Hz")
    else:
        ax.set_ylabel("band")
    label_times(ax)
    if session.name:
        ax.set_title(plain_text(session.name), fontsize=11)
    ax.figure.colorbar(image, ax=ax, label="dB", pad=0.01)
    return ax


def plot_scorers(timelines: Mapping[str, Timeline], *, ax: Axes | None = None) -> Axes:
    """Draw several timelines over the same time, a strip for each, strange parts shaded.

    Parameters
    ----------
    timelines : dict of str to Timeline
        By what to call them, such as the names of scorers or models.
    ax : matplotlib Axes, optional
        Where to draw; a new figure where none is given.

    Returns
    -------
    ax : matplotlib Axes
    """
    if not timelines:
        raise ValueError("timelines must name at least one timeline; got none.")
    ax = axes_or_new(ax, (10, 0.9 + 0.85 * len(timelines)))
    tall = 0.86
    middles = []
    for i, (name, timeline) in enumerate(timelines.items()):
        base = float(len(timelines) - 1 - i)
        times, (values,) = timeline.with_breaks(base + tall * timeline.familiarity)
        ax.axhspan(base, base + tall, color="0.5", alpha=0.09, linewidth=0)
        ax.fill_between(timeline.times, base, base + tall, where=timeline.familiarity < STRANGE,
                        color="#c5172e", alpha=0.35, linewidth=0, step="mid")
        ax.plot(times, values, color=f"C{i % 10}", linewidth=1.1, label=plain_text(name))
        middles.append((base + tall / 2, plain_text(name)))
    ax.set_yticks([m for m, _ in middles], [name for _, name in middles])
    ax.set_ylim(-0.08, len(timelines))
    ax.margins(x=0)
    label_times(ax, f"time; shaded: familiarity below {STRANGE:g}")
    return ax


def plot_motifs(session: Frames, motifs: Sequence[MotifLike], *, frame_rate: float = 100.0,
                most: int = 8, ax: Axes | None = None) -> Axes:
    """Draw where each motif occurs, a row each, under the frames of the session.

    Parameters
    ----------
    session : array-like of shape (n_frames, 25) or Session
        The session that the motifs were found in.
    motifs : sequence of Motif
        As `find_motifs` returns them. Only ``starts`` and ``length`` are used.
    frame_rate : float, default=100.0
        Frames per second of a plain array.
    most : int, default=8
        The first so many motifs are drawn.
    ax : matplotlib Axes, optional
        Where to draw; a new figure where none is given.

    Returns
    -------
    ax : matplotlib Axes
        Its vertical axis counts Bark bands; motifs are below 0.
    """
    shown = list(motifs)[:most]
    ax = axes_or_new(ax, (10, 2.8 + 0.3 * len(shown)))
    plot_bark(session, frame_rate=frame_rate, ax=ax)
    top = ax.get_ylim()[1]
    row = top / 9
    ticks, labels = list(ax.get_yticks()), [label.get_text() for label in ax.get_yticklabels()]
    for i, motif in enumerate(shown):
        starts = np.atleast_1d(np.asarray(motif.starts, dtype=np.float64))
        bars = [(float(start), float(motif.length)) for start in starts]
        ax.broken_barh(bars, (-(i + 1) * row, 0.78 * row), facecolors=f"C{i % 10}",
                       edgecolors="white", linewidth=0.5)
        ticks.append(-(i + 0.6) * row)
        labels.append(f"{motif.length:.1f} s × {len(starts)}")
    ax.set_yticks(ticks, labels)
    ax.set_ylim(-(len(shown) + 0.15) * row, top)
    return ax


class MapDisplay:
    """A self-organizing map as islands; made by `plot_map`.

    Parameters
    ----------
    islands : IslandMap
        What to draw.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where `plot` drew last.
    figure_ : matplotlib Figure
        The figure it belongs to.
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, islands: IslandMap) -> None:
        self.islands = islands

    def plot(self, ax: Axes | None = None, *, path: bool = True, spectra: bool = True) -> Self:
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure where none is given.
        path : bool, default=True
            Whether to draw the session's path over the map.
        spectra : bool, default=True
            Whether to draw the prototypes' spectra.

        Returns
        -------
        self : MapDisplay
        """
        ax = axes_or_new(ax, (7.2, 6.4))
        from matplotlib.colors import LinearSegmentedColormap

        islands = self.islands
        down, across = islands.histogram.shape
        image = ax.imshow(
            islands.histogram, cmap=LinearSegmentedColormap.from_list("islands", _ISLANDS),
            interpolation="bicubic", vmin=0, vmax=1, origin="upper")
        if spectra:
            _draw_spectra(ax, islands.spectra)
        if path and len(islands.path) > 1:
            _draw_path(ax, islands)
        ax.set_xlim(-0.5, across - 0.5)
        ax.set_ylim(down - 0.5, -0.5)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.figure.colorbar(image, ax=ax, pad=0.01,
                           label="windows here (smoothed; 0 fewest, 1 most)")
        self.ax_ = ax
        figure = ax.get_figure(root=True)
        assert figure is not None
        self.figure_ = figure
        return self


def plot_map(model: FamiliarityModel, session: Frames, *, scale: float | None = None,
             ax: Axes | None = None) -> MapDisplay:
    """Draw the map that a model learned as islands, and the path of a session over it.

    Parameters
    ----------
    model : FamiliarityModel
        Fitted with ``scorer="som"``.
    session : array-like of shape (n_frames, 25) or Session
        Its windows make the islands, and its path is drawn: the session that was learned, or
        another.
    scale : float, optional
        Which of the model's window lengths, in seconds; the middle one by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure where none is given.

    Returns
    -------
    display : MapDisplay
        With ``ax_`` and ``figure_``.

    Raises
    ------
    ValueError
        If the model has no map, no such scale, or the session is shorter than the scale.
    """
    check_is_fitted(model)
    if scale is None:
        scale = model.scales_[len(model.scales_) // 2]
    if scale not in model.scales_:
        raise ValueError("scale must be one of the model's, "
                         f"{', '.join(f'{s:g}' for s in model.scales_)}; got {scale:g}.")
    block, part = next((b, p) for b, p in enumerate(model.parts_)
                       if model.scales_[p.scale_index] == scale and p.view == "texture")
    if not isinstance(part.scorer, SOMScorer):
        raise ValueError("model must be fitted with scorer='som' to have a map; got "
                         f"{type(part.scorer).__name__}.")
    windows = model.features_.transform_views(session)[block]
    if not len(windows.X):
        raise ValueError(f"session must cover a window of {scale:g} s to be on the map.")
    islands = island_map(part.scorer, windows.X, windows.times,
                         n_bands=model.features_.n_bands)
    return MapDisplay(islands).plot(ax)


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes given, or those of a new figure of this size in inches."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise missing_extra("A plot", "matplotlib", "plot") from error
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax


def _draw_spectra(ax: Axes, spectra: FloatArray) -> None:
    """A small curve in each unit: higher bands to the right, louder ones further up."""
    n_bands = spectra.shape[2]
    along = np.linspace(-0.36, 0.36, n_bands)
    tallest = float(np.percentile(np.abs(spectra), 99)) or 1.0
    for (i, j), _ in np.ndenumerate(spectra[:, :, 0]):
        height = -0.36 * np.clip(spectra[i, j] / tallest, -1.0, 1.0)
        for color, width in (("white", 2.4), ("black", 1.0)):  # legible on sea and on snow
            ax.plot(j + along, i + height, color=color, linewidth=width, alpha=0.85,
                    solid_capstyle="round", zorder=2)


def _draw_path(ax: Axes, islands: IslandMap) -> None:
    from matplotlib.collections import LineCollection

    every = max(1, len(islands.path) // _MOST_PATH)
    points = islands.path[::every, ::-1]
    lines = LineCollection(list(np.stack([points[:-1], points[1:]], axis=1)), cmap="plasma",
                           linewidths=1.1, alpha=0.75, zorder=3)
    lines.set_array(islands.times[::every][:-1])
    ax.add_collection(lines)
    for at, marker, name in ((points[0], "o", "start"), (points[-1], "s", "end")):
        ax.plot(*at, marker, color="white", markeredgecolor="black", markersize=8, zorder=4)
        ax.annotate(name, at, xytext=(6, 6), textcoords="offset points", fontsize=9, zorder=5,
                    bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.85,
                          "edgecolor": "none"})
    ax.figure.colorbar(lines, ax=ax, label="time of the path (s)", pad=0.02)
