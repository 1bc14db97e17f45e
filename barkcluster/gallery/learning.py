"""How many names are learned, each in a worker, and those left out that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from joblib import Parallel, delayed

from barkcluster.frames.session import Session, same_rate
from barkcluster.model.model import FamiliarityModel

from .entry import Entry, Keep, in_memory, learn_entry, try_entry
from .folder import GalleryFolder
from .sources import Path, Source


@dataclass(frozen=True)
class Learner:
    """How names are learned.

    Attributes
    ----------
    template : FamiliarityModel
        Not fitted; it is cloned.
    reader : callable
        Makes a Session of a path.
    n_pieces : int
        Pieces of each name that are held out in turn.
    folder : GalleryFolder or None
        Where models are kept; None keeps them in memory.
    n_jobs : int or None
        As in joblib.
    on_error : {"raise", "skip"}
        Whether sessions that cannot be learned are an error or left out.
    files : list of str
        What the files are called that were written, or are being written.
    """

    template: FamiliarityModel
    reader: Callable[[Path], Session]
    n_pieces: int
    folder: GalleryFolder | None
    n_jobs: int | None
    on_error: str
    files: list[str] = field(default_factory=list)

    def learn(self, sessions: Mapping[str, Sequence[Source]], usual: tuple[float, int] | None,
              ) -> tuple[dict[str, Entry], dict[str, str]]:
        """Learn each name, and say why others were left out.

        Parameters
        ----------
        sessions : dict of str to list of sessions
        usual : (float, int) or None
            Frame rate and number of bands that names must have, for ``on_error="skip"``; None
            takes those of most of them.

        Returns
        -------
        entries : dict of str to Entry
        skipped : dict of str to str
            Why, by path or name.
        """
        learn = learn_entry if self.on_error == "raise" else try_entry
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(learn)(name, self.template, sources, self.reader, self.n_pieces, self._keep())
            for name, sources in sessions.items())
        if self.on_error == "raise":
            return dict(zip(sessions, found, strict=True)), {}
        skipped = {path: reason for _, why in found for path, reason in why.items()}
        entries = {name: entry for name, (entry, _) in zip(sessions, found, strict=True)
                   if entry is not None}
        if not entries and sessions:
            raise ValueError("sessions must hold one that can be learned; got none: "
                             + next(iter(skipped.values())))
        kinds = [(entry.features.frame_rate, entry.features.n_bands)
                 for entry in entries.values()]
        if usual is None:
            usual = max(kinds, key=lambda kind: sum(_are_alike(kind, other) for other in kinds),
                        default=(0.0, 0))
        for name, kind in zip(list(entries), kinds, strict=True):
            if not _are_alike(kind, usual):
                skipped[name] = (f"has {kind[0]:g} frames a second of {kind[1]} bands, the others "
                                 f"{usual[0]:g} of {usual[1]}.")
                left_out = entries.pop(name)
                if self.folder is not None and isinstance(left_out.kept, str):
                    self.folder.delete([left_out.kept])
        return entries, skipped

    def _keep(self) -> Keep:
        """What keeps the next name's model."""
        if self.folder is None:
            return in_memory
        # Named here and not by the worker, so that they can be removed whatever becomes of it.
        self.files.append(self.folder.new_name())
        return partial(self.folder.write_entry, name=self.files[-1])


def _are_alike(one: tuple[float, int], other: tuple[float, int]) -> bool:
    """Whether frame rates and numbers of bands go together."""
    return same_rate(one[0], other[0]) and one[1] == other[1]
