"""Tables for the tests of the audit: as files, and the comparisons that are read from them."""

from pathlib import Path

from results.audit.comparisons import Comparison, audit
from results.audit.input import read


def written(folder: Path, text: str, encoding: str = 'utf-8') -> Path:
    path = folder / 'table.csv'
    path.write_text(text, encoding=encoding)
    return path


def audited(folder: Path, text: str, against: str | None = None, column: str | None = None, lower_is_better: bool = False):
    return audit(read(written(folder, text), column, lower_is_better), against)


def by_name(comparisons: list[Comparison]) -> dict[str, Comparison]:
    return {one.arm: one for one in comparisons}


def broken(one: Comparison) -> dict[str, str]:
    return {rule.name: rule.why for rule in one.rules if rule.state == 'broken'}


def states(one: Comparison) -> dict[str, str]:
    return {rule.name: rule.state for rule in one.rules}
