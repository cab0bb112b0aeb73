"""Page: claims as one self-contained HTML page, as of all studies about one kind of block."""

from collections import Counter
from pathlib import Path

from results.claims.claim import SAYING, Claim
from results.claims.collection import Collection
from results.claims.forest import forest
from results.claims.markdown import cells, verdict_of
from results.claims.remarks import SHORT, counted, remarks
from results.claims.sentence import sentence_of
from results.pages import environment, grid, style

FOLDER = Path(__file__).parent
COLUMNS = (
    'arm:word, against:word, dataset:word, verdict:mark, effect [95% interval]:word, parameters:word, steps:word, '
    'replicates, tuning trials:word, adjusted p, study:word, claim:word'
)


def _row(claim: Claim) -> list[str]:
    arm, base, where, verdict, effect, size, steps, study, address = cells(claim)
    tuned = f'{claim.trials} x {", ".join(claim.optimizers)}'
    p = '' if claim.p_adjusted is None else '<0.001' if claim.p_adjusted < 0.001 else f'{claim.p_adjusted:.3f}'
    return [arm, base, where, verdict, effect, size, steps, str(claim.replicates), tuned, p, study, address]


def _sources(collection: Collection) -> dict:
    rows = []
    for source in collection.sources:
        made = [claim for claim in collection.claims if claim.study_digest == source.digest]
        if made:
            question = source.study.question.strip().split('\n\n')[0]
            failing = '; '.join(source.failing)
            rows.append([source.study.name, ' '.join(question.split()), source.place, source.digest, failing])
    columns = 'study:word, question:long, read from:long, digest:word, rules it breaks:long'
    return grid('The studies that conclude this', columns, rows)


def _told(claim: Claim) -> dict:
    """A claim as the page's list shows it."""
    return {
        'verdict': claim.verdict,
        'tag': verdict_of(claim),
        'sentence': str(sentence_of(claim)),
        'study': claim.study,
        'address': claim.digest[:SHORT],
        'failing': [rule for source in claim.sources for rule in source.get('failing', ())],
    }


def page(collection: Collection, about: str = '') -> str:
    """The claims of a collection, those that say nothing in a table of their own; `about` is the kind that they are about."""
    told = [claim for claim in collection.claims if claim.says]
    silent = [claim for claim in collection.claims if not claim.says]
    counts = Counter(claim.verdict for claim in told)
    studies = len({claim.study_digest for claim in collection.claims})
    who = f'What {counted(studies, "study", "studies")} conclude{"s" * (studies == 1)}'
    template = environment(FOLDER).get_template('page.html.j2')
    return template.render(
        title=about or 'Claims',
        lead=f'{who} about {about}.' if about else f'{who}.',
        counts=', '.join(f'{counts[verdict]} {verdict}' for verdict in SAYING if counts[verdict]),
        silent=len(silent),
        contradictions=len(collection.contradictions),
        claims=[_told(claim) for claim in told],
        remarks=remarks(collection),
        forest=forest([*told, *silent]),
        table=grid('Every claim', COLUMNS, [_row(claim) for claim in told]),
        undecided=grid('Comparisons that say nothing', COLUMNS, [_row(claim) for claim in silent]),
        sources=_sources(collection),
        example=told[0].digest[:SHORT] if told else '',
        skipped=collection.skipped,
        style=style(),
    )
