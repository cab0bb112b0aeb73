"""Sentence: a claim in a small controlled language, which can be read back.

    sentence   = "At " size " and " steps " steps, " arm " " verb " " base " on " datasets [amount] [negligible] [censored] "."
    size       = count " parameters" | "an unknown size"
    verb       = one of VERBS
    datasets   = name | name ", " ... " and " name
    negligible = ", which is negligible"
    censored   = " (censored)"                             an optimum lies at an edge of the searched ranges
    amount     = " by " number " " unit [interval]        of better and worse, in the direction that the verb says
               | " within " number " " unit [interval]    of equivalent: the margin, and the effect's interval
               | " at " number " " unit [interval]        of what is not decided: the effect
               | " in " number " of " number " runs against " number " of " number      of rates of divergence
    interval   = " [" number ", " number "]"              95 %

Counts of parameters and steps are one number, or the least and the largest of several tasks: "12.3k to 26.8k". Names and units
of other letters than those of WORD stand in double quotes, as in JSON.
"""

import dataclasses
import json
import re

from ablations.tasks.metrics import is_share
from results.claims.claim import Claim
from results.tables.words import MINUS, number

VERBS = {
    'better': 'is better than',
    'worse': 'is worse than',
    'equivalent': 'is equivalent to',
    'diverges more': 'diverges more often than',
    'diverges less': 'diverges less often than',
    'undecided': 'is not told apart from',
    'not comparable': 'is not comparable with',
}
PREPOSITIONS = {
    **dict.fromkeys(('better', 'worse'), 'by'),
    'equivalent': 'within',
    **dict.fromkeys(('diverges more', 'diverges less'), 'in'),
    **dict.fromkeys(('undecided', 'not comparable'), 'at'),
}
WORD = r'[A-Za-z0-9_][A-Za-z0-9_/.%+-]*'
QUOTED = r'"(?:[^"\\]|\\.)*"'
NAME = rf'(?:{WORD}|{QUOTED})'
WORDS = rf'{WORD}(?: {WORD})*'
UNIT = rf'(?:{WORDS}|{QUOTED})'
COUNT = r'\d+(?:\.\d+)?[kMBT]?'
NUMBER = r'-?\d+(?:\.\d+)?'
SENTENCE = re.compile(
    rf'At (?:(?P<params>{COUNT}(?: to {COUNT})?) parameters|an unknown size) and (?P<steps>[\d,]+(?: to [\d,]+)?) steps, '
    rf'(?P<arm>{NAME}) (?P<verb>{"|".join(VERBS.values())}) (?P<base>{NAME}) on '
    rf'(?P<datasets>{NAME}(?:, {NAME})*(?: and {NAME})?)'
    rf'(?: in (?P<diverged>\d+) of (?P<confirmed>\d+) runs against (?P<base_diverged>\d+) of (?P<base_confirmed>\d+)'
    rf'| (?P<preposition>by|within|at) (?P<amount>{NUMBER}) (?P<unit>{UNIT})'
    rf'(?: \[(?P<low>{NUMBER}), (?P<high>{NUMBER})\])?)?'
    r'(?P<negligible>, which is negligible)?(?P<censored> \(censored\))?\.'
)


@dataclasses.dataclass(frozen=True)
class Sentence:
    """What a sentence says, as it says it: numbers are as printed. `str` of it is the sentence.

    verdict     a key of VERBS
    params      the number of parameters as text, or '' where it is not known
    steps       the number of training steps, as text
    amount, unit, interval      of the difference; of `equivalent` the margin, with the interval of the difference
    counts      runs that diverged and all runs of the arm, and of its reference
    """

    verdict: str
    arm: str
    base: str
    datasets: tuple[str, ...]
    params: str
    steps: str
    amount: str = ''
    unit: str = ''
    interval: tuple[str, str] | None = None
    counts: tuple[int, int, int, int] | None = None
    negligible: bool = False
    censored: bool = False

    def __str__(self) -> str:
        size = f'{self.params} parameters' if self.params else 'an unknown size'
        *names, last = map(_written, self.datasets)
        where = f'{", ".join(names)} and {last}' if names else last
        amount = ''
        if self.counts:
            amount = ' in {} of {} runs against {} of {}'.format(*self.counts)
        elif self.amount:
            interval = '' if self.interval is None else f' [{", ".join(self.interval)}]'
            amount = f' {PREPOSITIONS[self.verdict]} {self.amount} {_written(self.unit, WORDS)}{interval}'
        doubts = ', which is negligible' * self.negligible + ' (censored)' * self.censored
        verb = f'{_written(self.arm)} {VERBS[self.verdict]} {_written(self.base)}'
        return f'At {size} and {self.steps} steps, {verb} on {where}{amount}{doubts}.'


