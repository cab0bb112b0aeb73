"""Code book: which share of its learned codes a trained model uses, on examples that it was not trained on."""

from collections.abc import Mapping
from pathlib import Path

from arch.code_use import code_use
from arch.sockets import load_tables
from sweeps.export import load
from sweeps.training.preflight import task_of
from sweeps.training.splits import tuning_split


def code_book(path: Path | str, blocks: Path | str | None = None) -> dict[str, float]:
    """How a model that `archlab export` wrote uses its code book, by `arch.code_use`: on the tuning-validation examples of its
    replicate; no test data are read.

    Raises ValueError for a model without codes.
    """
    exported = load(path, blocks)
    about, task = exported.about, task_of(exported.about['data'])
    tables = load_tables(str(blocks) if about['blocks'] else None)
    split = tuning_split(task, about['study'], about['task'], about['replicate'], task.pool())
    return code_use(about['model'], exported.params, exported.state, split.held.x, tables)


def code_book_lines(name: str, use: Mapping[str, float]) -> list[str]:
    """The use of a code book in words."""
    return [
        f'{name}: {use["used"]:.1%} of {use["codes"]:,} codes have one of {use["patches"]:,} patches',
        f'  perplexity {use["perplexity"]:.1f}, at most {use["bits_per_token"]:.3f} bits a token',
    ]
