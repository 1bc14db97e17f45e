"""One thread for the matrices of this library, whatever the rest of the program uses.

The libraries beneath numpy and scikit-learn take a thread for each core. Matrices here are small:
their threads mostly wait for each other and, where another program keeps a core busy, for that.
Nobody should have to know of ``OMP_NUM_THREADS`` to be spared it.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import LibController

# Of a program's environment, read when numpy is imported: more threads than free cores wait for
# each other, ten times slower beside a busy audio program.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class _OneForAll:
    """One library, which has one number of threads for the whole program, held at one thread.

    The first who comes in sets the number, the last who leaves puts it back, from whatever
    thread. (The limits of threadpoolctl put back what each found: of two that overlap, the second
    leaves one thread to the program for ever.)
    """

    def __init__(self, library: LibController) -> None:
        self.library = library
        self._counting = threading.Lock()
        self._n_inside = 0
        self._before = 1

    def __enter__(self) -> None:
        with self._counting:
            self._n_inside += 1
            if self._n_inside == 1:
                number = self.library.num_threads or 1
                if number > 1:
                    self.library.set_num_threads(1)
                    self._before = number

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        with self._counting:
            self._n_inside -= 1
            if not self._n_inside and self._before > 1:
                self._put_back()

    def has_several(self) -> bool:
        """Whether it would use more than one thread, were nobody inside."""
        return self._before > 1 or (self.library.num_threads or 1) > 1

    def _put_back(self) -> None:
        # Newer ones take numbers from the thread alone that set one first, which may be another.
        forget_who = getattr(self.library, "clear_controlling_thread", None)
        if forget_who is not None:
            forget_who(force=True)
        self.library.set_num_threads(self._before)
        self._before = 1
        if forget_who is not None:
            forget_who(force=True)


class OneThread:
    """A block of code in which all libraries use one thread.

    Examples
    --------
    >>> with OneThread():
    ...     most = max((one.library.num_threads for one in _of_all()), default=1)
    >>> most
    1
    """

    def __enter__(self) -> None:
        for shared in _of_all():
            shared.__enter__()
        self._before = [(one, one.num_threads) for one in _of_each_thread()]
        for library, number in self._before:
            if number > 1:
                library.set_num_threads(1)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        for library, number in self._before:
            if number > 1:
                library.set_num_threads(number)
        for shared in _of_all():
            shared.__exit__(kind, error, traceback)


def one_thread_for_products() -> AbstractContextManager[None]:
    """A block, to be entered again and again, in which products of matrices use one thread.

    What a push needs, and no more: one that answers takes half a millisecond, and this at most
    10 microseconds of it, or nothing where one thread is all that there is.
    """
    several = [one for one in _of_all() if one.has_several() and not _is_scipys_own(one.library)]
    if len(several) > 1:
        return _Several(several)
    return several[0] if several else nullcontext()


class _Several:
    def __init__(self, limits: list[_OneForAll]) -> None:
        self._limits = limits

    def __enter__(self) -> None:
        for limit in self._limits:
            limit.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        for limit in self._limits:
            limit.__exit__(kind, error, traceback)


@cache
def _all_libraries() -> tuple[LibController, ...]:
    """To find them takes 2 ms. All that are used here are loaded by the time that it is asked."""
    from threadpoolctl import ThreadpoolController  # here, so that --help is there at once

    return tuple(ThreadpoolController().lib_controllers)


@cache
def _of_each_thread() -> tuple[LibController, ...]:
    """Those that keep a number of threads for each thread of the program."""
    return tuple(one for one in _all_libraries()
                 if "openmp" in (one.user_api, getattr(one, "threading_layer", "")))


@cache
def _of_all() -> tuple[_OneForAll, ...]:
    """The others."""
    return tuple(_OneForAll(one) for one in _all_libraries() if one not in _of_each_thread())


def _is_scipys_own(library: LibController) -> bool:
    """Whether it came with scipy alone, which decomposes matrices in fits; numpy multiplies."""
    return "scipy.libs" in library.filepath or "scipy/.dylibs" in library.filepath
