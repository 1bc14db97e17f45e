"""What a frame is: 25 Bark bands, their edges, unit and floor; and a session of frames.

A frame is one row of 25 levels in dB, one a Bark band, lowest first. Rows follow
each other ``frame_rate`` times a second, 100 unless said otherwise.

Level
    ``10 log10(p + 1e-10)``, ``p`` the power in the band. A sine of full scale
    (peak 1.0) has ``p = 1`` and reads 0 dB (as in AES17, where 0 dBFS is the RMS
    value of such a sine); silence reads the floor, -100 dB. Programs that count
    otherwise (bark~ in Max and Pd has an offset of its own) are as good a source:
    all that matters is that one session is measured in one way.

Bands
    The edges of the critical bands of Zwicker (1961), 0 to 15.5 kHz, and one more
    band up to 20.5 kHz, as Max and Pd objects send. An FFT bin belongs to the band
    its center lies in. With windows of 46 ms bins are 21.5 Hz apart: bands below
    500 Hz hold five bins each, so low notes leak into the neighboring band.

References
----------
Zwicker, E. (1961). Subdivision of the audible frequency range into critical
bands (Frequenzgruppen). J. Acoust. Soc. Am. 33, 248.

Zwicker, E. and Terhardt, E. (1980). Analytical expressions for critical-band
rate and critical bandwidth as a function of frequency. J. Acoust. Soc. Am. 68,
1523-1525.

AES17-2020. Measurement of digital audio equipment. 0 dBFS: section 3.12.
"""

from .audio import Sound, read_audio, sound_of
from .bark import BARK_EDGES_HZ, BarkAnalyzer, bark_frames, linear_to_db
from .flat_tops import FlatTops
from .parser import FrameParser
from .session import FLOOR_DB, LARGEST_DB, N_BANDS, Gap, Session, check_frames
from .text import (
    MissingFramesWarning,
    TimeColumnWarning,
    UnfinishedLineWarning,
    UnitsWarning,
    read_session,
    write_session,
)

__all__ = [
    "BARK_EDGES_HZ",
    "FLOOR_DB",
    "LARGEST_DB",
    "N_BANDS",
    "BarkAnalyzer",
    "FlatTops",
    "FrameParser",
    "Gap",
    "MissingFramesWarning",
    "Session",
    "Sound",
    "TimeColumnWarning",
    "UnfinishedLineWarning",
    "UnitsWarning",
    "bark_frames",
    "check_frames",
    "linear_to_db",
    "read_audio",
    "read_session",
    "sound_of",
    "write_session",
]
