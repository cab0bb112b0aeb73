"""Task files: tasks of a user's own, by file and name, made whole by what is known of their prepared sets.

A file is run when a study names a task of it, and when its data are prepared. Workers do not run it: its arrays lie in the
prepared set, beside the hash of their declaration (`OwnTask.declared`); that hash is part of every trial.
"""

import ast
import contextvars
import dataclasses
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from ablations.config import NAME, closest
from ablations.prepared_facts import facts_of
from ablations.tasks import SETS, TASKS, OwnTask, Task
from ablations.tasks.derived import derive
from ablations.user_file import FOLDER, RUNNING, STOPS, blank, compiled, content_hash, in_words, run

DEFINITION_OF: contextvars.ContextVar[Callable[[str], Mapping | None]] = contextvars.ContextVar(
    'DEFINITION_OF', default=lambda study: None
)
"""The definition of a study that ran, by its name: it knows the study's tasks where their data are elsewhere."""
STUDY = 'study'
"""The variable of a file that is its study, not a part of its tasks."""


class Unprepared(ValueError):
    """The data of a task of a user's own are not prepared yet, or were prepared from another declaration."""


class Underivable(ValueError):
    """What is known of a prepared set does not give the task that is declared over it."""


@dataclasses.dataclass(frozen=True)
class Declared:
    """A task as a file declares it: the file, the name in it, the declaration, and the hash of what its data are made of."""

    path: Path
    name: str
    own: OwnTask
    hash: str

    @property
    def dataset(self) -> str:
        """The name of its prepared set."""
        return self.own.dataset or self.name

    @property
    def source(self) -> Path:
        """The file or folder that its data are read from; the file itself where it makes them or names prepared sets."""
        return self.path if not isinstance(self.own.source, str) else self.path.parent / Path(self.own.source).expanduser()

    @property
    def address(self) -> str:
        """FILE.py:NAME as a command of this folder takes it."""
        return f'{_shown(self.path)}:{self.name}'

    def task(self, study: str = '') -> Task:
        """The task made whole. Raises Unprepared with the command to give, and ValueError for an impossible declaration.

        Without the data the definition of a study that ran (`DEFINITION_OF`) tells the task.
        """
        facts = facts_of(self.dataset)
        fits = facts is not None and (not self.hash or facts.get('declared') == self.hash)
        if not fits and (ran := self._as_it_ran(study)) is not None:
            return ran
        command = f'archlab data prepare {shlex.quote(self.address)}'
        if facts is None:
            if self.own.source is None:
                raise Unprepared(
                    f"task '{self.address}' reads the set '{self.dataset}', which is not prepared; prepare it: archlab data "
                    f'prepare --source PATH --as READER --name {self.dataset} (where data lie: --data or $ARCHLAB_DATA)'
                )
            raise Unprepared(
                f"task '{self.address}': its data are not prepared; prepare them: {command} (where they are put: --data or "
                '$ARCHLAB_DATA)'
            )
        if not fits:
            made = 'from another declaration' if facts.get('declared') else 'by another command'
            raise Unprepared(
                f"task '{self.address}': a set '{self.dataset}' is prepared, but {made} than this one; prepare it again: "
                f"{command} --force, or give the task's set another name: dataset="
            )
        try:
            return derive(self.own, self.name, facts, self.hash)
        except ValueError as error:
            raise Underivable(f"task '{self.address}': {error}") from None
        except (KeyError, TypeError, IndexError, AttributeError, ZeroDivisionError) as error:
            raise Underivable(
                f"task '{self.address}': what is known of the set '{self.dataset}' is damaged ({type(error).__name__}: "
                f'{error}); prepare it again: {command} --force'
            ) from None

    def _as_it_ran(self, study: str) -> Task | None:
        definition = DEFINITION_OF.get()(study) if study else None
        tasks = definition.get('tasks') if isinstance(definition, Mapping) else None
        for fields in tasks if isinstance(tasks, list) else ():
            if isinstance(fields, Mapping) and fields.get('name') == self.name and fields.get('declared', '') == self.hash:
                try:
                    return Task(**fields)
                except TypeError:
                    return None
        return None


def is_address(item: object) -> bool:
    """Whether an item of a study's tasks names a task of a file."""
    return isinstance(item, str) and ('.py:' in item or item.endswith('.py'))


