"""Notes: the sentences below a table, without which its numbers cannot be read."""

from results.finding import Finding
from results.tables.study_facts import StudyFacts
from results.tables.words import DASH, TIMES, difference_unit, number

ONE_ARM = 'No comparisons: the study has one arm only.'
LARGER = 0.05
"""Arms whose size differs from the base's by more than this share are named."""
SCREENED = 'Every optimizer was tuned with {} trials; the one that was then better in a replicate of an arm got {} in all'
DESIGNS = {
    'path': 'Read from the top down: every step is compared with the step above it, and sizes are those of the whole model',
    'drop_one': 'Every part is taken out of the full model, which is compared with the base',
    'add_one': 'Every part is added to the base alone, and all of them at once',
    'factorial': 'Every arm is one combination of levels, compared with the base; effects of the factors follow',
}


def _percent(level: float) -> str:
    return f'{100 * level:.3g}%'


def _family(findings: list[Finding], facts: StudyFacts) -> str:
    test = findings[0].test
    text = f'{test[:1].upper()}{test[1:]}, Holm over {len(findings)} comparisons'
    if len(facts.looks) > 1:
        shown = facts.looks if len(facts.looks) < 5 else (*facts.looks[:2], '...', facts.looks[-1])
        text += f' and looks at {", ".join(map(str, shown))} replicates'
    if facts.alpha is None:
        return text
    text += f' at a familywise error rate of {_percent(facts.alpha)}'
    if facts.level is None or facts.level == facts.alpha:
        return text
    return f'{text}, of which these share {_percent(facts.level)} (the rest is for effects of factors)'


def _censored(findings: list[Finding]) -> list[str]:
    edges = {}
    for one in findings:
        for arm, sides in ((one.base, one.base_censored), (one.arm, one.censored)):
            if sides:
                edges.setdefault((one.task, arm), f'{arm} on {one.task} ({", ".join(sides)})')
    if not edges:
        return []
    return [f'Censored, the optimum lies at the edge of the searched range: {"; ".join(edges.values())}']


def _sizes(findings: list[Finding]) -> list[str]:
    far = [
        f'{one.arm} on {one.task} ({one.params_ratio:.2f}{TIMES})'
        for one in findings
        if one.params_ratio is not None and abs(one.params_ratio - 1) > LARGER
    ]
    return [f'Parameters differ from those of the base by more than {_percent(LARGER)}: {"; ".join(far)}'] if far else []


def _optimizers(facts: StudyFacts) -> list[str]:
    """Which arms were tuned with which optimizers, where they differ in that, and why some have no effect at one recipe."""
    arms: dict[tuple[str, ...], list[str]] = {}
    for arm, own in facts.optimizers:
        arms.setdefault(own, []).append(arm)
    told = [f'{" and ".join(own)}: {", ".join(names)}' for own, names in arms.items()]
    said = [f'Arms differ in the optimizers that they are tuned with: {"; ".join(told)}'] if told else []
    if facts.unshared:
        said.append(f'Not run at the recipe of the base, whose optimizers they do not have: {", ".join(facts.unshared)}')
    return said


def _test_split(findings: list[Finding]) -> list[str]:
    """Whether effects hold the sampling error of the test split, and how large that is at most."""
    known: dict[str, list[Finding]] = {}
    for one in findings:
        if one.effect is not None and one.effect_interval is not None:
            known.setdefault(one.task, []).append(one)
    without = [task for task, own in known.items() if any(one.test_split_error is None for one in own)]
    told = []
    for task, own in known.items():
        errors = [one.test_split_error for one in own if one.test_split_error is not None]
        if errors:
            told.append(f'{task} {number(max(errors), own[0].metric)} {difference_unit(own[0])}')
    said = [f'Errors of effects include that of the test split, at most: {", ".join(told)}'] if told else []
    if without:
        where = '' if len(without) == len(known) else f' on {", ".join(without)}'
        said.append(
            f'The sampling error of the test split is part of no effect{where}: records do not hold what single examples scored'
        )
    return said


