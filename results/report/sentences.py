"""Report sentences: the findings in full sentences, with every number that they rest on."""

from collections.abc import Mapping

from ablations.study import Study
from ablations.tasks.metrics import is_share
from results.finding import Finding
from results.tables import MINUS, difference_unit, marked, number, probability, span, tasks


def _amount(value: float, finding: Finding, signed: bool = False) -> str:
    return f'{number(value, finding.metric, signed)} {difference_unit(finding)}'


def _value(arm: str, value: float, interval: tuple | None, finding: Finding) -> str:
    unit = '%' if is_share(finding.metric) else f' {finding.unit}'
    return f'{arm} {number(value, finding.metric)}{unit} {span(interval, finding.metric)}'.strip()


def _effect(value: float, interval: tuple | None, finding: Finding) -> str:
    return f'{_amount(value, finding, True)} {span(interval, finding.metric, True)}'.strip()


def meaning(finding: Finding) -> str:
    """The meaning of a verdict for somebody who has to choose."""
    margin = _amount(finding.margin, finding)
    if finding.verdict in ('better', 'worse'):
        if finding.negligible:
            return f'The difference is real and within the margin of {margin}: it hardly matters.'
        sign = 1 if finding.verdict == 'better' else -1
        surely = min(sign * end for end in finding.effect_interval or (0.0,)) > finding.margin
        beyond = f'by more than the margin of {margin}' if surely else f'; that it exceeds the margin of {margin} is not shown'
        return f'It is {finding.verdict} {beyond}.'.replace(' ;', ';')
    if finding.verdict == 'unstable':
        return f'Their confirmation runs do not diverge equally often: {finding.reason}.'
    if finding.verdict == 'equivalent':
        return f'The difference is within the margin of {margin}: either may be used.'
    if finding.verdict == 'not comparable':
        return f'Nothing can be concluded: {finding.reason}.'
    if finding.p_adjusted is None or finding.detectable is None:
        return f'Nothing is claimed: {finding.reason}.'
    missed = f'effects below {_amount(finding.detectable, finding)} would likely be missed'
    if not finding.resolved:
        return f'Neither a difference nor its absence is shown: {missed}, and no number of replicates would likely decide it.'
    more = 'more than 1,000 replicates' if finding.needed is None else f'about {finding.needed} replicates'
    if finding.needed is not None and finding.needed <= finding.replicates:
        more = 'a few more replicates'
    return f'Neither a difference nor its absence is shown: {missed}, and {more} would likely decide it.'


def _shared(finding: Finding, recipe: str) -> str:
    """The conclusion of one recipe for all, beside the conclusion for arms at their own best."""
    if finding.shared_effect is None or recipe == 'same':
        return ''
    effect = _effect(finding.shared_effect, finding.shared_interval, finding)
    if not finding.shared_verdict:
        return f'With both at the recipe of the base: {effect}.'
    claims, agree = ('better', 'worse'), ''
    if finding.verdict == finding.shared_verdict:
        agree = ', the same'
    elif finding.verdict != 'not comparable' and (finding.verdict in claims or finding.shared_verdict in claims):
        agree = ', which is not what was found'
    return f'One recipe for all would have concluded "{finding.shared_verdict}"{agree}: {effect}.'


def _divergence(finding: Finding) -> str:
    """How many confirmation runs diverged, where any did; and what one more would have made of a claim."""
    parts = []
    if finding.diverged or finding.base_diverged:
        counts = (
            (finding.arm, finding.diverged, finding.confirmed),
            (finding.base, finding.base_diverged, finding.base_confirmed),
        )
        told = ', '.join(f'{diverged} of {runs} of {arm}' for arm, diverged, runs in counts)
        parts.append(f'Confirmation runs that diverged: {told}; values are means of the others.')
    if finding.one_more_diverged is not None:
        amount = _amount(finding.one_more_diverged, finding, True)
        parts.append(f'With one diverged run more on the better side, counted at chance, the effect would be {amount}.')
    return ' '.join(parts)


def _test_split(finding: Finding) -> str:
    """The change of the effect on other test examples of the same kind, if known."""
    if not finding.test_split_error:
        return ''
    return f'The test split alone gives this effect a standard error of {_amount(finding.test_split_error, finding)}.'


def _family(finding: Finding) -> str:
    """The interval over all comparisons of the study, for a claim."""
    if finding.family_interval is None or finding.verdict not in ('better', 'worse'):
        return ''
    return f'With room for all comparisons of the study: {span(finding.family_interval, finding.metric, True)}.'


def headline(finding: Finding) -> str:
    """The two arms and the verdict."""
    return f'{finding.arm} against {finding.base} on {finding.task}: {marked(finding)}.'


def basis(finding: Finding, recipe: str = 'own') -> str:
    """The basis of the verdict: values, effect, meaning, and the conclusion of a shared recipe."""
    parts = []
    if finding.effect is not None:
        own = _value(finding.arm, finding.value, finding.interval, finding)
        base = _value(finding.base, finding.base_value, finding.base_interval, finding)
        effect = _effect(finding.effect, finding.effect_interval, finding)
        tested = '' if finding.p_adjusted is None else f', adjusted p {probability(finding.p_adjusted)}'
        if finding.verdict == 'equivalent' and finding.p_equivalent is not None:
            tested += f' of a difference, {probability(finding.p_equivalent)} of one beyond the margin'
        how = 'both at the recipe of the base' if recipe == 'same' else 'each at its own best recipe'
        counts = f'{finding.replicates} replicate{"s" * (finding.replicates != 1)} of {finding.seeds}'
        parts.append(f'{own}, {base}, {how}: {effect} over {counts} seed{"s" * (finding.seeds != 1)}{tested}.')
    parts += [_family(finding), _test_split(finding), meaning(finding), _divergence(finding), _shared(finding, recipe)]
    for who, edges in ((finding.arm, finding.censored), (finding.base, finding.base_censored)):
        if edges:
            parts.append(f'Censored: the optimum of {who} lies at the edge of its range ({", ".join(edges)}).')
    return ' '.join(part for part in parts if part)


def _mean(finding: Finding) -> str:
    """The mean effect over datasets, in margins of their tasks."""
    if finding.overall_effect is None:
        return ''
    low, high = (f'{end:+.1f}'.replace('-', MINUS) for end in finding.overall_interval)
    mean = f'{finding.overall_effect:+.1f}'.replace('-', MINUS)
    return f' On datasets like these the effect is {mean} margins on average [{low}, {high}].'


def sentence(finding: Finding, recipe: str = 'own') -> str:
    """The finding of an arm on a task, in full."""
    return f'{headline(finding)} {basis(finding, recipe)}'


def verdicts(study: Study, findings: list[Finding], changes: Mapping[str, str]) -> list[dict]:
    """One entry for each arm: its name, what it changes, its verdict, a sentence over all tasks, and one for each task."""
    total, entries = len(tasks(findings)), []
    for arm in dict.fromkeys(finding.arm for finding in findings):
        own = [finding for finding in findings if finding.arm == arm]
        verdict, reason = own[0].overall, own[0].overall_reason
        said = reason if reason.startswith(verdict) else f'{verdict}, {reason}'
        over = f'{arm} against {own[0].base} over {total} task{"s" * (total != 1)}: {said}.{_mean(own[0])}'
        each = [{'head': headline(finding), 'rest': basis(finding, study.recipe)} for finding in own]
        entries.append({'arm': arm, 'changes': changes.get(arm, ''), 'verdict': verdict, 'overall': over, 'tasks': each})
    return entries
