"""Takes of a name that another one holds: they count once."""

import numpy as np
import pytest

from barkcluster import FamiliarityModel, KNNDensityScorer, SessionGallery, synthetic

pytestmark = pytest.mark.filterwarnings("ignore:.* hold the same:UserWarning")


@pytest.fixture(scope="module")
def takes():
    jam = np.asarray(synthetic.make_session(0.8, random_state=1, surprises=False)[0])
    return jam[:1500], jam[1500:3000], jam[3000:4500]


@pytest.fixture(scope="module")
def stranger():
    return np.asarray(synthetic.make_session(0.25, random_state=2, surprises=False)[0])


def familiarities(takes, *queries):
    gallery = SessionGallery(FamiliarityModel(
        KNNDensityScorer(n_blocks=2), scales=(0.5, 1.0), hop=0.25)).fit({"band": list(takes)})
    return [gallery.rank(query)[0][1] for query in queries]


@pytest.mark.parametrize("spoiled", [
    lambda take: take,
    lambda take: take + np.random.default_rng(0).normal(0.0, 0.01, take.shape),
    lambda take: take[200:] - 6.0], ids=["the same", "nearly the same", "softer and later"])
def test_a_copy_among_three_takes_is_no_take_of_its_own(takes, stranger, spoiled):
    """Held-out copies and queries were judged in different units: strangers had .75, not .1."""
    first, second, third = takes
    once = familiarities([first, second], third, stranger)
    twice = familiarities([first, second, spoiled(second)], third, stranger)
    np.testing.assert_allclose(twice, once, atol=0.02)


def test_pairs_of_copies_are_two_takes(takes, stranger):
    """Their metric was singular, and learning them failed."""
    first, second, third = takes
    assert familiarities([first, first, second, second], third, stranger) == pytest.approx(
        familiarities([first, second], third, stranger), abs=0.02)


def test_a_take_and_an_excerpt_of_it_are_one_take(takes, stranger):
    whole = np.concatenate(takes[:2])
    excerpt = whole[700:1900]
    assert familiarities([excerpt, whole], takes[2], stranger) == pytest.approx(
        familiarities([whole], takes[2], stranger), abs=0.1)
