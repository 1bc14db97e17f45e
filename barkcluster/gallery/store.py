"""The models of a gallery by name, in memory or in files until a query needs them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from barkcluster.model.model import FamiliarityModel
from barkcluster.windows.features import WindowFeatures

from .entry import Kept, Windows
from .folder import GalleryFolder

# Models read from files that stay in memory: enough for the candidates of a few queries.
_MOST_LOADED = 64


class ModelStore:
    """Models and windows by name.

    Parameters
    ----------
    kept : dict of str to (FamiliarityModel, Windows) or str
        The model and windows of each name, or what its files are called.
    features : WindowFeatures
        Windows of the gallery, which models in files must have as well.
    files : GalleryFolder or None
        Where the files are; None if all is in memory.
    """

    def __init__(self, kept: Mapping[str, Kept], features: WindowFeatures,
                 files: GalleryFolder | None) -> None:
        self.kept = dict(kept)
        self.files = files
        self._features = features
        self._loaded: OrderedDict[str, FamiliarityModel] = OrderedDict()

    def model(self, name: str) -> FamiliarityModel:
        """The model of a name, from memory or its file."""
        kept = self.kept[name]
        if not isinstance(kept, str):
            return kept[0]
        if name not in self._loaded:
            self._loaded[name] = self._folder.model(kept, self._features)
            while len(self._loaded) > _MOST_LOADED:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(name)
        return self._loaded[name]

    def sample(self, name: str) -> Windows:
        """The windows that were kept of a name."""
        kept = self.kept[name]
        if isinstance(kept, str):
            return self._folder.sample(kept, self._features)
        return kept[1]

    def files_of(self, names: Iterable[str]) -> list[str]:
        """What the files of these names are called; none for names in memory or unknown."""
        return [kept for kept in map(self.kept.get, names) if isinstance(kept, str)]

    @property
    def _folder(self) -> GalleryFolder:
        if self.files is None:
            raise ValueError("files must be where models are kept in files; got None.")
        return self.files
