"""Build the paper: paper.md with its figure from the records, and from it a PDF where Typst is there, else HTML.

Run: make paper
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import jinja2
from facts import facts
from figure import one_recipe_figure
from typeset import as_html, as_typst

from results.figures.style import rendered

HERE = Path(__file__).parent
TEMPLATE, TEXT, FIGURE = 'paper.md.j2', 'paper.md', 'one_recipe.svg'


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join('| ' + ' | '.join(str(cell).replace('|', '\\|') for cell in line) + ' |' for line in lines)


def written() -> str:
    """The text of the paper, from the records as they are."""
    known = facts()
    studies = [(one.name, one.question, one.arms, one.tasks, f'{one.runs:,}', one.verdicts) for one in known['bundles']]
    changed = [
        (row['study'], row['arm'], row['task'], row['verdict'], row['shared_verdict']) for row in known['shared'].changed
    ]
    flagships = [
        (
            one.name,
            one.claim,
            ', '.join(f'[{paper}](https://arxiv.org/abs/{paper})' for paper in one.papers),
            ', '.join(there) or 'none yet',
            ', '.join(f'{rung.name} ({rung.place})' for rung in one.rungs if rung.name not in there) or 'none',
        )
        for one, there in known['flagships']
    ]
    engine = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return engine.get_template(TEMPLATE).render(
        **known,
        table=table,
        percent=lambda share: f'{100 * share:.0f}',
        study_rows=studies,
        changed_rows=changed,
        flagship_rows=flagships,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the paper into --out: paper.md, its figure, and paper.pdf or paper.html."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('--out', type=Path, default=HERE, help='the folder to write to')
    out = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    text = written()
    (out / TEXT).write_text(text + '\n')
    (out / FIGURE).write_bytes(rendered(one_recipe_figure(facts()['shared'].rows), 'svg'))
    try:
        import typst
    except ImportError:
        page = out / 'paper.html'
        page.write_text(as_html(text, text.partition('\n')[0].lstrip('# ')))
        print(f'{page} (no Typst here: pip install -e ".[paper]" for a PDF)')
        return 0
    source = out / 'paper.typ'
    source.write_text(as_typst(text))
    typst.compile(str(source), output=str(out / 'paper.pdf'))
    source.unlink()
    print(out / 'paper.pdf')
    return 0


if __name__ == '__main__':
    sys.exit(main())
