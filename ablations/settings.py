"""Settings: a study with some of its fields changed, by `path=value`."""

import ast
import dataclasses

from ablations.config import changed, closest, put
from ablations.space_rules import Tunable
from ablations.spaces import choice, fraction, integer, linear, log
from ablations.study import COUNTS, Study, default_looks
from ablations.task_files import is_address
from ablations.tasks import Task, task

RANGES = {'log': log, 'linear': linear, 'fraction': fraction, 'integer': integer, 'choice': choice}
"""What may be called in the value of a setting, as in a study file."""


def _parsed(text: str) -> object:
    """The value of a setting: a literal, a range such as `log(1e-3, 1e-2)`, a dict of these, or else the text itself.

    >>> _parsed('8'), _parsed('log(1e-3, 1e-2)').high, _parsed('many')
    (8, 0.01, 'many')
    """
    try:
        return _value(ast.parse(text, mode='eval').body)
    except (SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    except _NoLiteral:
        return text


class _NoLiteral(Exception):
    """Raised where a value is neither a literal nor a range."""


def _value(node: ast.expr) -> object:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RANGES:
        named = {one.arg: _value(one.value) for one in node.keywords if one.arg}
        try:
            return RANGES[node.func.id](*map(_value, node.args), **named)
        except TypeError as error:
            raise ValueError(f'--set: {ast.unparse(node)}: {error}; write e.g. log(1e-3, 1e-2) or choice(0.9, 0.99)') from None
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True)}
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _NoLiteral from None


class _Draft:
    """The fields of a study, task or range: settings change them, and then it is built and checked again."""

    def __init__(self, source: object):
        self.source, self.changes = source, {}

    def set(self, names: list[str], value: object, path: str) -> None:
        """Give the field at `names` another value; raises ValueError where there is none."""
        name, *rest = names
        known = [field.name for field in dataclasses.fields(self.source)]
        if name not in known:
            raise ValueError(f"--set {path}: no field '{name}'; allowed: {known}.{closest(name, known)}")
        if rest:
            old = self.changes.get(name, getattr(self.source, name))
            if isinstance(self.source, Study) and name == 'tasks' and isinstance(old, (tuple, list)):
                made = [item if isinstance(item, Task) else task(item) for item in old]
                old = {item.name: item for item in made}
            if isinstance(self.source, Task) and isinstance(old, dict):
                value = changed(old, (put('.'.join(rest), value),))
            else:
                value = _set(old, rest, value, path)
        self.changes[name] = value

    def build(self) -> object:
        """The study, task or range with its settings."""
        made = {name: _built(value) for name, value in self.changes.items()}
        if isinstance(self.source, Study):
            made |= self._looks(made)
            if isinstance(made.get('tasks'), dict):
                made['tasks'] = tuple(made['tasks'].values())
        return dataclasses.replace(self.source, **made)

    def _looks(self, made: dict) -> dict:
        """New looks if the number of replicates changes; looks that a study declares must be set with it."""
        study = self.source
        if 'replicates' not in made or 'looks' in made or made['replicates'] == study.replicates:
            return {}
        if study.looks in ((study.replicates,), default_looks(study.replicates)):
            return {'looks': () if len(study.looks) > 1 or study.replicates < 5 else (made['replicates'],)}
        count = made['replicates']
        fits = (*(look for look in study.looks[:-1] if look < count), count) if isinstance(count, int) else study.looks
        raise ValueError(
            f'--set replicates={count}: the study declares looks at {list(study.looks)} replicates, and the last look is at '
            f"all of them; set both: --set replicates={count} --set 'looks={fits}'"
        )


def _built(value: object) -> object:
    if isinstance(value, dict):
        return {name: _built(item) for name, item in value.items()}
    return value.build() if isinstance(value, _Draft) else value


def _set(target: object, names: list[str], value: object, path: str) -> object:
    """`target` with another value at `names`. A draft is changed, a dict is copied, and a task or a range becomes a draft."""
    name, *rest = names
    if isinstance(target, (Task, Tunable)):
        target = _Draft(target)
    if isinstance(target, _Draft):
        target.set(names, value, path)
        return target
    if isinstance(target, dict):
        if name not in target:
            raise ValueError(f"--set {path}: no '{name}'; allowed: {list(target)}.{closest(name, target)}")
        return {**target, name: _set(target[name], rest, value, path) if rest else value}
    raise ValueError(f"--set {path}: nothing lies below '{name}'; end the path earlier")


FIRST = 3
"""The least number of replicates before the first look of a study that goes on until it is decided."""


def until_decided(at_most: int) -> list[str]:
    """The settings of a study that looks after every replicate, until everything is decided or this number is reached.

    Raises ValueError unless there can be at least one look.

    >>> until_decided(5)
    ['replicates=5', 'looks=(3, 4, 5)', 'shares=()']
    """
    if not FIRST <= at_most <= COUNTS['replicates'][1]:
        raise ValueError(f'--at-most {at_most}; allowed: from {FIRST} to {COUNTS["replicates"][1]} replicates')
    looks = tuple(range(FIRST, at_most + 1))
    return [f'replicates={at_most}', f'looks={looks}', 'shares=()']


CODE = 'blocks'
"""The field of a study with the name of a file of code."""


TASKS = 'tasks'
"""The field that may name tasks of a file of code."""
IN_FILE = 'in the tasks of a study file'


def _names_file(value: object) -> bool:
    """Whether a value names, at any depth, a task of a file."""
    if isinstance(value, dict):
        return any(map(_names_file, value.values()))
    return any(map(_names_file, value)) if isinstance(value, (tuple, list, set)) else is_address(value)


def without_code(settings: list[str], where: object, option: str = '--set blocks=FILE') -> list[str]:
    """Settings that were read from a file, if none of them has a file of code run.

    Raises ValueError otherwise, naming the file (`where`) and the setting: code is run only where the caller gives it himself,
    by `option`. Code is a block file, and a file of tasks.

    >>> without_code(['trials=8'], 'bundle.json')
    ['trials=8']
    """
    for setting in settings:
        name, _, text = setting.partition('=') if isinstance(setting, str) else ('', '', '')
        name = name.strip().partition('.')[0]
        if name == CODE or (name == TASKS and _names_file(_parsed(text.strip()))):
            raise ValueError(
                f"{where} has the setting '{setting}', which runs that file; data may not run code: look at the file, and give "
                f'it yourself: {option if name == CODE else IN_FILE}'
            )
    return list(settings)


def override(study: Study, settings: list[str]) -> Study:
    """The study with `path=value` settings applied, e.g. `trials=8`, `tasks.digits.steps=80`, `tune.adamw.lr.high=0.1`.

    Settings are applied in order and checked together, so two settings that are valid only together may come in any order.

    >>> from ablations.studies import STUDIES
    >>> override(STUDIES['quickstart'], ['trials=2', 'tasks.digits.steps=80']).task('digits').steps
    80
    """
    draft = _Draft(study)
    for setting in settings:
        path, equals, text = setting.partition('=')
        if not equals or not path:
            raise ValueError(f'--set {setting}: write path=value, e.g. --set trials=8 or --set tasks.digits.steps=80')
        if path.strip() == 'name':
            raise ValueError(f'--set {setting}: the name of a study is that of its runs; change it in a study file of your own')
        draft.set(path.strip().split('.'), _parsed(text.strip()), path)
    return draft.build() if settings else study