def _written(name: str, form: str = WORD) -> str:
    """A name as it stands in a sentence: `and` and other words of the grammar are quoted."""
    plain = re.fullmatch(form, name) and not name.endswith('.') and not {*name.split()} & {'and', 'by', 'within', 'at', 'in'}
    return name if plain else json.dumps(name)


def _read(written: str) -> str:
    return json.loads(written) if written.startswith('"') else written


def parse(text: str) -> Sentence:
    """What a sentence says; raises ValueError where it is none of this language.

    >>> said = parse('At 0.2M parameters and 2,400 steps, a is worse than b on cifar10 by 2.1 points [1.2, 3.0].')
    >>> said.arm, said.verdict, said.datasets, said.amount, said.interval
    ('a', 'worse', ('cifar10',), '2.1', ('1.2', '3.0'))
    """
    known = SENTENCE.fullmatch(text)
    verdict = known and next(verdict for verdict, verb in VERBS.items() if verb == known['verb'])
    used = known and ('in' if known['diverged'] else known['preposition'])
    if not known or used not in (None, PREPOSITIONS[verdict]):
        raise ValueError(
            f"'{text[:100]}' is no sentence of a claim; write e.g. 'At 0.2M parameters and 2,400 steps, dynamic_tanh is worse "
            "than layer_norm on cifar10 by 2.1 points [1.2, 3.0].'"
        )
    counts = [known[name] for name in ('diverged', 'confirmed', 'base_diverged', 'base_confirmed')]
    return Sentence(
        verdict=verdict,
        arm=_read(known['arm']),
        base=_read(known['base']),
        datasets=tuple(map(_read, re.findall(rf'(?:^|, | and )({NAME})', known['datasets']))),
        params=known['params'] or '',
        steps=known['steps'],
        amount=known['amount'] or '',
        unit=_read(known['unit'] or ''),
        interval=None if known['low'] is None else (known['low'], known['high']),
        counts=None if counts[0] is None else tuple(map(int, counts)),
        negligible=known['negligible'] is not None,
        censored=known['censored'] is not None,
    )


def sentence_of(claim: Claim) -> Sentence:
    """The sentence that says a claim."""
    verdict, sign = claim.verdict, -1 if claim.verdict == 'worse' else 1
    about = {}
    if verdict == 'unstable':
        about['counts'] = (claim.diverged, claim.confirmed, claim.base_diverged, claim.base_confirmed)
        more = claim.diverged * claim.base_confirmed > claim.base_diverged * claim.confirmed
        verdict = 'diverges more' if more else 'diverges less'
    else:
        shown = claim.margin if verdict == 'equivalent' else claim.effect
        if shown is not None:
            about = {'amount': number_of(claim, sign * shown), 'unit': unit_of(claim)}
        if about and claim.interval is not None and None not in claim.interval:
            about['interval'] = tuple(number_of(claim, end) for end in sorted(sign * end for end in claim.interval))
    return Sentence(
        verdict=verdict,
        arm=claim.arm,
        base=claim.base,
        datasets=claim.datasets,
        params=params_of(claim),
        steps=_from_to([f'{one.steps:,}' for one in sorted(claim.settings, key=lambda one: one.steps)]),
        negligible=claim.negligible,
        censored=bool(claim.censored),
        **about,
    )


def unit_of(claim: Claim) -> str:
    """The unit in which an effect is printed."""
    return 'points' if claim.scope == 'dataset' and is_share(claim.metric) else claim.unit


def number_of(claim: Claim, value: float) -> str:
    """An effect of a claim as it is printed, with an ASCII minus: shares in points, all else in the metric's unit."""
    metric = claim.metric if claim.scope == 'dataset' else 'margins'
    return number(value, metric).replace(MINUS, '-')


def params_of(claim: Claim) -> str:
    """How many parameters the arm has, the least and the most over several tasks; '' where it is not known."""
    known = [one.params for one in claim.settings]
    return '' if None in known else _from_to([count(number) for number in sorted(known)])


def _from_to(texts: list[str]) -> str:
    return texts[0] if texts[0] == texts[-1] else f'{texts[0]} to {texts[-1]}'


def count(number: int) -> str:
    """A count to three digits, with few of them: 640, 12.1k, 0.2M, 3B.

    >>> count(640), count(12143), count(200_000), count(3_000_000_000)
    ('640', '12.1k', '0.2M', '3B')
    """
    for least, size, letter in ((1e11, 1e12, 'T'), (1e8, 1e9, 'B'), (1e5, 1e6, 'M'), (1e3, 1e3, 'k')):
        if number >= least:
            digits = f'{number / size:.3g}' if number < 1000 * size else f'{number / size:.0f}'
            return f'{digits}{letter}'
    return f'{number:.0f}'