def _averages(findings: list[Finding], facts: StudyFacts) -> list[str]:
    """What averaged weights score, where a study has such."""
    metrics, told = {one.task: one for one in findings}, []
    for one in facts.averages:
        if one.task in metrics:
            metric, unit = metrics[one.task].metric, difference_unit(metrics[one.task])
            told.append(f'{one.arm} on {one.task} {number(one.value, metric)} ({number(one.gain, metric, True)} {unit})')
    return [f'Moving averages of the weights score, and are better than the weights by: {"; ".join(told)}'] if told else []


def notes(findings: list[Finding], facts: StudyFacts) -> list[str]:
    """The sentences, without full stops: what is compared with what, the tests, and all doubts."""
    if not findings:
        return [ONE_ARM.rstrip('.')]
    one = findings[0]
    counts = sorted({f.replicates for f in findings})
    replicates = counts[0] if len(counts) == 1 else f'{counts[0]} to {counts[-1]}'
    tested = {f.task: f.n_test for f in findings if f.n_test is not None}
    shown = ', '.join(f'{task} {size:,}' for task, size in tested.items()) or 'not known yet'
    chain = any(finding.base != one.base for finding in findings)
    other = 'the arm that it is compared with' if chain else 'base'
    more = f', {facts.base_factor} times as many for the base' if facts.base_factor > 1 else ''
    if facts.recipe == 'same':
        effects = [f'Effects are arm minus {other}, above 0 better, all at the recipe of the base']
    elif not facts.share:
        effects = [f'Effects are arm minus {other}, above 0 better: each at its own best recipe']
    else:
        effects = [
            f'Effects are arm minus {other}, above 0 better: each at its own best recipe, and both at the recipe of the base',
            'What one recipe for all says is by the same tests on the latter, and no claim of the study',
        ]
    screened = [SCREENED.format(facts.screening, facts.trials)] if facts.screening else []
    matched = ['Every arm trains as many steps as cost what the base costs in FLOPs'] if facts.budget == 'compute' else []
    design = [DESIGNS[facts.shape]] if facts.shape in DESIGNS else []
    return [
        f'Mean [95% interval] over {replicates} tuning replicates of {one.seeds} confirmation seeds each{more}',
        *design,
        *effects,
        *_optimizers(facts),
        *matched,
        *screened,
        *([facts.stopped] if facts.stopped else []),
        *([f'Planned and judged by protocol {facts.protocol}'] if facts.protocol else []),
        _family(findings, facts),
        'Detectable: the smallest effect that would be found with 80% power at this noise',
        f'Test examples: {shown}',
        *_test_split(findings),
        *_averages(findings, facts),
        *_sizes(findings),
        'LR sensitivity in nats; diverged: confirmation runs that diverged, which enter no value',
        *_censored(findings),
        f'{DASH}: not known or not defined',
    ]


def note(findings: list[Finding], alpha: float | None = None, facts: StudyFacts | None = None) -> str:
    """The sentences below a table as one paragraph."""
    facts = facts or StudyFacts(alpha=alpha)
    return '. '.join(notes(findings, facts)) + '.'


def effects_note(facts: StudyFacts) -> str:
    """The sentences below the table of effects of a factorial study."""
    told = [line for line in facts.effects if line.name]
    sentences = [
        'A main effect is a level less the first level of its factor, averaged over all other factors',
        'An interaction is what two levels do together beyond what each does alone',
        f'Moderated paired contrasts over replicates, Holm over {len(told)} effects of all tasks'
        + ('' if facts.level is None else f', which share an error rate of {_percent(facts.level)}'),
        *dict.fromkeys(f'On {line.task}: {mark}' for line in facts.effects for mark in line.marks),
        *dict.fromkeys(f'On {line.task}: {line.reason}' for line in facts.effects if line.reason),
    ]
    return '. '.join(sentences) + '.'
