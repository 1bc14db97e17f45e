"""Model files: whatever the bytes, the scorer they hold or one ModelFormatError.

    python tests/fuzz/fuzz_models.py -max_total_time=60 -rss_limit_mb=600 -timeout=5

Needs atheris. The first byte of an input says what the rest is: a whole file, the header of a
good file, or one array of it. Checksums are not checked here: a fuzzer would not get past them.
"""

import io
import json
import sys
import tempfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

ROWS = np.random.default_rng(5).normal(size=(8, 2)).round(1).cumsum(axis=0)
GOOD: list[dict[str, bytes]] = []


def write_good_files(folder: Path) -> None:
    """Fill ``GOOD`` with the members of small files: scorers, background, model, index."""
    from barkcluster import SCORERS, Background, FamiliarityModel
    from barkcluster.gallery.comparison import Record
    from barkcluster.gallery.index import GalleryIndex, write_index
    from barkcluster.windows.features import WindowFeatures

    def record(n: int) -> Record:
        return Record(np.linspace(0.25, 0.75, n), np.zeros((2, 3), np.float32),
                      np.zeros((n, 2, 3), np.float32), np.array([0, -1], np.int32),
                      np.zeros(n, np.int32))

    path = folder / "good.npz"
    for name, cls in SCORERS.items():
        cls(n_blocks=2, whitening=0.5 * (name == "gmm")).fit(ROWS).save(path)
        GOOD.append(members_of(path))
    frames = np.random.default_rng(6).normal(-40, 5, size=(200, 25)).round()
    # Ten frames a second: a background of that is a small file.
    others = Background(frame_rate=10.0).fit([np.full((150, 25), -level) for level in (9, 5, 1)])
    others.save(path)
    GOOD.append(members_of(path))
    FamiliarityModel("gmm", scales=(0.1, 0.5), frame_rate=10.0, background=others,
                     random_state=0).fit(frames).save(path)
    GOOD.append(members_of(path))
    write_index(path, GalleryIndex(
        ["anna", "Zoë"], ["0123456789abcdef", "f" * 16], np.zeros((2, 1, 2), np.float32),
        [record(1), record(2)], WindowFeatures((0.5, 2.0), 0.5), 20, 4, 0.05,
        True))
    GOOD.append(members_of(path))


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def file_from(data: bytes) -> bytes:
    """The file that an input stands for."""
    good = GOOD[data[0] // 3 % len(GOOD)]
    if data[0] % 3 == 0:
        return data[2:]
    name = "header.json" if data[0] % 3 == 1 else list(good)[data[1] % len(good)]
    return packed(good | {name: data[2:]})


def fuzz_one(data: bytes) -> None:
    """Raise if one input breaks a promise of the model files."""
    from barkcluster import (
        Background,
        FamiliarityModel,
        ModelFormatError,
        load_background,
        load_model,
        load_scorer,
    )
    from barkcluster.gallery.index import GalleryIndex, read_index

    if len(data) < 2:
        return
    with tempfile.NamedTemporaryFile(dir=_memory_folder()) as file, warnings.catch_warnings():
        warnings.simplefilter("error")
        file.write(file_from(data))
        file.flush()
        loaded = []
        for load in load_scorer, load_model, load_background, read_index:
            try:
                loaded.append(load(file.name))
            except ModelFormatError as error:
                assert str(error).startswith(file.name), error
                assert len(str(error)) < 1000, error
    assert len(loaded) < 2
    for it in loaded:
        with warnings.catch_warnings():
            # Numbers that no music gives may overflow on the way; the answer must stand.
            warnings.simplefilter("ignore", RuntimeWarning)
            if isinstance(it, FamiliarityModel):
                last = it.features_.first_end(it.features_.scale_frames[-1])
                frames = np.full((last + 200, 25), -40.0)
                if len(frames) > 20_000:
                    continue
                familiarity = it.timeline(frames).familiarity
            elif isinstance(it, GalleryIndex):
                assert len(it.names) == len(it.files) == len(it.records) == len(it.prototypes)
                continue
            elif isinstance(it, Background):
                familiarity = np.isfinite(it.excerpts_)
            else:
                familiarity = it.score_samples(np.zeros((3, it.n_features_in_)))
        assert np.all((familiarity >= 0) & (familiarity <= 1)), familiarity
        with tempfile.NamedTemporaryFile(dir=_memory_folder()) as file:
            it.save(file.name)
            assert type(load_either(file.name)) is type(it)


def load_either(path: str) -> object:
    from barkcluster import ModelFormatError, load_background, load_model, load_scorer

    for load in load_scorer, load_model:
        with suppress(ModelFormatError):
            return load(path)
    return load_background(path)


def _memory_folder() -> str | None:
    """Return a folder that is no disk, where there is one: a file for every input."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["barkcluster", "zipfile", "json"]):
        import barkcluster.gallery.index
        import barkcluster.model
        import barkcluster.model.stored  # noqa: F401
    # mypy cannot know that zipfile has this.
    zipfile.ZipExtFile._update_crc = lambda self, data: None  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        write_good_files(Path(folder))
        for i, good in enumerate(GOOD):
            (seeds / f"{i}-file").write_bytes(bytes([3 * i, 0]) + packed(good))
            compact = json.dumps(json.loads(good["header.json"]), separators=(",", ":"))
            (seeds / f"{i}-header").write_bytes(bytes([3 * i + 1, 0]) + compact.encode())
            for j, (name, content) in enumerate(good.items()):
                if name != "header.json" and i < 4:
                    (seeds / f"{i}-{name}").write_bytes(bytes([3 * i + 2, j]) + content)
        atheris.Setup([*sys.argv, str(seeds)], fuzz_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
