"""Live pages: the report of a study, made again whenever its records have changed."""

from collections.abc import Iterator
from pathlib import Path

from archlab.watching import Lookout, Seen, looks

LIVE_SECONDS = 10
"""Seconds between two versions of a page, and between two reloads in a browser."""


def live_pages(study: str, runs: Path, settings: list[str] | None) -> Iterator[tuple[Seen, str | None]]:
    """The findings of each look, with a new page after a change; ends when nothing will change any more.

    While the study is unfinished a page asks browsers to reload it. Raises ValueError as `open_study` does.
    """
    from results.rendering import page

    lookout, shown = Lookout(study, runs, settings, wait=True), None
    for seen in looks({study: lookout}, LIVE_SECONDS):
        one, now = seen[study], lookout.runs
        refresh = None if one.standing['over'] else LIVE_SECONDS
        changed = (now, refresh) != shown
        yield one, page(now.look, now.findings(), refresh=refresh) if changed else None
        shown = now, refresh
