"""Claim: one conclusion of a study about one arm, on one dataset or over all of them, as data that stands alone."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping

from ablations.digest import digest
from results.claims.setting import Setting
from results.finding import VERDICTS
from results.rounding import plain

SAYING = ('better', 'worse', 'equivalent', 'unstable')
"""The verdicts that say something; the others tell why nothing can be said."""
SCOPES = ('dataset', 'overall')
UNADDRESSED = ('reason', 'sources')
"""Fields that are not part of a claim's address: words, and where it was read."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """An arm beside its reference, `base`. What is not known is None.

    study, question, study_digest      the study that concludes it, its question and its address
    arm, base                the names that the study gives both
    changes, base_changes    what the study changes in its base to make them: `put` and `swap` as plain data
    scope                    'dataset' for one task, or 'overall' for the verdict over all datasets of the study
    settings                 the task, or all tasks, with the models and their sizes (results/claims/setting.py)
    metric, unit, direction  of the effect; an overall effect is in margins of its tasks
    margin                   the largest negligible effect
    trials                   tuning trials for each optimizer, arm, task and replicate
    optimizers               the optimizers that the arm and its reference were tuned with
    replicates, seeds        independent tunings, and confirmation runs in each
    budget                   'trials' or 'compute': what all arms have the same of
    verdict, reason          of the study, in its words, which are not part of the address
    negligible               whether a difference lies within the margin
    censored                 whose optimum lies at an edge of the searched ranges, as far as it bears on the verdict: names
    effect, interval         arm minus base in the good direction, and its 95 % interval
    p_adjusted               of what the verdict says, over all comparisons of the study
    diverged, confirmed, base_diverged, base_confirmed      confirmation runs that diverged, of how many
    blocks                   the hash of the study's own block file, or ''
    sources                  where it was read: {kind, place, failing} each; not part of the address
    """

    study: str
    question: str
    study_digest: str
    arm: str
    base: str
    changes: tuple
    base_changes: tuple
    scope: str
    settings: tuple
    metric: str
    unit: str
    direction: str
    margin: float
    trials: int
    optimizers: tuple
    replicates: int
    seeds: int
    budget: str
    verdict: str
    reason: str = ''
    negligible: bool = False
    effect: float | None = None
    interval: tuple | None = None
    p_adjusted: float | None = None
    diverged: int = 0
    confirmed: int = 0
    base_diverged: int = 0
    base_confirmed: int = 0
    censored: tuple = ()
    blocks: str = ''
    sources: tuple = ()

    @functools.cached_property
    def digest(self) -> str:
        """The address of what is claimed: the same conclusion of the same study has the same one, wherever it was read."""
        return digest({name: value for name, value in self.to_dict().items() if name not in UNADDRESSED})

    @property
    def says(self) -> bool:
        """Whether the verdict says something."""
        return self.verdict in SAYING

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of its tasks."""
        return tuple(one.task for one in self.settings)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of its datasets, each once."""
        return tuple(dict.fromkeys(one.dataset for one in self.settings))

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits; `claim_of` turns it back."""
        return plain(self)


def claim_of(fields: Mapping) -> Claim:
    """The claim that plain data describe; raises ValueError where a field is missing, unknown or of another kind."""
    known = {field.name: field for field in dataclasses.fields(Claim)}
    if not isinstance(fields, Mapping):
        raise ValueError(f'a claim is an object with the fields {list(known)}, given {type(fields).__name__}')
    lacking = [name for name, field in known.items() if field.default is dataclasses.MISSING and name not in fields]
    strange = [name for name in fields if name not in known]
    if lacking or strange:
        raise ValueError(f'a claim lacks {lacking} and has unknown {strange}; allowed: {list(known)}; give what archlab wrote')
    return Claim(**{name: _checked(name, value, KINDS[name]) for name, value in fields.items()})


def _checked(name: str, value: object, kind: tuple[str, Callable, Callable]) -> object:
    said, right, made = kind
    if not right(value):
        raise ValueError(f'the field {name} of a claim is {str(value)[:60]!r}; allowed: {said}; give what archlab wrote')
    return made(value)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _pair(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(end is None or _number(end) for end in value)


def _names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)


def _objects(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(one, Mapping) for one in value)


def _settings(value: object) -> bool:
    return _objects(value) and len(value) > 0 and all(_setting(one) for one in value)


def _setting(one: Mapping) -> bool:
    if set(one) != set(SETTING):
        return False
    return all(right(one[name]) for name, right in SETTING.items())


SETTING = {
    **dict.fromkeys(('task', 'dataset', 'domain'), lambda value: isinstance(value, str)),
    'kinds': lambda value: isinstance(value, Mapping) and all(isinstance(kind, str) for kind in value.values()),
    'differences': lambda value: _objects(value) and all(set(one) == {'path', 'from', 'to'} for one in value),
    **dict.fromkeys(('params', 'base_params'), lambda value: value is None or _number(value)),
    **dict.fromkeys(('steps', 'base_steps', 'batch'), _count),
}
"""What each field of a setting must be."""
TEXT = ('a text', lambda value: isinstance(value, str), str)
COUNT = ('a count', _count, int)
OBJECTS = ('a list of objects', _objects, tuple)
NUMBER = ('a number or null', lambda value: value is None or _number(value), lambda value: value)
KINDS = {
    **dict.fromkeys(('study', 'question', 'study_digest', 'arm', 'base'), TEXT),
    **dict.fromkeys(('metric', 'unit', 'budget', 'reason', 'blocks'), TEXT),
    **dict.fromkeys(('trials', 'replicates', 'seeds', 'diverged', 'confirmed', 'base_diverged', 'base_confirmed'), COUNT),
    **dict.fromkeys(('changes', 'base_changes', 'sources'), OBJECTS),
    **dict.fromkeys(('effect', 'p_adjusted'), NUMBER),
    'margin': ('a number above 0', lambda value: _number(value) and value > 0, float),
    'scope': (f'one of {list(SCOPES)}', lambda value: value in SCOPES, str),
    'direction': ("'higher' or 'lower'", lambda value: value in ('higher', 'lower'), str),
    'verdict': (f'one of {list(VERDICTS)}', lambda value: value in VERDICTS, str),
    'negligible': ('true or false', lambda value: isinstance(value, bool), bool),
    **dict.fromkeys(('optimizers', 'censored'), ('a list of names', _names, tuple)),
    'interval': ('two numbers or null', lambda v: v is None or _pair(v), lambda v: None if v is None else tuple(v)),
    'settings': (
        'a list of settings',
        _settings,
        lambda value: tuple(
            Setting(**{**one, 'kinds': dict(one['kinds']), 'differences': tuple(one['differences'])}) for one in value
        ),
    ),
}
"""What each field of a claim must be, whether a value is that, and how it is made."""
