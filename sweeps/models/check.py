"""Check: the contract tests on a user's own blocks."""

import dataclasses
from pathlib import Path

from arch.contracts import check
from arch.sockets import FAMILIES, TABLES, load_tables


def check_file(path: Path) -> dict[str, list[dict]]:
    """{'norm my_norm': [{rule, holds, why}]} for every kind that the file adds; ValueError where it adds none."""
    tables = load_tables(str(path))
    added = [(family, kind) for family in FAMILIES for kind in tables[family] if kind not in TABLES[family]]
    if not added:
        raise ValueError(f"{path} adds no kind; give a table that names one, e.g. NORMS = {{'my_norm': MyNorm}}")
    return {
        f'{family} {kind}': [dataclasses.asdict(contract) for contract in check(family, kind, tables)] for family, kind in added
    }
