"""Rendering: the tables, figures and pages of a study as the bytes of files, the same for commands and bundles."""

from collections.abc import Mapping, Sequence

from results.conclusions import Conclusions, conclude
from results.finding import Finding
from results.store.reading import Reading

TABLES = {'md': 'md', 'tex': 'latex', 'csv': 'csv', 'json': 'json'}
"""Formats of the tables of a bundle, by the suffix of the file."""


def text(conclusions: Conclusions, form: str) -> str:
    """A table as it is printed and published, with one line end at the end. Raises ValueError on an unknown format."""
    from results.tables import table

    return table(conclusions.findings, form, facts=conclusions.facts).rstrip('\n') + '\n'


def joint_text(studies: Sequence[Conclusions], form: str) -> str:
    """One table of the effects of several studies. Raises ValueError on an unknown format, and where two have one name."""
    from results.tables.joint_table import joint_table

    return joint_table([(one.findings, one.facts) for one in studies], form).rstrip('\n') + '\n'


def figures(reading: Reading, findings: list[Finding], kinds: Sequence[str] | None = None) -> dict[str, bytes]:
    """Figures by file name: of these kinds, or of all that apply to the study.

    Raises ValueError on an unknown kind, and on a kind in `kinds` that does not apply.
    """
    from results.figures import FIGURES, Inapplicable
    from results.figures.style import SUFFIXES, rendered

    unknown = [kind for kind in kinds or () if kind not in FIGURES]
    if unknown:
        raise ValueError(f"figure '{unknown[0]}'; allowed: {list(FIGURES)}")
    files = {}
    for kind in kinds or FIGURES:
        try:
            drawn = FIGURES[kind](reading, findings)
        except Inapplicable:
            if kinds:
                raise
            continue
        files |= {f'{reading.study.name}-{kind}.{suffix}': rendered(drawn, suffix) for suffix in SUFFIXES}
    return files


def page(
    reading: Reading, findings: list[Finding], drawn: Mapping[str, bytes] | None = None, refresh: int | None = None
) -> str:
    """The report of a study as one HTML page; `drawn` are figures by kind, as SVG, that were drawn before.

    Browsers load it again every `refresh` seconds, where given.
    """
    from results.report.page import report

    return report(reading, findings, _checked(reading), drawn, refresh)


def pages(studies: Sequence[tuple[Reading, Conclusions]]) -> str:
    """The reports of several studies as one HTML page. Raises ValueError where two of them have one name."""
    from results.report.joint_page import joint_page

    return joint_page([(reading, conclusions, _checked(reading)) for reading, conclusions in studies])


def _checked(reading: Reading) -> list[dict]:
    """The checklist of a page. What nobody tried is no news there; `archlab verify` says that too."""
    from results.verify import verify

    return [check.to_dict() for check in verify(reading) if check.tried]


def everything(reading: Reading) -> dict[str, bytes]:
    """All files of a bundle that follow from its records, by name."""
    conclusions = conclude(reading)
    files = {f'table.{suffix}': text(conclusions, form).encode() for suffix, form in TABLES.items()}
    drawings = figures(reading, conclusions.findings)
    files |= {f'figures/{name}': content for name, content in drawings.items()}
    before, svg = f'{reading.study.name}-', '.svg'
    drawn = {name.removeprefix(before).removesuffix(svg): one for name, one in drawings.items() if name.endswith(svg)}
    return files | {'report.html': page(reading, conclusions.findings, drawn).encode()}
