"""Nouns that a stranger can add: built in by name, or installed as entry points."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from cotrain.exceptions import missing_package


@dataclass(frozen=True)
class Registry:
    """The classes that a `kind` in params.yaml may name.

    A class has an attribute `Settings`, a `Section` whose `kind` is a literal, and is made as
    `Class(settings)`. Another package adds one by an entry point in the group `cotrain.<noun>s`
    whose name is the kind.

    Attributes
    ----------
    noun : str
        What its classes are, such as `learner`.
    built_in : mapping of str to str
        `module:Class` of each kind; imported when it is asked for.

    Examples
    --------
    >>> Registry("number", {"exact": "fractions:Fraction"}).find("exact")
    <class 'fractions.Fraction'>
    """

    noun: str
    built_in: Mapping[str, str]

    @property
    def group(self) -> str:
        """The entry point group."""
        return f"cotrain.{self.noun}s"

    def kinds(self) -> tuple[str, ...]:
        """All kinds, the built-in ones first."""
        added = (point.name for point in entry_points(group=self.group))
        return tuple(dict.fromkeys((*self.built_in, *sorted(added))))

    def find(self, kind: str) -> Any:
        """The class of a kind.

        Raises
        ------
        ValueError
            If no class has this kind, or the package that holds it cannot be imported.
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
            why = missing_package(error) if isinstance(error, ImportError) else None
            raise ValueError(
                f"the {self.noun} `{kind}` cannot be imported ({why or error})"
            ) from error


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
        "random": "cotrain.splits._random:RandomSplitter",
        "column": "cotrain.splits._column:ColumnSplitter",
        "time": "cotrain.splits._time:TimeSplitter",
        "cluster": "cotrain.splits._cluster:ClusterSplitter",
    },
)
