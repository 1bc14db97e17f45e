"""The argument checks, and the messages a user will read."""

import re

import numpy as np
import pytest

from barkcluster._validation import (
    check_choice,
    check_fraction,
    check_non_negative,
    check_positive,
    check_positive_int,
)

NOT_NUMBERS = [None, "3", True, np.bool_(True), float("nan"), float("inf"), 1j, [1], 10 ** 400]


@pytest.mark.parametrize("value", [1, np.int64(7), np.uint8(3)])
def test_positive_int_comes_back_as_int(value):
    assert check_positive_int("n", value) == value
    assert type(check_positive_int("n", value)) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, np.float64(2), *NOT_NUMBERS[:-1]])
def test_positive_int_rejects(value):
    with pytest.raises(ValueError, match=r"^n_neighbors must be a positive integer; got "):
        check_positive_int("n_neighbors", value)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int8(3), 1e-300])
def test_positive_comes_back_as_float(value):
    assert check_positive("hop", value) == value
    assert type(check_positive("hop", value)) is float


@pytest.mark.parametrize("value", [0, -0.1, *NOT_NUMBERS])
def test_positive_rejects(value):
    with pytest.raises(ValueError, match=r"^hop must be a positive number; got "):
        check_positive("hop", value)


def test_non_negative_takes_zero_and_rejects_below():
    assert check_non_negative("start_s", 0) == 0.0
    with pytest.raises(ValueError, match=r"^start_s must be 0 or more; got -1\.$"):
        check_non_negative("start_s", -1)


@pytest.mark.parametrize("value", [0, 1, 1.5, -0.1, *NOT_NUMBERS])
def test_fraction_rejects(value):
    with pytest.raises(ValueError, match=r"^rate must be between 0 and 1, both excluded; got "):
        check_fraction("rate", value)


@pytest.mark.parametrize(("choices", "listed"), [
    (("db",), "'db'"),
    (("db", "linear"), "'db' or 'linear'"),
    (("a", "b", "c"), "'a', 'b' or 'c'"),
])
@pytest.mark.parametrize("value", ["watt", None, 3, ["db"]])
def test_choice_lists_what_there_is(choices, listed, value):
    with pytest.raises(ValueError, match=re.escape(f"units must be {listed}; got {value!r}.")):
        check_choice("units", value, choices)


def test_numpy_scalars_are_shown_as_numbers():
    with pytest.raises(ValueError, match=r"got 0\.$"):
        check_positive_int("n", np.int64(0))
    with pytest.raises(ValueError, match=r"got -0\.5\.$"):
        check_positive("n", np.float64(-0.5))
