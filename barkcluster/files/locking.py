"""Locks, so that one program at a time writes to a file."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt
    import os

    # Bytes behind any that are written: a locked one could not be read, either.
    _LOCKED_BYTE = 1 << 30
else:
    import fcntl


def lock_file(descriptor: int) -> bool:
    """Lock an open file for this program, until it is closed or the program ends.

    Parameters
    ----------
    descriptor : int
        Of a file that is open for writing.

    Returns
    -------
    taken : bool
        False if another program, or another open file of this one, holds the lock.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file, open(file.name, "ab") as again:
    ...     lock_file(file.fileno()), lock_file(again.fileno())
    (True, False)
    """
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # Windows: taken; elsewhere: a file system without locks, as some of networks
        return sys.platform != "win32"
    return True
