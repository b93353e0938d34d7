"""Settings as they are, seen as a trial: what a search starts from."""

from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from cotrain.settings import Section


class AsTheyAre:
    """Answers what Optuna's trials are asked with a section's own values, by their names.

    A list counts by its first entry. A value outside the bounds is taken to the nearest one; one
    that is no choice makes `known` false.

    Attributes
    ----------
    params : dict of str to value
    distributions : dict of str to BaseDistribution
    known : bool
        Whether every value could be taken.
    """

    def __init__(self, settings: Section) -> None:
        self._settings = settings
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}
        self.known = True

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """The setting `name`, within the bounds."""
        value = self._number(name, low, high)
        return float(self._take(name, float(value), FloatDistribution(low, high, log)))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """The setting `name`, within the bounds."""
        value = round(self._number(name, low, high))
        return int(self._take(name, value, IntDistribution(low, high, log)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """The setting `name`, or the first choice where it is none of them."""
        value = self._value(name)
        if value not in choices:
            self.known, value = False, choices[0]
        return self._take(name, value, CategoricalDistribution(choices))

    def _value(self, name: str) -> Any:
        value = getattr(self._settings, name)
        return value[0] if isinstance(value, list) else value

    def _number(self, name: str, low: float, high: float) -> float:
        value = self._value(name)
        if not isinstance(value, int | float):
            self.known, value = False, low
        return min(max(value, low), high)

    def _take(self, name: str, value: Any, distribution: BaseDistribution) -> Any:
        self.params[name], self.distributions[name] = value, distribution
        return value
