"""Times as people say them, in text and on the axes of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Seconds between the ticks of a picture, of which there are so many at most.
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0)
_MOST_TICKS = 10


def clock(seconds: float, digits: int = 0) -> str:
    """Time as people say it.

    Parameters
    ----------
    seconds : float
        From the start, 0 or more.
    digits : int, default=0
        Digits after the second.

    Examples
    --------
    >>> clock(75), clock(7322.46, 1)
    ('1:15', '2:02:02.5')
    """
    whole, fraction = divmod(round(seconds * 10 ** digits), 10 ** digits)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{fraction:0{digits}d}" if digits else text


def tick_step(span_s: float) -> float:
    """Seconds between the ticks of an axis.

    Parameters
    ----------
    span_s : float
        From the axis' begin to its end.

    Examples
    --------
    >>> tick_step(240.0), tick_step(30_000.0)
    (30.0, 3600.0)
    """
    wide = (step for step in _STEPS if span_s / step <= _MOST_TICKS)
    hours = 3600.0 * max(1, -(-span_s // (3600.0 * _MOST_TICKS)))
    return next(wide, hours)


def label_times(ax: Axes, label: str = "time") -> None:
    """Let the x axis of a picture, in seconds, be read as minutes and seconds."""
    from matplotlib.ticker import FuncFormatter, Locator

    class TimeLocator(Locator):
        def __call__(self) -> list[float]:
            return self.tick_values(*ax.get_xlim())

        def tick_values(self, vmin: float, vmax: float) -> list[float]:
            step = tick_step(vmax - vmin)
            first = -int(-max(vmin, 0.0) // step)
            return [step * i for i in range(first, int(vmax // step) + 1)]

    def text(seconds: float, position: int | None = None) -> str:
        low, high = ax.get_xlim()
        return clock(max(seconds, 0.0), int(tick_step(high - low) < 1.0))

    ax.xaxis.set_major_locator(TimeLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(text))
    ax.set_xlabel(label)
