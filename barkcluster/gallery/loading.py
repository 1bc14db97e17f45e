"""Loading a gallery from its folder."""

from __future__ import annotations

import os
from collections.abc import Callable

from sklearn.base import clone

from barkcluster.files.archive import ModelFormatError
from barkcluster.frames.session import Session
from barkcluster.frames.text import read_session

from .candidates import N_PROTOTYPES, SKETCH_SIZE
from .folder import GalleryFolder
from .gallery import SessionGallery


def load_gallery(folder: str | os.PathLike[str], *,
                 reader: Callable[[str | os.PathLike[str]], Session] = read_session,
                 n_jobs: int | None = None) -> SessionGallery:
    """The gallery in a folder. Its models stay there until a query needs them.

    Nothing in the files is executed, whatever they hold.

    Parameters
    ----------
    folder : path-like
        As `SessionGallery.save` or a gallery with a ``folder`` left it.
    reader, n_jobs
        As in `SessionGallery`.

    Returns
    -------
    gallery : SessionGallery
        Fitted. Its ``folder`` is this one: names that are added or removed change the files.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ModelFormatError
        If a file is damaged, or not of a gallery.
    """
    files = GalleryFolder(folder)
    index = files.read_index()
    if index.prototypes.shape[1:] != (N_PROTOTYPES, SKETCH_SIZE):
        raise ModelFormatError(f"{os.fspath(folder)}: sketches must be of {N_PROTOTYPES} by "
                               f"{SKETCH_SIZE} numbers; got {index.prototypes.shape[1:]}.")
    gallery = SessionGallery(
        clone(files.model(index.files[0], index.features)), n_candidates=index.n_candidates,
        false_alarm_rate=index.false_alarm_rate, n_pieces=index.n_pieces, folder=folder,
        reader=reader, n_jobs=n_jobs)
    return gallery.restore(index, files)
