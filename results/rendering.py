"""Rendering: every table, figure and page of a study as the bytes of files; commands and bundles write the same ones.

`found` is a study with all that its runs folder holds (archlab.Opened): study, schedule, records, manifest, `findings()`,
`context()` of its tables, `checklist()`.
"""

from collections.abc import Sequence

TABLES = {'md': 'md', 'tex': 'latex', 'csv': 'csv', 'json': 'json'}
"""Formats of the tables of a bundle, by the suffix of the file."""


def text(found, form: str) -> str:
    """A table as it is printed and kept: it ends with one line end. Raises ValueError on an unknown format."""
    from results.tables import table

    return table(found.findings(), form, about=found.context()).rstrip('\n') + '\n'


def figures(found, kinds: Sequence[str] | None = None) -> dict[str, bytes]:
    """Figures by file name: of these kinds, or of all that the study has something for.

    Raises ValueError on an unknown kind, and on one that is asked for and that the study has nothing for.
    """
    from results.figures import FIGURES, Inapplicable
    from results.figures.style import SUFFIXES, rendered

    unknown = [kind for kind in kinds or () if kind not in FIGURES]
    if unknown:
        raise ValueError(f"figure '{unknown[0]}'; allowed: {list(FIGURES)}")
    files = {}
    for kind in kinds or FIGURES:
        try:
            drawn = FIGURES[kind](found.study, found.schedule, found.records, found.findings(), found.manifest)
        except Inapplicable:
            if kinds:
                raise
            continue
        files |= {f'{found.study.name}-{kind}.{suffix}': rendered(drawn, suffix) for suffix in SUFFIXES}
    return files


def page(found) -> str:
    """The report of a study as one HTML page."""
    from results.report.page import report

    # What nobody tried is no news on a page; `archlab verify` says that too.
    checks = [check.to_dict() for check in found.checklist() if check.tried]
    return report(found.study, found.schedule, found.records, found.manifest, found.findings(), checks)


def everything(found) -> dict[str, bytes]:
    """All files of a bundle that follow from its records, by name."""
    files = {f'table.{suffix}': text(found, form).encode() for suffix, form in TABLES.items()}
    files |= {f'figures/{name}': content for name, content in figures(found).items()}
    return files | {'report.html': page(found).encode()}
