"""Comparability: why two arms cannot be compared, whatever their runs scored."""

import dataclasses
from collections.abc import Mapping

from ablations.study import Study
from results.budgets import Equality
from results.side import Side
from results.store.records import STOPPED


def incomparable(study: Study, budgets: tuple[Equality, ...], own: Side, base: Side) -> str:
    """Why two arms cannot be compared at all, or ''."""
    for who in (own, base):
        broken = sum(record['status'] == 'failed' for record in who.runs)
        if broken:
            return f"{broken} runs of '{who.arm}' failed (not diverged); see `archlab status`, then run with --retry-failed"
    for side in (own, base):
        if side.leak:
            return f"'{side.arm}' sees what it is to predict: {side.leak}"
    unequal = _unequal(study, budgets, own, base)
    if unequal:
        return unequal
    hashes = own.sources | base.sources
    if len(hashes) > 1:
        return f'unequal sources: the records come from {len(hashes)} versions of the sources that train'
    flags = sorted(own.flags | base.flags)
    if len(flags) > 1:
        return f'unequal compiler flags: {" and ".join(flags)}'
    return ''


def without_values(study: Study, own: Side, base: Side) -> str:
    """Why there are no scores to compare, or '': all tuning runs of an arm diverged, or all of its confirmation runs did."""
    for who in (own, base):
        if who.nothing_selected:
            tuned = who
            if study.recipe == 'same' and who.arm != study.base:
                tuned = dataclasses.replace(who, arm=study.base)
            runs = tuned.recorded('tune')
            how = ' or '.join(sorted({record['status'] for record in runs} - {'ok', STOPPED})) or 'diverged'
            return f"every tuning run of '{tuned.arm}' {how} ({len(runs)} of {len(runs)})"
        counts = who.divergences
        if counts.runs and counts.runs == counts.diverged:
            return f"every confirmation run of '{who.arm}' diverged ({counts.diverged} of {counts.runs})"
    return ''


def _unequal(study: Study, budgets: tuple[Equality, ...], own: Side, base: Side) -> str:
    """How the budget of one of two arms differs from the base's, or ''.

    With one recipe for all, only the base is tuned, so tuning budgets are not compared. Such a study exists to show that
    fallacy, and its pages and the checklist say so.
    """
    for one in budgets:
        if one.task != own.task.name or (study.recipe == 'same' and one.phase == 'tune'):
            continue
        for arm in (own.arm, base.arm):
            if arm in one.unequal:
                return f'unequal budgets, {one.phase}: {one.unequal[arm]}'
            if arm in one.unknown:
                return f'budgets that may be unequal, {one.phase}: {one.why}'
    return ''


def censored_side(effect: float, known: Mapping) -> str:
    """Why this claim is forbidden, or '': the worse side's optimum lies at an edge, and a better recipe may lie beyond."""
    loser = ('censored', known['arm']) if effect < 0 else ('base_censored', known['base'])
    if known[loser[0]]:
        return f"censored: the optimum of '{loser[1]}' lies at the edge of its range ({', '.join(known[loser[0]])})"
    return ''
