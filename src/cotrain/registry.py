"""Nouns that a stranger can add: built in by name, or installed as entry points."""

import importlib
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, ClassVar

from cotrain.exceptions import missing_package


class Noun(ABC):
    """What a section of params.yaml makes: `Settings` is its class, whose `kind` is a literal."""

    Settings: ClassVar[Any]

    def __init__(self, settings: Any) -> None:
        self.settings = settings


@dataclass(frozen=True)
class Registry:
    """The classes that a `kind` in params.yaml may name, each a `Noun`.

    Another package adds one by an entry point in the group `cotrain.<noun>s` whose name is the
    kind.

    Examples
    --------
    >>> Registry("number", {"exact": "fractions:Fraction"}).find("exact")
    <class 'fractions.Fraction'>
    """

    noun: str  # what its classes are, such as `learner`
    built_in: Mapping[str, str]  # `module:Class` of each kind; imported when it is asked for

    @property
    def group(self) -> str:
        return f"cotrain.{self.noun}s"

    def kinds(self) -> tuple[str, ...]:
        """All kinds, the built-in ones first."""
        added = (point.name for point in entry_points(group=self.group))
        return tuple(dict.fromkeys((*self.built_in, *sorted(added))))

    def find(self, kind: str) -> Any:
        """The class of a kind.

        ValueError if no class has this kind, or the package that holds it cannot be imported.
        """
        target = self.built_in.get(kind)
        if target is None:
            found = next(iter(entry_points(group=self.group, name=kind)), None)
            if found is None:
                raise ValueError(
                    f"kind must be one of {', '.join(self.kinds())}, got {kind!r}; another package "
                    f"may add a {self.noun} by an entry point in `{self.group}`"
                )
            target = found.value
        module, _, name = target.partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            why = (isinstance(error, ImportError) and missing_package(error)) or error
            raise ValueError(f"the {self.noun} `{kind}` cannot be imported ({why})") from error


LEARNERS = Registry(
    "learner",
    {
        "network": "cotrain.training.network:Network",
        "combined": "cotrain.gradients:CombinedNetwork",
        "combined_module": "cotrain.gradients:CombinedModule",
        "forest": "cotrain.training.learners:Forest",
        "boosting": "cotrain.training.learners:Boosting",
        "linear": "cotrain.training.learners:Linear",
        "kernel": "cotrain.training.learners:Kernel",
        "pooled": "cotrain.training.learners:Pooled",
        "pooled_linear": "cotrain.training.learners:PooledLinear",
        "module": "cotrain.training.network:ModuleNetwork",
        "chemprop": "cotrain.training.network:Chemprop",
    },
)
SOURCES = Registry(
    "source",
    {
        "moleculeace": "cotrain.sources._moleculeace:MoleculeAce",
        "table": "cotrain.sources._table:Table",
        "kiba": "cotrain.sources._kiba:Kiba",
        "synthetic": "cotrain.sources._synthetic:Synthetic",
    },
)
FEATURIZERS = Registry(
    "featurizer",
    {
        "molecules": "cotrain.features._molecules:Molecules",
        "columns": "cotrain.features._columns:Columns",
        "given": "cotrain.features._given:Given",
        "text": "cotrain.features._text:Text",
        "images": "cotrain.features._images:Images",
    },
)
SPLITTERS = Registry(
    "splitter",
    {
        "scaffold": "cotrain.splits._scaffold:ScaffoldSplitter",
        "random": "cotrain.splits._splitter:RandomSplitter",
        "column": "cotrain.splits._column:ColumnSplitter",
        "time": "cotrain.splits._time:TimeSplitter",
        "cluster": "cotrain.splits._cluster:ClusterSplitter",
    },
)
