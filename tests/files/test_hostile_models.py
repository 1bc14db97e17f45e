"""Model files from an enemy, or from a failing disk: one clear error, or the model as it was."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from barkcluster import SCORERS, FamiliarityModel, ModelFormatError, load_model, load_scorer

ROWS = np.random.default_rng(5).normal(size=(12, 2)).round(2).cumsum(axis=0)


def saved(scorer, folder):
    path = folder / "scorer.npz"
    scorer.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The bytes of a small scorer of each kind."""
    folder = tmp_path_factory.mktemp("files")
    return {name: saved(cls(n_blocks=2, whitening=0.5).fit(ROWS), folder)
            for name, cls in SCORERS.items()}


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "jam.npz"
    frames = np.random.default_rng(6).normal(-40, 5, size=(1000, 25))
    FamiliarityModel("kmeans", scales=(0.5, 3.0), random_state=0).fit(frames).save(path)
    return path.read_bytes()


def unpacked(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members, **how):
    """A zip file of these members: a dict, or a list of pairs where a name comes twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **{"compression": zipfile.ZIP_DEFLATED} | how) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(zipfile.ZipInfo(name), content,
                             how.get("compression", zipfile.ZIP_DEFLATED))
    return buffer.getvalue()


def with_header(data, change):
    members = unpacked(data)
    header = json.loads(members["header.json"])
    change(header)
    return packed(members | {"header.json": json.dumps(header)})


def npy(array, **how):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **how)
    return buffer.getvalue()


def refused(tmp_path, data, match="", load=load_scorer):
    """Loading these bytes is one ModelFormatError that names the file, within 200 MB."""
    path = tmp_path / "hostile.npz"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFormatError, match=match) as caught:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 600 + len(str(path))


def refused_or_same(path, data, expected):
    """Loading these bytes is a ModelFormatError, or gives the scorer that was saved."""
    path.write_bytes(data)
    try:
        scorer = load_scorer(path)
    except ModelFormatError:
        return
    np.testing.assert_array_equal(scorer.score_samples(ROWS), expected)


def test_cut_short_at_every_byte(files, tmp_path):
    path = tmp_path / "cut.npz"
    path.write_bytes(files["knn"])
    for n in reversed(range(len(files["knn"]))):
        os.truncate(path, n)
        with pytest.raises(ModelFormatError):
            load_scorer(path)


@pytest.mark.slow
def test_a_flipped_bit_in_every_byte(files, rng, tmp_path):
    path = tmp_path / "flipped.npz"
    path.write_bytes(files["gmm"])
    expected = load_scorer(path).score_samples(ROWS)
    bits = rng.integers(8, size=len(files["gmm"]))
    for i, bit in enumerate(bits):
        flipped = bytearray(files["gmm"])
        flipped[i] ^= 1 << bit
        refused_or_same(path, bytes(flipped), expected)


def test_a_byte_taken_out_or_put_in(files, rng, tmp_path):
    path = tmp_path / "shifted.npz"
    data = files["knn"]
    path.write_bytes(data)
    expected = load_scorer(path).score_samples(ROWS)
    for i in rng.integers(len(data), size=300):
        refused_or_same(path, data[:i] + data[i + 1:], expected)
        refused_or_same(path, data[:i] + b"\x00" + data[i:], expected)


@pytest.mark.parametrize("data, match", [
    (b"", "is empty"),
    (b"PK", "is no model file"),
    (b"hello " * 100, "is no model file, or cut short"),
    (pickle.dumps({"a": 1}), "is no model file"),
    (packed({}), "holds no header.json"),
    (packed({"header.json": b""}), "is not JSON"),
    (packed({"header.json": b"[]"}), "must hold a JSON object"),
    (packed({"header.json": b"{}"}), "is not a model file of barkcluster"),
    (packed({"header.json": b"\xff\xfe{\x00}\x00"}), "is not JSON"),
    (packed({"header.json": b"[" * 400_000}), "nested too deep"),
    (packed({"header.json": b'{"a":' * 100_000}), "nested too deep"),
    (packed({"header.json": b"[" + b"0," * 600_000 + b"0]"}), "1200003 bytes; at most 1000000"),
    (packed({"header.json": b'{"version": ' + b"9" * 5000 + b"}"}), "is not JSON"),
    (packed({"header.json": b'{"version": NaN}'}), "holds NaN"),
    (packed({"header.json": b'{"version": 1, "version": 1}'}), "names a field twice"),
    (packed({"header.json": b'{"format": "barkcluster"}'}), "which version"),
    (packed({"header.json": b'{"format": "barkcluster", "version": true}'}), "which version"),
    (packed({"../../x.npy": b""}), "holds '../../x.npy', which is no part"),
    (packed({"/etc/passwd": b""}), "which is no part"),
    (packed({"header.json\n": b""}), "which is no part"),
    (packed({f"a{i}.npy": b"" for i in range(1200)}), "zip directory that no model file has"),
    (packed({"header.json": b"{}"}, compression=zipfile.ZIP_BZIP2), "packed in a way"),
    (packed({"header.json": b"{}"}, compression=zipfile.ZIP_LZMA), "packed in a way"),
], ids=lambda value: None if isinstance(value, bytes) else value)
def test_no_model_file_at_all(tmp_path, data, match):
    refused(tmp_path, data, match)
    refused(tmp_path, data, match, load_model)


@pytest.mark.parametrize("make", [np.savez, lambda path, **a: path.write_bytes(pickle.dumps(a))],
                         ids=["npz", "pickle"])
def test_other_peoples_files(tmp_path, make):
    make(tmp_path / "theirs.npz", a=np.arange(3.0))
    with pytest.raises(ModelFormatError, match=r"theirs\.npz: "):
        load_model(tmp_path / "theirs.npz")


def test_names_twice(files, tmp_path):
    members = [*unpacked(files["knn"]).items()]
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed([*members, members[-1]])
    refused(tmp_path, data, "holds scorer.calibration.npy twice")


@pytest.mark.parametrize("array", [
    np.array([["a", None]] * 12, dtype=object),
    np.zeros((12, 2), dtype=[("x", "<f8"), ("y", "<f8")]),
    np.zeros((12, 2), dtype=">f8"),
    np.zeros((12, 2), dtype="<c16"),
    np.zeros((12, 2), dtype="U4"),
    np.asfortranarray(np.zeros((12, 2))),
    np.zeros((12, 3)),
    np.zeros((12, 2, 1)),
    np.zeros((2, 12)),
    np.zeros((0, 2)),
    np.zeros((12, 2), dtype="<f4"),
    np.full((12, 2), np.nan),
    np.full((12, 2), np.inf),
    np.full((12, 2), -1e300),
], ids=lambda a: f"{a.dtype}-{a.shape}")
def test_another_array_than_the_header_says(files, tmp_path, array):
    refused(tmp_path, packed(unpacked(files["knn"]) | {"scorer.memory.npy": npy(array)}),
            r"scorer\.memory\.npy")


@pytest.mark.parametrize("start", [
    npy(np.zeros((12, 2)), version=(2, 0)),
    npy(np.zeros((12, 2)))[:90],
    b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 1000,
    b"\x93NUMPY\x01\x00\x60\x00" + b"(" * 400,
    b"",
], ids=range(5))
def test_a_broken_npy_header(files, tmp_path, start):
    refused(tmp_path, packed(unpacked(files["knn"]) | {"scorer.memory.npy": start}), "memory")


def test_a_member_too_few_or_too_many(files, tmp_path):
    members = unpacked(files["knn"])
    refused(tmp_path, packed(members | {"more.npy": npy(np.zeros(3))}),
            r"more\.npy does not belong")
    members.pop("scorer.memory.npy")
    refused(tmp_path, packed(members), r"scorer\.memory\.npy is missing")


def change_of(*path, to):
    def change(header):
        for key in path[:-1]:
            header = header[key]
        header[path[-1]] = to
    return change


@pytest.mark.parametrize("kind, change, match", [
    ("knn", change_of("scorer", "kind", to="os.system"), "kind must be one of"),
    ("knn", change_of("scorer", "kind", to="kmeans"), "n_clusters is missing"),
    ("knn", change_of("scorer", "numbers", "n_neighbors", to=13),
     "n_neighbors must be at most n_memory, 12; got 13"),
    ("knn", change_of("scorer", "numbers", "n_neighbors", to=0), "whole number from 1"),
    ("knn", change_of("scorer", "numbers", "n_neighbors", to=1.5), "must be a whole number"),
    ("knn", change_of("scorer", "numbers", "gap", to=True), "must be a whole number"),
    ("knn", change_of("scorer", "numbers", "gap", to=10 ** 30), "must be a whole number"),
    ("knn", change_of("scorer", "numbers", "offset", to="x"), "must be a number from 0 to 1"),
    ("knn", change_of("scorer", "numbers", "extra", to=1), "'extra' that is not known"),
    ("knn", change_of("scorer", "parameters", "n_neighbors", to=-1), "n_neighbors must be"),
    ("knn", change_of("scorer", "parameters", "gap", to=[[[]]]), "gap must be a plain"),
    ("knn", change_of("scorer", "parameters", "__class__", to=1), "'__class__' that is not known"),
    ("som", change_of("scorer", "parameters", "shape", to=3), "len"),
    ("som", change_of("scorer", "parameters", "random_state", to=-1), "random_state must be"),
    ("som", change_of("scorer", "parameters", "random_state", to="0"), "random_state must be"),
    ("knn", change_of("scorer", "arrays", "memory", to=["<f8", 10 ** 12, 10 ** 12]), "n_memory"),
    ("knn", lambda h: h["scorer"]["arrays"].update(
        memory=["<f8", 9_999_999, 2], memory_rows=["<i8", 9_999_999]), "at most 100 MB"),
    ("knn", change_of("scorer", "arrays", "memory", to=["<f8", -1, 2]), "n_memory"),
    ("knn", change_of("scorer", "arrays", "memory", to=["|O", 12, 2]), "given as its type"),
    ("knn", change_of("scorer", "arrays", "memory", to=["<f8", 12]), "2 sizes"),
    ("knn", change_of("scorer", "arrays", "memory", to={}), "given as its type"),
    ("knn", change_of("scorer", "arrays", "memory", to=["<f8", 12, 3]), "n_inner = 3"),
    ("knn", change_of("scorer", "arrays", "memory", to=["<f8", 11, 2]), "n_memory = 12"),
    ("knn", change_of("scorer", "arrays", to=None), "must be a JSON object"),
    ("knn", change_of("scorer", "calibration", "n_effective", to=1e9), "n_effective must be"),
    ("knn", change_of("scorer", "feature_names", to=["a"]), "must name 2 features"),
    ("knn", change_of("scorer", to=[]), "must be a JSON object"),
    ("knn", change_of("holds", to="pickle"), "holds must be one of model, scorer"),
    ("knn", change_of("created", to=3), "created must be a text"),
    ("knn", change_of("extra", to=3), "'extra' that is not known"),
    ("knn", change_of("version", to=0), "which version"),
    ("knn", change_of("version", to="1"), "which version"),
])
def test_a_header_that_lies(files, tmp_path, kind, change, match):
    refused(tmp_path, with_header(files[kind], change), match)


@pytest.mark.parametrize("change, match", [
    (change_of("model", "frame_rate", to=1e12), "frame_rate must be a number"),
    (change_of("model", "scales", to=[0.5]), "parts must be 1"),
    (change_of("model", "scales", to=[3.0, 0.5]), "scales must increase"),
    (change_of("model", "scales", to=[0.5, 1e9]), "scales must be window lengths"),
    (change_of("model", "scales", to=[]), "scales must be a list of 1 to"),
    (change_of("model", "scales", to=[[0.5], 3.0]), "scales.0 must be a number"),
    (change_of("model", "scales", to=[0.5, 3.5]), "part2 must have"),
    (change_of("model", "hop", to=0), "hop must be a number"),
    (change_of("model", "n_bands", to=24), "bands_end must be a whole number from 0 to 24"),
    (change_of("model", "n_bands", to=10 ** 9), "n_bands must be a whole number"),
    (change_of("model", "views", to=["rhythm", "texture"]), "in this order"),
    (change_of("model", "views", to=["__init__"]), "views must be some of"),
    (change_of("model", "parts", 1, "view", to="rhythm"), "view must be one of texture"),
    (change_of("model", "parts", 1, "scale", to=0), "scale must be a whole number from 1 to 1"),
    (change_of("model", "parameters", "scorer", to="os"), "scorer must be a JSON object"),
    (change_of("model", "parameters", "scorer", to={"kind": "knn"}), "parameters is missing"),
    (change_of("model", "parameters", "random_state", to=[1]), "random_state must be"),
    (change_of("model", "calibrations", to=[]), "calibrations must be a list"),
    (change_of("model", "parts", to=None), "parts must be a list"),
    (change_of("model", "steady", to=[]), "steady must be a list of 1 to"),
    (change_of("model", "steady", to=[{}]), "typical is missing"),
    (change_of("model", "steady", to=[{"typical": 1.0, "spread": 0.0}]), "spread must be a"),
    (change_of("model", "steady", to=[{"typical": 1.0, "spread": 1.0, "x": 1}]), "not known"),
    (change_of("model", "steady", to=2 * [{"typical": 1.0, "spread": 1.0}]),
     "for each scale below 2 s, 1; got 2"),
])
def test_a_model_header_that_lies(model_file, tmp_path, change, match):
    refused(tmp_path, with_header(model_file, change), match, load_model)


@pytest.mark.parametrize("kind, member, change, match", [
    ("knn", "calibration", lambda a: a[::-1], "ascending"),
    ("knn", "memory_rows", lambda a: a + 12, "must stay below n_rows"),
    ("knn", "memory_rows", lambda a: a - 1, "must hold numbers from 0"),
    ("kmeans", "labels", lambda a: a + 100, "must stay below n_clusters"),
    ("kmeans", "codebook", lambda a: a * np.nan, "codebook.npy must hold numbers"),
    ("gmm", "weights", lambda a: a / 2, "must sum to 1"),
    ("gmm", "variances", lambda a: a * 0, "variances.npy must hold numbers from 1e-15"),
    ("som", "metric_basis", lambda a: a * np.inf, "metric_basis.npy must hold numbers"),
])
def test_numbers_that_no_fit_gives(files, tmp_path, kind, member, change, match):
    members = unpacked(files[kind])
    name = f"scorer.{member}.npy"
    array = np.load(io.BytesIO(members[name]))
    with np.errstate(invalid="ignore"):
        members[name] = npy(np.ascontiguousarray(change(array), dtype=array.dtype))
    refused(tmp_path, packed(members), match)


def zip_by_hand(entries, *, n_entries=None, directory_size=None):
    """A zip file whose directory may claim anything: (name, stored bytes, method, size, crc)."""
    body, directory = b"", b""
    for name, stored, method, size, crc in entries:
        fields = struct.pack("<HHHHHIII", 20, 0, method, 0, 33, crc, len(stored), size)
        directory += b"PK\1\2\x14\0" + fields + struct.pack(
            "<HHHHHII", len(name), 0, 0, 0, 0, 0, len(body)) + name
        body += b"PK\3\4" + fields + struct.pack("<HH", len(name), 0) + name + stored
    n = len(entries) if n_entries is None else n_entries
    return body + directory + b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, n, n, directory_size or len(directory), len(body), 0)


def deflated_zeros(n_megabytes):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(squeeze.compress(bytes(10 ** 6)) for _ in range(n_megabytes)) + squeeze.flush()


@pytest.mark.slow
def test_zip_bombs(tmp_path):
    """A small file that inflates to 300 MB, one that says it does, and one that hides it."""
    bomb = deflated_zeros(300)
    header = b"{}"
    honest = (b"header.json", header, 0, len(header), zlib.crc32(header))
    refused(tmp_path, zip_by_hand([honest, (b"a.npy", bomb, 8, 3 * 10 ** 8, 0)]),
            "holds more than any model file")
    refused(tmp_path, zip_by_hand([(b"header.json", bomb, 8, 3 * 10 ** 8, 0)]),
            "holds more than any model file")
    refused(tmp_path, zip_by_hand([(b"header.json", bomb, 8, 100, 0)]), "is damaged")
    refused(tmp_path, zip_by_hand([(b"header.json", bomb[:1000], 8, 10 ** 8, 0)]),
            "cannot hold 100000000 bytes in 1000")
    refused(tmp_path, zip_by_hand([honest] + [(b"a%d.npy" % i, bomb[:10 ** 5], 8, 10 ** 7, 0)
                                              for i in range(30)]),
            "holds more than any model file")


def test_directories_that_lie(files, tmp_path):
    honest = (b"header.json", b"{}", 0, 2, zlib.crc32(b"{}"))
    refused(tmp_path, zip_by_hand([honest], n_entries=60000), "directory that no model file has")
    refused(tmp_path, zip_by_hand([honest], directory_size=2 ** 32 - 1), "directory")
    refused(tmp_path, b"#!/bin/sh\n" + zip_by_hand([honest]), "directory")
    refused(tmp_path, zip_by_hand([honest])[:-2] + b"\5\0hello", "does not end as a zip file")
    refused(tmp_path, zip_by_hand([(b"header.json", b"{}", 99, 2, 0)]), "packed in a way")
    refused(tmp_path, zip_by_hand([(b"header.json", b"{}", 0, 2, 1)]), "damaged.*CRC")
    refused(tmp_path, zip_by_hand([(b"header.json", b"{}!", 8, 2, 1)]), "damaged")
    refused(tmp_path, zip_by_hand([(b"header.json\0.npy", b"{}", 0, 2, 0)]), "is no part")


@pytest.mark.slow
def test_as_much_as_is_allowed_and_at_its_end_a_nan(files, tmp_path):
    n = 4_900_000
    one = with_header(files["knn"], change_of(
        "scorer", "arrays", "held_out_novelty", to=["<f8", n]))
    members = unpacked(with_header(one, change_of(
        "scorer", "arrays", "excess_novelty", to=["<f8", n])))
    novelty = np.zeros(n)
    members["scorer.excess_novelty.npy"] = npy(novelty)
    novelty[-1] = np.nan
    members["scorer.held_out_novelty.npy"] = npy(novelty)
    refused(tmp_path, packed(members, compresslevel=1), "got nan to nan")


def leaves(value, path=()):
    """Paths of all values inside a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(
        value, list) else ()
    for key, inner in items:
        yield from leaves(inner, (*path, key))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["<f8", "<f2", "knn", "auto", 1, 2, 12, 0.5]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner,
                                                                max_size=3), max_leaves=6)


