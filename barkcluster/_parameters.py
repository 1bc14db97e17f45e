"""Parameters of an object as scikit-learn knows them, without loading scikit-learn."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from sklearn.utils import Tags


class Parametrized:
    """What `clone`, `Pipeline` and model selection ask of an estimator.

    `sklearn.base.BaseEstimator` answers the same, and takes a second to import: a program that
    opens its window first, and learns later, should not wait for it. Parameters are the keywords
    of ``__init__``, kept under their names, unchanged.
    """

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return sorted(inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """Parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Also those of parameters that have parameters, as "scorer__n_neighbors".

        Returns
        -------
        params : dict of str to object
        """
        params: dict[str, object] = {}
        for name in self._parameter_names():
            value = params[name] = getattr(self, name)
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                params.update({f"{name}__{inner}": given
                               for inner, given in value.get_params().items()})
        return params

    def set_params(self, **params: object) -> Self:
        """Set parameters, also those of parameters: ``scorer__n_neighbors=5``.

        Parameters
        ----------
        **params : object
            By name.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no parameter of that name, or what it is within has none.
        """
        names = self._parameter_names()
        inner: dict[str, dict[str, object]] = {}
        for key, value in params.items():
            name, apart, rest = key.partition("__")
            if name not in names:
                raise ValueError(f"{type(self).__name__} has the parameters {', '.join(names)}; "
                                 f"got {name!r}.")
            if apart:
                inner.setdefault(name, {})[rest] = value
            else:
                setattr(self, name, value)
        for name, of_inner in inner.items():
            value = getattr(self, name)
            if not hasattr(value, "set_params"):
                raise ValueError(f"{name} must be an object with parameters to set "
                                 f"{name}__{min(of_inner)}; got {value!r:.80}.")
            value.set_params(**of_inner)
        return self

    def __repr__(self) -> str:
        defaults = {name: parameter.default
                    for name, parameter in inspect.signature(type(self)).parameters.items()}
        changed = [f"{name}={getattr(self, name)!r}" for name, default in defaults.items()
                   if repr(getattr(self, name)) != repr(default)]
        return f"{type(self).__name__}({', '.join(changed)})"

    def _repr_html_(self) -> str:
        from sklearn.utils import estimator_html_repr  # in a notebook alone

        return str(estimator_html_repr(self))

    def __sklearn_tags__(self) -> Tags:
        from sklearn.base import BaseEstimator  # asked by scikit-learn alone

        return BaseEstimator().__sklearn_tags__()


def check_fitted(fitted: object, learned: str) -> None:
    """Raise scikit-learn's NotFittedError unless an object has what its ``fit`` learns.

    Parameters
    ----------
    fitted : object
    learned : str
        An attribute that ``fit`` sets.
    """
    if not hasattr(fitted, learned):
        from sklearn.exceptions import NotFittedError  # rarely

        raise NotFittedError(f"This {type(fitted).__name__} has not learned anything: call fit "
                             "with a session.")
