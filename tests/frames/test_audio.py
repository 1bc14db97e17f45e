"""Sound files to sessions."""

import base64
import builtins
import contextlib
import io
import os
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barkcluster.frames import (
    BARK_EDGES_HZ,
    audio,
    bark_frames,
    read_audio,
    read_session,
    sound_of,
    write_session,
)

soundfile = pytest.importorskip("soundfile")
soxr = pytest.importorskip("soxr")


@pytest.fixture
def music(rng):
    """Four seconds at 44.1 kHz: a chord that swells, and some noise."""
    time = np.arange(4 * 44100) / 44100
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277.2, 329.6, 2637))
    return (0.1 * chord * (0.2 + time / 4) + 0.003 * rng.normal(size=len(time)))


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff"])
def test_lossless_files_give_the_frames_of_their_sound(music, tmp_path, suffix):
    path = tmp_path / f"a take.{suffix}"
    soundfile.write(path, music, 44100)
    session = read_audio(path)
    assert (session.name, session.frame_rate) == ("a take", 100.0)
    assert session.frames.dtype == np.float32
    samples, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(session.frames, bark_frames(samples, 44100), atol=1e-3)


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_files_come_close(music, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, music, 44100)
    frames, expected = read_audio(path).frames, bark_frames(music, 44100)
    n = min(len(frames), len(expected))
    assert n >= len(expected) - 5
    loud = expected[:n] > -40
    # mp3 may shift the sound by its decoder's delay: compare what lasts.
    assert np.abs(np.median(frames[:n][loud] - expected[:n][loud])) < 1


@pytest.mark.parametrize("sample_rate", [8000, 22050, 48000, 96000])
def test_other_sample_rates_give_the_same_bands_and_levels(tmp_path, sample_rate):
    time = np.arange(2 * sample_rate) / sample_rate
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 1000 * time), sample_rate)
    session = read_audio(tmp_path / "a.wav")
    assert abs(len(session) - 196) <= 1
    np.testing.assert_allclose(session.frames[5:-5, 8], -6.0206, atol=0.02)
    above = BARK_EDGES_HZ[:-1] > sample_rate / 2
    assert np.all(session.frames[5:-5][:, above] < -90)


