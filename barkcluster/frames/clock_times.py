"""Times of day and dates at the start of a line, as seconds.

Logs, spreadsheets and tables of pandas write ``20:28:03.120`` or ``2026-11-27 20:28:03.12`` where
other programs write seconds. Both are times all the same.
"""

from __future__ import annotations

import re
from datetime import date

# [2026-11-27T][20:28:03][.120][Z] or "0 days 00:00:01.5", with brackets or quotes around them;
# Arduino's monitor has an arrow behind. Minutes and seconds alone need a fraction: 20:28 may
# be hours as well.
_CLOCK = re.compile(
    rb"""\s*["'(\[]?
    (?:(?P<year>\d{4})[-/](?P<month>\d\d?)[-/](?P<day>\d\d?)(?:T|_|[ ,;\t]\s*)
       | (?P<days>\d{1,6})[ _]days?[ _])?
    (?:(?P<hours>\d{1,3}):)?(?P<minutes>[0-5]?\d):(?P<seconds>[0-5]?\d)
    (?P<fraction>(?:[.,_]|(?<=:\d\d:\d\d):(?=\d{3}\b))\d{1,9})?
    (?:Z|\s?[+-]\d\d:?\d\d(?=[\s,;"')\]]))?["')\]]?(?=[\s,;])(?:\s*->)?""", re.VERBOSE)


def with_seconds(line: bytes) -> bytes:
    """A line that begins with a time of day, or a date and one, with its seconds instead.

    Parameters
    ----------
    line : bytes

    Returns
    -------
    line : bytes
        Seconds since midnight or, with a date, since 1970.

    Examples
    --------
    >>> with_seconds(b"00:01:02.50,-40,-41"), with_seconds(b"[01:02.5] -40 -41")
    (b'62.50,-40,-41', b'62.5 -40 -41')
    >>> with_seconds(b"20:28 -40 -41")
    b'20:28 -40 -41'
    """
    found = _CLOCK.match(line)
    if found is None or not (found["hours"] or found["fraction"]):
        return line
    days = int(found["days"] or 0)
    if found["year"]:
        try:
            then = date(int(found["year"]), int(found["month"]), int(found["day"]))
        except ValueError:
            return line
        days = then.toordinal() - date(1970, 1, 1).toordinal()
    whole = 60 * (60 * int(found["hours"] or 0) + int(found["minutes"])) + int(found["seconds"])
    # As digits, not as a float: of these few would be left for the fraction.
    fraction = (found["fraction"] or b"")[1:]
    return b"%d%b%b" % (86400 * days + whole, b"." + fraction if fraction else b"",
                        line[found.end():])
