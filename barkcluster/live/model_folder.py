"""The one folder that messages may save models to and load them from, by plain file names."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from barkcluster.model.model import FamiliarityModel, load_model

# Letters and digits of any script, and what stands between them in names; no path, nothing hidden,
# nothing that a terminal would take for more than text.
_NAME = re.compile(r"\w[\w .()+-]{0,99}\.npz")
# Model files up to which messages may add another: more would only fill the disk.
_MOST_MODELS = 100


class ModelFolder:
    """Saves and loads model files by names that came over the network.

    Parameters
    ----------
    path : path-like
        The folder.

    Examples
    --------
    >>> ModelFolder(".").load("../jam.npz")
    Traceback (most recent call last):
        ...
    ValueError: must be a plain name that ends in .npz
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def save(self, model: FamiliarityModel, name: str) -> None:
        """Write a model to a new file, or in the place of a model.

        Raises
        ------
        ValueError
            If the name is not allowed, belongs to another kind of file, or if there are too many
        models.
        OSError
            If it cannot be written.
        """
        path = self._checked(name)
        if path.exists():
            load_model(path)
        elif sum(1 for _ in self.path.glob("*.npz")) >= _MOST_MODELS:
            raise ValueError(f"{self.path} holds {_MOST_MODELS} .npz files already")
        model.save(path)

    def load(self, name: str) -> FamiliarityModel:
        """The model of a name.

        Raises
        ------
        ValueError
            If the name is not allowed, or the file is no model.
        OSError
            If it cannot be read.
        """
        return load_model(self._checked(name))

    def _checked(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("must be a plain name that ends in .npz")
        path = self.path / name
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return path
        if not stat.S_ISREG(mode):
            raise ValueError("is a link, or another thing than a file")
        return path