def test_frames_do_not_depend_on_the_blocks(rng, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", 0.1 * rng.normal(size=(96000, 2)), 48000)
    once = read_audio(tmp_path / "a.wav").frames
    monkeypatch.setattr(audio, "_BLOCK_SAMPLES", 1000)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav").frames, once, atol=0.01)


def test_the_powers_of_channels_are_averaged(music, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([music, -music, 0.5 * music], axis=1), 44100,
                    subtype="FLOAT")
    np.testing.assert_allclose(
        read_audio(tmp_path / "a.wav").frames, bark_frames(music * np.sqrt(2.25 / 3), 44100),
        atol=0.01)


def test_stereo_in_antiphase_is_no_silence(music, tmp_path):
    for name, sound in (("mono", music), ("anti", np.stack([music, -music], axis=1)),
                        ("left", np.stack([music, 0 * music], axis=1))):
        soundfile.write(tmp_path / f"{name}.wav", sound, 44100, subtype="FLOAT")
    mono, anti, left = (read_audio(tmp_path / f"{name}.wav").frames
                        for name in ("mono", "anti", "left"))
    np.testing.assert_array_equal(mono, bark_frames(music, 44100))
    np.testing.assert_allclose(anti, mono, atol=1e-4)
    loud = mono > -60
    np.testing.assert_allclose(left[loud], mono[loud] - 3.01, atol=0.01)


def wav_bytes(music):
    file = io.BytesIO()
    soundfile.write(file, music, 44100, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_a_wav_of_a_recorder_that_died_is_read_to_its_end(music, tmp_path):
    whole = wav_bytes(music)
    (tmp_path / "a.wav").write_bytes(whole)
    data = whole.index(b"data")
    died = bytearray(whole)
    died[4:8] = died[data + 4:data + 8] = bytes(4)
    (tmp_path / "died.wav").write_bytes(died)
    (tmp_path / "cut.wav").write_bytes(died[:-1])  # in the middle of a sample
    for name in ("died.wav", "cut.wav"):
        frames = read_audio(tmp_path / name).frames
        np.testing.assert_array_equal(frames, read_audio(tmp_path / "a.wav").frames[:len(frames)])
    assert len(read_audio(tmp_path / "died.wav")) == len(read_audio(tmp_path / "a.wav"))


def test_an_odd_chunk_of_a_wav_may_lack_its_pad_byte(music, tmp_path):
    whole = wav_bytes(music)
    data = whole.index(b"data")
    (tmp_path / "a.wav").write_bytes(whole)
    for pad in (b"", b"\0"):
        odd = whole[:data] + b"note" + (7).to_bytes(4, "little") + b"take 12" + pad + whole[data:]
        (tmp_path / "odd.wav").write_bytes(odd)
        np.testing.assert_array_equal(read_audio(tmp_path / "odd.wav").frames,
                                      read_audio(tmp_path / "a.wav").frames)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_wav_is_sound_or_one_error(tmp_path_factory, data):
    whole = bytearray(wav_bytes(np.zeros(3000)))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    path.write_bytes(whole[:data.draw(st.integers(0, len(whole)))])
    with contextlib.suppress(ValueError):
        assert np.isfinite(read_audio(path).frames).all()


def test_frames_saved_as_sound_are_refused(rng, tmp_path):
    soundfile.write(tmp_path / "a.wav", rng.random((200, 25)), 86)
    with pytest.raises(ValueError, match=r"a.wav: expected sound, got 25 channels of 86 numbers a "
                                         r"second: frames of an analysis\? Write them as text"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("kind", ["caf", "w64", "au", "aiff", "flac", "ogg", "rf64"])
def test_kinds_of_sound_files(music, tmp_path, kind):
    soundfile.write(tmp_path / f"a.{kind}", music, 44100)
    assert len(read_audio(tmp_path / f"a.{kind}")) == len(bark_frames(music, 44100))


def test_sound_that_is_not_read_says_how_to_convert_it(tmp_path):
    (tmp_path / "jam.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    with pytest.raises(ValueError, match=r"jam.m4a: expected a sound file, got .*\. Convert it "
                                         r"first, such as by: ffmpeg -i jam.m4a jam.wav"):
        read_audio(tmp_path / "jam.m4a")


@pytest.mark.parametrize(("rate", "ends"), [(44100, 25), (22050, 23), (16000, 22), (8000, 18)])
def test_bands_end_where_the_recording_does(rng, tmp_path, rate, ends):
    soundfile.write(tmp_path / "a.wav", rng.normal(0, 0.1, 3 * rate), rate)
    session = read_audio(tmp_path / "a.wav")
    assert session.bands_end == ends
    write_session(session, tmp_path / "a.txt")
    assert read_session(tmp_path / "a.txt").bands_end == ends


def test_frame_rate(music, tmp_path):
    soundfile.write(tmp_path / "a.wav", music, 44100)
    session = read_audio(tmp_path / "a.wav", frame_rate=44100 / 512)
    assert session.frame_rate == 44100 / 512
    assert len(session) == (4 * 44100 - 2048) // 512 + 1
    with pytest.raises(ValueError, match="frame_rate must be a positive number; got -1"):
        read_audio(tmp_path / "a.wav", frame_rate=-1)


@pytest.mark.slow
def test_a_long_file_does_not_fill_the_memory(tmp_path):
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 48000, 2) as file:
        for _ in range(30):
            file.write(np.zeros((480_000, 2), dtype=np.float32))  # 5 minutes: 115 MB as float32
    tracemalloc.start()
    session = read_audio(tmp_path / "a.flac")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert session.duration == pytest.approx(300, abs=0.1)
    assert peak < 30 << 20


def test_the_first_window_is_enough_and_less_is_not(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(2048), 44100)
    assert len(read_audio(tmp_path / "a.wav")) == 1
    for n_samples in (0, 2047):
        soundfile.write(tmp_path / "b.wav", np.zeros(n_samples), 44100)
        with pytest.raises(ValueError, match=r"b\.wav: expected at least 0\.046 s of sound, one "
                                             r"window; got less\.$"):
            read_audio(tmp_path / "b.wav")


@pytest.mark.parametrize("content", [b"", b"-40 -41\n" * 100, b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_no_sound_says_so(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.wav: expected a sound file, got "):
        read_audio(tmp_path / "a.wav")


def test_a_damaged_file_says_so(music, tmp_path):
    soundfile.write(tmp_path / "a.flac", music, 44100)
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.flac: expected a sound file, got .*lost sync"):
        read_audio(tmp_path / "a.flac")


def test_nan_in_a_file_says_where(music, tmp_path):
    music[70_000] = np.nan
    soundfile.write(tmp_path / "a.wav", music, 44100, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"a\.wav: sound must be finite; got nan or inf before "
                                         r"3\.0 s"):
        read_audio(tmp_path / "a.wav")


def test_no_file_and_a_folder_are_os_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.wav"):
        read_audio(tmp_path / "none.wav")
    with pytest.raises(OSError, match="directory"):
        read_audio(tmp_path)


def test_paths_may_be_strings(music, tmp_path):
    soundfile.write(tmp_path / "a.wav", music, 44100)
    assert read_audio(os.fspath(tmp_path / "a.wav")).name == "a"


@pytest.mark.parametrize("missing", ["soundfile", "soxr"])
def test_without_the_extra_the_error_says_what_to_install(tmp_path, monkeypatch, missing):
    real_import = builtins.__import__

    def without(name, *arguments, **options):
        if name == missing:
            raise ImportError(f"No module named {name!r}")
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install '.*\[audio\]'"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("channels", [1, 2])
def test_a_notebook_plays_the_sound_of_a_moment(music, tmp_path, channels):
    path = tmp_path / "<take>.wav"
    soundfile.write(path, np.stack([music] * channels, axis=1), 44100)
    html = sound_of(path, 1.0, 2.5)._repr_html_()
    assert "<take>" not in html
    data = re.search(r'<audio controls src="data:audio/wav;base64,([^"]*)"></audio>', html)[1]
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert rate == 44100
    np.testing.assert_allclose(heard, music[44100:110250], atol=2e-4)


def test_a_moment_ends_with_its_file_and_must_be_in_it(music, tmp_path):
    soundfile.write(tmp_path / "a.wav", music, 44100)
    assert sound_of(tmp_path / "a.wav", 3.0, 9.0).duration == 1.0
    with pytest.raises(ValueError, match=r"a.wav: start_s must be within its 4.0 s; got 5"):
        sound_of(tmp_path / "a.wav", 5, 6)
    with pytest.raises(ValueError, match=r"stop_s must be up to 60 s after start_s=1; got 62"):
        sound_of(tmp_path / "a.wav", 1, 62)
