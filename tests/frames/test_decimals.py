"""Numbers of many lines at once: bit for bit those of ``float``, and the same lines refused."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from barkcluster.frames import FrameParser, decimals
from barkcluster.frames.decimals import decimal_table, float_table

numbers = st.one_of(
    st.floats(-1e6, 1e6).map(repr),
    st.floats(-100, 100, width=32).map("{:.9g}".format),
    st.integers(0, 22).flatmap(lambda n: st.floats(-1e3, 1e3).map(f"{{:.{n}f}}".format)),
    st.integers(-10 ** 19, 10 ** 19).map(str),
    st.sampled_from(["-0", "-0.0", "0", "-.5", "5.", "-00.50", "1e3", "+4", "9007199254740993",
                     "9007199254740993.5", "-4503599627370497.5", "0.1234567890123456789",
                     "1152921504606846975", "0.000000000000000000000001"]))
separators = st.sampled_from([" ", ",", "\t", ";", ", ", "  "])


def same_bits(one, other):
    assert one.shape == other.shape
    np.testing.assert_array_equal(one.view(np.uint64), other.view(np.uint64))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(table=st.integers(1, 4).flatmap(lambda width: st.lists(
    st.lists(numbers, min_size=width, max_size=width), min_size=1, max_size=12)),
    between=separators, after=st.sampled_from(["", " ", ";", "\n"]))
def test_decimals_are_those_of_float(table, between, after):
    text = "\n".join(between.join(row) + after for row in table).encode()
    at_once, one_by_one = (make(text, len(table[0])) for make in (decimal_table, float_table))
    assert one_by_one is not None
    if at_once is not None:
        same_bits(at_once, one_by_one)


@settings(max_examples=400, deadline=None)
@given(text=st.text("0123.- ,\n", max_size=40).map(str.encode), width=st.integers(1, 3))
@example(text=b"1-2 3", width=2)
@example(text=b"- 2", width=1)
@example(text=b". 2", width=2)
@example(text=b"--4", width=1)
@example(text=b"1.2.3", width=1)
@example(text=b".", width=1)
@example(text=b"-\n", width=1)
@example(text=b"", width=1)
@example(text=b"\n \n", width=1)
@example(text=b"1_0", width=1)
@example(text=b"1\n2 3", width=1)
def test_what_float_refuses_is_refused(text, width):
    at_once, one_by_one = (make(text, width) for make in (decimal_table, float_table))
    assert at_once is None or one_by_one is not None
    if at_once is not None:
        same_bits(at_once, one_by_one)


@pytest.mark.parametrize("number", ["%.3f", "%.9g", "%r", "%.12f"])
def test_what_programs_write_needs_no_float(rng, number):
    rows = rng.uniform(-99, 99, size=(500, 4))
    text = "\n".join(" ".join(number % value for value in row) for row in rows.tolist()).encode()
    table = decimal_table(text, 4)
    assert table is not None
    same_bits(table, float_table(text, 4))


def test_quotients_halfway_between_two_floats_are_left_to_float():
    assert decimal_table(b"9007199254740993", 1) is None
    assert float_table(b"9007199254740993", 1) is not None


class CarefulParser(FrameParser):
    """Takes each line by itself."""

    def _plain_rows(self, whole):
        return None


lines = st.one_of(
    st.sampled_from([b" ", b"-40 -50", b"-1.5,-2.5", b"1, 2", b"0, -1 -2;", b"3, -1.25 -2;",
                     b"-3 -4;", b"0.5 -3 -4", b"7.25 -3 -4", b"list -1 -2;", b"-inf -3",
                     b"-inf -inf",
                     b"1_0 2", b"nan 2", b"1e3 3", b"101 3", b"-1e2 4", b"1 2 3 4", b"5", b"",
                     b"# gap: 3", b"# a comment", b"-0.0 -0", b"1-2 3", b"8,5 -4", b"1.2.3 4",
                     b"- 4", b"-40 -50 # loud", b"0.1 " * 30, b"\xd9\xa3 2", b"-4 \0"]),
    st.text("0123456789.,;- \te", max_size=12).map(str.encode))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(first=st.sampled_from([b"-40 -50", b"0, -40 -50;", b"0.1 -3 -4", b"list -3 -4;",
                              b"time,a,b\n0,1,2", b"# dtype: float32\n-1 -2"]),
       runs=st.lists(st.tuples(lines, st.integers(1, 5)), max_size=8),
       units=st.sampled_from(["db", "linear"]))
def test_fast_and_careful_ways_say_the_same(first, runs, units):
    text = b"\n".join([first, *(line for line, n in runs for _ in range(n))]) + b"\n"
    options = {"n_bands": 2, "units": units, "max_line_bytes": 64}
    fast, careful = FrameParser(**options), CarefulParser(**options)
    with pytest.MonkeyPatch.context() as patch:
        # As if few bytes were many.
        patch.setattr(decimals, "_FEW_BYTES", 0)
        patch.setattr("barkcluster.frames.parser._LONGEST_ONE_BY_ONE", 16)
        frames, others = fast.feed_columns(text)
    wanted, wanted_others = careful.feed_columns(text)
    np.testing.assert_array_equal(frames, wanted)
    np.testing.assert_array_equal(others, wanted_others)
    assert vars(fast) == vars(careful)


def test_one_odd_line_among_many_is_counted_and_named():
    plain = b"-40.5 -50.25\n" * 4000
    parser = FrameParser(n_bands=2)
    frames = parser.feed(plain + b"-40.5 oops\n" + plain)
    assert len(frames) == 8000
    assert parser.first_error == (4001, "expected a number, got 'oops'.")
    parser = FrameParser(n_bands=2)
    assert len(parser.feed(plain + b"# gap: 7\n" + plain)) == 8000
    assert parser.gaps == [(4000, 7)]