@pytest.mark.slow
@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(sorted(SCORERS)), value=json_values)
def test_any_value_anywhere_in_the_header(files, tmp_path, data, kind, value):
    members = unpacked(files[kind])
    header = json.loads(members["header.json"])
    path = data.draw(st.sampled_from([*leaves(header)][1:]))
    change_of(*path, to=value)(header)
    file = tmp_path / "any.npz"
    file.write_bytes(packed(members | {"header.json": json.dumps(header)}))
    try:
        scorer = load_scorer(file)
    except ModelFormatError:
        return
    familiarity = scorer.score_samples(ROWS)
    assert np.all((familiarity >= 0) & (familiarity <= 1))


def test_what_is_no_file(tmp_path):
    with pytest.raises(ModelFormatError, match="is not a file"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "nothing.npz")
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "nowhere" / "nothing.npz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFormatError, match="is not a file"):
        load_model(tmp_path / "pipe")
    with pytest.raises(ModelFormatError, match="is not a file"):
        load_model("/dev/zero")


def test_no_permission(files, tmp_path, monkeypatch):
    path = tmp_path / "secret.npz"
    path.write_bytes(files["knn"])
    path.chmod(0)
    if os.access(path, os.R_OK):                # root may read everything
        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")
        monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ModelFormatError, match=r"secret\.npz: cannot be read: Permission denied"):
        load_scorer(path)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_bomb_in_a_process_of_little_memory(tmp_path):
    """With 200 MB of room beyond what the library itself takes."""
    path = tmp_path / "bomb.npz"
    path.write_bytes(zip_by_hand([(b"header.json", deflated_zeros(300), 8, 3 * 10 ** 8, 0)]))
    code = ("import resource, sys; from barkcluster import load_model, ModelFormatError\n"
            "pages = int(open('/proc/self/statm').read().split()[0])\n"
            "room = pages * resource.getpagesize() + 200_000_000\n"
            "resource.setrlimit(resource.RLIMIT_AS, (room, room))\n"
            "try: load_model(sys.argv[1])\n"
            "except ModelFormatError as error: print(error)\n")
    result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True,
                            text=True, check=True)
    assert "holds more than any model file" in result.stdout
