"""SetKind: a kind of task over one prepared set, and the facts of its examples before the set is prepared."""

import abc
import functools
from typing import ClassVar

import jax

from sweeps.datasets import catalog
from sweeps.datasets.dataset import Dataset
from sweeps.datasets.prepared import Prepared, find, is_prepared
from sweeps.tasks.kind import Kind


class SetKind(Kind):
    """A kind of task over the set that its field `dataset` names."""

    CLASSES: ClassVar[bool] = False
    """Whether its sets need a class for each example."""

    @property
    @abc.abstractmethod
    def dataset(self) -> str:
        """A field: the name of the prepared set."""

    @property
    @abc.abstractmethod
    def SETS(self) -> tuple[str, ...]:
        """The kinds of sets that it reads, such as ('images',)."""

    @abc.abstractmethod
    def declared(self) -> jax.ShapeDtypeStruct:
        """Shape `[1, ...]` and type of a stored example while the set is not prepared."""

    @property
    def domain_name(self) -> str:
        return self.dataset

    def absent(self) -> list[str]:
        return [] if is_prepared(self.dataset) else [self.dataset]

    def labels(self) -> int | None:
        return len(self.prepared.about['classes']) if self.CLASSES and not self.absent() else None

    def pool_size(self) -> int | None:
        # Where examples have no class they are cut from what is stored, to as many as there are.
        return self._count('pool') if self.CLASSES else None

    def test_size(self) -> int | None:
        return self._count('test')

    def _count(self, split: str) -> int | None:
        """The examples of a split, of the set or by the catalog."""
        if not self.absent():
            return self.prepared.about['sizes'][split]
        known = catalog.DATASETS.get(self.dataset)
        return known.examples.get(split) if known else None

    def entry(self) -> Dataset:
        """The catalog's entry of the set.

        Raises ValueError as `find` does if the catalog has no such set or only a form, and for a set of another kind.
        """
        known = catalog.DATASETS.get(self.dataset)
        if known is None or known.form:
            find(self.dataset)
        elif known.kind not in self.SETS:
            raise ValueError(
                f"dataset '{self.dataset}' is of kind '{known.kind}'; allowed: {', '.join(self.SETS)}; see `archlab data list`"
            )
        return known

    @functools.cached_property
    def prepared(self) -> Prepared:
        """The set. Raises ValueError where it is not prepared, is of another kind, or lacks needed classes."""
        prepared = find(self.dataset)
        kind, classes = prepared.about['kind'], prepared.about.get('classes')
        if kind not in self.SETS or (self.CLASSES and not classes):
            given, needed = (f' with classes {classes}', ' with classes') if self.CLASSES else ('', '')
            raise ValueError(
                f"task '{self.NAME}': dataset '{self.dataset}' is of kind '{kind}'{given}; allowed: "
                f'{", ".join(self.SETS)}{needed}; see `archlab data list`'
            )
        return prepared
