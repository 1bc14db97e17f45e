"""What is called strange of what comes next, where little is known of it."""

import numpy as np
import pytest

from barkcluster.calibration import Calibration
from barkcluster.calibration.ahead import calibration_ahead, caution


def test_the_fewer_windows_there_are_the_more_caution():
    cautions = [caution(n) for n in (1.0, 10.0, 20.0, 30.0, 50.0, 1e6)]
    assert cautions[0] == cautions[1] == 1.0
    assert cautions[-1] == cautions[-2] == 0.0
    assert cautions == sorted(cautions, reverse=True)


def test_without_caution_the_calibration_is_as_ever(rng):
    held_out = rng.normal(size=200)
    heard = np.linspace(-4, 8, 100)
    ahead = calibration_ahead(held_out, 0.0)
    np.testing.assert_array_equal(
        ahead.familiarity(heard), Calibration(held_out).familiarity(heard))


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_with_caution_it_must_be_stranger_to_be_called_strange(rng, share):
    held_out = rng.normal(size=200)
    heard = np.linspace(-4, 8, 100)
    ahead = calibration_ahead(held_out, share).familiarity(heard)
    usual = Calibration(held_out).familiarity(heard)
    strange = heard > np.median(held_out)
    assert np.all(ahead[strange] > usual[strange])
    # The other half is about as familiar as it was, and what is twice as strange still is less so.
    np.testing.assert_allclose(ahead[~strange], usual[~strange], atol=0.03)
    assert np.all(np.diff(ahead) <= 0)
    assert ahead[-1] < 0.01
