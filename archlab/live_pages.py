"""Live pages: the report of a study, made again whenever its records have changed."""

from collections.abc import Iterator
from pathlib import Path

from archlab.watching import Lookout, Seen, looks

LIVE_SECONDS = 10
"""Seconds after which a page that is written again and again may be so, and a browser reloads it."""


def live_pages(study: str, runs: Path, settings: list[str] | None) -> Iterator[tuple[Seen, str | None]]:
    """What each look finds, with a new page where something has changed; ends when nothing will change any more.

    While the study is unfinished a page asks browsers to reload it. Raises ValueError as `open_study` does.
    """
    from results.rendering import page

    lookout, shown = Lookout(study, runs, settings), None
    for seen in looks({study: lookout}, LIVE_SECONDS):
        one, now = seen[study], lookout.runs
        refresh = None if one.standing['over'] else LIVE_SECONDS
        changed = (now, refresh) != shown
        yield one, page(now.look, now.findings(), refresh=refresh) if changed else None
        shown = now, refresh
