"""SetKind: what the kinds have that read one prepared set: what is known of its examples before it is prepared."""

import jax

from sweeps.datasets import catalog
from sweeps.datasets.dataset import Dataset
from sweeps.datasets.prepared import find, is_prepared
from sweeps.tasks.kind import Kind


class SetKind(Kind):
    """A kind of task over the set that its field `dataset` names.

    A subclass names in `SETS` the kinds of sets that it reads and gives `declared`.
    """

    SETS: tuple[str, ...] = ()

    def absent(self) -> list[str]:
        return [] if is_prepared(self.dataset) else [self.dataset]

    def entry(self) -> Dataset:
        """What the catalog says of the set.

        Raises ValueError as `find` does where it has no such set, only a form or nothing, and on a set of another kind.
        """
        known = catalog.DATASETS.get(self.dataset)
        if known is None or known.form:
            find(self.dataset)
        elif known.kind not in self.SETS:
            raise ValueError(
                f"dataset '{self.dataset}' is of kind '{known.kind}'; allowed: {', '.join(self.SETS)}; see `archlab data list`"
            )
        return known

    def declared(self) -> jax.ShapeDtypeStruct:
        """What `example` says while the set is not prepared: from the catalog and the task's own fields."""
        raise NotImplementedError