def own_task(item: OwnTask | str, study: str = '') -> Task:
    """The task that a study names by its address, or by the variable of its own file, made whole.

    `study` is the study's name; its runs may tell the task. Raises ValueError if the file is absent, breaks or has no such
    task, and Unprepared before its data are prepared.
    """
    running = RUNNING.get()
    if isinstance(item, OwnTask):
        if running is None:
            raise ValueError("a task of your own is declared in a file; name it 'FILE.py:NAME' in the tasks of a study")
        path = Path(os.path.realpath(running.__spec__.origin))
        named = [name for name, value in vars(running).items() if value is item]
        if not named:
            raise ValueError(f'{_shown(path)}: a task of your own stands at the top of the file, as NAME = task(...)')
        return declared_in(path)[named[0] if item.name is None else item.name].task(study)
    file, _, name = item.rpartition(':') if '.py:' in item else (item, '', '')
    path = Path(os.path.realpath(Path(FOLDER.get(), Path(file).expanduser())))
    tasks = declared_in(path)
    if name not in tasks:
        told = f'has no task {name!r}' if name else 'is a file of tasks; name one of them'
        raise ValueError(f"task '{item}': {_shown(path)} {told}: 'FILE.py:NAME'; allowed: {list(tasks)}.{closest(name, tasks)}")
    return tasks[name].task(study)


def declared_in(path: Path) -> dict[str, Declared]:
    """The tasks that a file declares at its top level, by name; those so far where the file is running.

    Raises ValueError where it is absent, breaks, or declares none, or a task has the name of one of the lab.
    """
    declared, _ = tasks_in(path)
    if not declared:
        raise ValueError(
            f'{_shown(Path(os.path.realpath(path)))} declares no task; write one at its top level: from ablations.study import '
            "task, then NAME = task(source='FOLDER', read='image_folder')"
        )
    return declared


def tasks_in(path: Path, what: str = 'task file') -> tuple[dict[str, Declared], set[str]]:
    """The tasks that a file declares, if any, and all names that it defines; raises ValueError as `declared_in` does.

    `what` is what an error calls the file.
    """
    path = Path(os.path.realpath(path))
    running = RUNNING.get()
    content = path.read_bytes() if path.is_file() else b''
    if running is not None and os.path.realpath(running.__spec__.origin) == str(path):
        module = running
    else:
        module = _module(path, content, what)
    declared, own = {}, {name: value for name, value in vars(module).items() if isinstance(value, OwnTask)}
    for variable, one in own.items():
        name = one.name or variable
        _check_name(path, name, one)
        declared[name] = Declared(path, name, one, one.declared(code_of(content, list(own))) if one.source is not None else '')
    return declared, set(vars(module))


def _module(path: Path, content: bytes, what: str) -> ModuleType:
    """What a file makes; if its study cannot be made before its data are prepared, or prepared again, the names until then."""
    try:
        code = compiled(path, content_hash(content) if content else '')
    except ValueError as error:
        raise ValueError(f"{what} '{_shown(path)}' {error}") from None
    module = blank(code, 'archlab_tasks')
    try:
        run(code, 'archlab_tasks', module)
    except (Unprepared, Underivable):
        pass
    except ValueError as error:
        raise ValueError(f"{what} '{_shown(path)}': {error}") from None
    except STOPS as error:
        raise ValueError(f"{what} '{_shown(path)}' does not load: {in_words(error)}; mend the file") from error
    return module


def _check_name(path: Path, name: str, own: OwnTask) -> None:
    if name in TASKS:
        raise ValueError(f"{_shown(path)}: task '{name}' has the name of a task of the lab; rename it")
    if own.source is not None and (own.dataset or name) in SETS:
        raise ValueError(
            f"{_shown(path)}: task '{name}': '{own.dataset or name}' is a set of the lab; give yours another: dataset="
        )
    if not NAME.fullmatch(name):
        raise ValueError(f"{_shown(path)}: task name '{name}'; allowed: small letters, digits and _, a letter first; rename it")


def _shown(path: Path) -> str:
    """A path as it is written in this folder."""
    try:
        return str(path.relative_to(os.path.realpath('.')))
    except ValueError:
        return str(path)


def code_of(content: bytes, tasks: list[str]) -> str:
    """The statements of a file that a function of it may depend on: all but its docstring, its tasks, its study and its imports
    of the lab. So a growing study or another task does not change the data of a task.

    >>> code_of(b'"About."\\nn = 3\\nmine = task(source=make)\\nstudy = Study(tasks=(mine,))\\n', ['mine'])
    'n = 3'
    """
    text = content.decode('utf-8', 'replace')
    lines, code = text.splitlines(), []
    for node in ast.parse(text).body:
        if _is_aside(node, tasks):
            continue
        first = min([node.lineno, *(one.lineno for one in getattr(node, 'decorator_list', ()))])
        code += lines[first - 1 : node.end_lineno]
    return '\n'.join(code)


def _is_aside(node: ast.stmt, tasks: list[str]) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or '').partition('.')[0] == 'ablations'
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return bool(names) and all(name in (*tasks, STUDY) for name in names)
