"""Parameters: an object that is no BaseEstimator is treated by scikit-learn as one."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from barkcluster import FamiliarityModel, KNNDensityScorer
from barkcluster._parameters import Parametrized, check_fitted


class Twin(BaseEstimator):
    def __init__(self, scorer="knn", *, hop=0.1):
        self.scorer, self.hop = scorer, hop


class Ours(Parametrized):
    def __init__(self, scorer="knn", *, hop=0.1):
        self.scorer, self.hop = scorer, hop


@pytest.mark.parametrize("kind", [Twin, Ours])
def test_parameters_are_those_of_scikit_learn(kind):
    scorer = KNNDensityScorer(n_neighbors=3)
    one = kind(scorer, hop=0.2)
    assert one.get_params(deep=False) == {"scorer": scorer, "hop": 0.2}
    assert one.get_params() == Twin(scorer, hop=0.2).get_params()
    assert one.get_params()["scorer__n_neighbors"] == 3
    # What is inside goes to the scorer that is set in the same call.
    assert one.set_params(scorer__n_neighbors=5, scorer=KNNDensityScorer(), hop=0.5) is one
    assert (one.scorer.n_neighbors, scorer.n_neighbors, one.hop) == (5, 3, 0.5)
    for wrong in ("hops", "scorers__n_neighbors"):
        with pytest.raises(ValueError, match="parameter"):
            one.set_params(**{wrong: 1})
    # What was given is kept; a class is a value, not an object with parameters.
    assert kind(KNNDensityScorer).get_params() == {"scorer": KNNDensityScorer, "hop": 0.1}
    again = clone(one)
    assert again.scorer is not one.scorer
    assert again.scorer.get_params() == one.scorer.get_params()


def test_a_name_has_no_parameters():
    with pytest.raises(ValueError, match="scorer must be an object with parameters to set "
                                         "scorer__n_neighbors; got 'knn'"):
        FamiliarityModel().set_params(scorer__n_neighbors=3)


def test_a_model_names_what_is_not_as_usual():
    assert repr(FamiliarityModel()) == "FamiliarityModel()"
    assert repr(FamiliarityModel("gmm", scales=(1.0, 3.0), random_state=0)) == (
        "FamiliarityModel(scorer='gmm', scales=(1.0, 3.0), random_state=0)")
    assert "FamiliarityModel" in FamiliarityModel()._repr_html_()


def test_tags_are_those_of_scikit_learn():
    assert get_tags(FamiliarityModel()) == get_tags(Twin())


def test_who_has_not_learned_says_so_to_scikit_learn_too():
    with pytest.raises(NotFittedError):
        check_is_fitted(FamiliarityModel())
    with pytest.raises(NotFittedError, match="FamiliarityModel has not learned"):
        check_fitted(FamiliarityModel(), "ensemble_")


def test_model_selection_drives_a_model():
    rng = np.random.default_rng(0)
    takes = np.empty(6, dtype=object)
    takes[:] = [rng.normal(-40, 6, size=(300, 25)) for _ in range(6)]
    model = FamiliarityModel(KNNDensityScorer(n_neighbors=1), scales=(0.5,))
    scores = cross_val_score(_OfLists(model), takes, cv=3)
    assert ((scores > 0.2) & (scores < 0.9)).all()
    search = GridSearchCV(_OfLists(model), {"model__scorer__n_neighbors": [1, 2]}, cv=2)
    assert search.fit(takes).best_params_["model__scorer__n_neighbors"] in (1, 2)


class _OfLists(BaseEstimator):
    """Learns some takes and scores others: scikit-learn splits arrays, a model takes lists."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, y=None):
        self.model_ = clone(self.model).fit(list(X))
        return self

    def score(self, X, y=None):
        return float(np.mean([self.model_.score(take) for take in X]))
