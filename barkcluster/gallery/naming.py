"""Names for sessions, from what a gallery ranks, and how often they are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score

from barkcluster._validation import check_choice, check_fraction

from .evaluation import NONE_OF_THEM, Evaluation
from .held_out import Namer, evaluate
from .sources import Source, Sources, takes_by_name


class NamingMixin:
    """Names sessions by what `rank` says of them."""

    @property
    def classes_(self: Namer) -> npt.NDArray[np.str_]:
        """The names in order, for scikit-learn; "none of them" is not one of them."""
        return np.array(sorted(self.names_), dtype=np.str_)

    def identify(self: Namer, session: Source) -> str | None:
        """The name that a session belongs to, or None.

        Parameters
        ----------
        session : array-like of shape (n_frames, 25), Session or path

        Returns
        -------
        name : str or None
            None if the familiarity to the most alike name is below ``false_alarm_rate``. That is
            so of about this share of sessions that do belong to one of the names.
        """
        rate = check_fraction("false_alarm_rate", self.false_alarm_rate)
        name, familiarity = self.rank(session)[0]
        return name if familiarity >= rate else None

    def novelty_order(self: Namer, sessions: Mapping[str, Source]) -> list[tuple[str, float]]:
        """Sessions in order, those least like any name first.

        Parameters
        ----------
        sessions : dict of str to session
            Sessions, by what to call them.

        Returns
        -------
        order : list of (str, float)
            Each with its familiarity to the most alike name.
        """
        best = [(key, self.rank(session)[0][1]) for key, session in sessions.items()]
        return sorted(best, key=lambda item: item[1])

    def predict(self: Namer, sessions: Sequence[Source]) -> npt.NDArray[np.str_]:
        """The name of each of several sessions, or "none of them".

        Parameters
        ----------
        sessions : sequence of session

        Returns
        -------
        names : ndarray of shape (n_sessions,)
        """
        said = [self.identify(session) for session in sessions]
        return np.array([NONE_OF_THEM if name is None else name for name in said], dtype=np.str_)

    def score(self: Namer, sessions: Sequence[Source], y: Sequence[str]) -> float:
        """Share of sessions that `predict` names rightly.

        Parameters
        ----------
        sessions : sequence of session
        y : sequence of str
            The name that each belongs to.

        Returns
        -------
        score : float
        """
        return float(accuracy_score(np.asarray(y, dtype=np.str_), self.predict(sessions)))

    def evaluate(self: Namer, sessions: Mapping[str, Sources], *, n_folds: int = 5,
                 on_error: str | None = None,
                 step: Callable[[str], None] = lambda what: None) -> Evaluation:
        """How well sessions are named that the gallery did not hear: whole takes are held out.

        Parameters
        ----------
        sessions : dict of str to session or list of them
            As in `fit`. If a name has only one take, it is learned and never asked about.
        n_folds : int, default=5
            Number of galleries to fit, each with other takes held out. This gallery stays as it
            is.
        on_error : {"raise", "skip"}, optional
            Whether sessions that cannot be read or learned are an error or left out; by default
            as the gallery has it. With "skip", ``evaluation.skipped`` says why.
        step : callable, optional
            Called with a line of text before each fold, for a display of progress.

        Returns
        -------
        evaluation : Evaluation

        Raises
        ------
        ValueError
            If fewer than two names have several takes.

        Warns
        -----
        UserWarning
            If a session that was held out was learned as well, from a copy of it.
        """
        on_error = check_choice("on_error", self.on_error if on_error is None else on_error,
                                ("raise", "skip"))
        return evaluate(self, takes_by_name(sessions), n_folds, on_error, step)
