"""Names: they say what a thing is, and a word of a file's name means one thing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ('arch', 'ablations', 'sweeps', 'results', 'benchmarks', 'archlab')
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob('*.py'))
VAGUE = ('found', 'opened', 'kept', 'keep', 'compared', 'every', 'outlook', 'appraise', 'ride', 'crown', 'as_dear')
"""Names that say how something was come by, or what is done with it, but not what it is."""
WORDS = re.compile(rf'\b_*({"|".join(VAGUE)})_*\b', re.IGNORECASE)
"""Any of them in a text. A file without one is not parsed."""
SHARED = {
    'bodies': 'the bodies of models, and how fast they train',
    'config': 'the config of a model: how it is changed, and how it is completed',
    'decoders': 'decoders of tokens: sizes that follow from the data, and those that were published',
    'flagship': 'a contested claim: what it asks, and what a GPU trains of it',
    'flat': 'for programs, CSV and JSON: findings, and claims',
    'lanes': 'how fast lanes are: on a processor, and on an accelerator',
    'machine': 'the machine: what may be used of it, and what a measurement says of it',
    'markdown': 'for a README: findings, and claims',
    'models': 'models: the commands about them, and how fast published ones train',
    'norms': 'norms, and the study of them',
    'page': 'a page: of a study, and of all claims',
    'peers': 'what else could be done, measured: on a processor, and on an accelerator',
    'schedules': 'learning-rate schedules: their names, and what they do at each step',
    'sentences': 'in full sentences: findings, and claims',
    'targets': 'what is asked of an example: in a set as it is prepared, and in a task',
    'terminal': 'for a screen: findings, and claims',
}
"""Words that are the name of two files, each the same noun in two wings."""


def identifiers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that the code gives or uses, with its line; of an import each part of its path."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                names = [name]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.keyword(arg=name) | ast.ExceptHandler(name=name):
                names = [name or '']
            case ast.Import(names=aliases):
                names = [part for alias in aliases for part in [*alias.name.split('.'), alias.asname or '']]
            case ast.ImportFrom(module=module, names=aliases):
                names = [*(module or '').split('.'), *(name for alias in aliases for name in (alias.name, alias.asname or ''))]
            case _:
                continue
        yield from ((node.lineno, name) for name in names)


def vague(tree: ast.Module) -> set[tuple[int, str]]:
    """Names of VAGUE in any spelling of capitals and leading underscores: (line, name)."""
    return {(line, name) for line, name in identifiers(tree) if name.strip('_').lower() in VAGUE}


def test_nothing_is_called_by_how_it_was_come_by():
    files = [*FILES, *sorted((ROOT / 'tests').rglob('*.py'))]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding='utf-8') for path in files}
    told = {place: vague(ast.parse(text)) for place, text in texts.items() if WORDS.search(text)}
    assert {place: names for place, names in told.items() if names} == {}
    assert [path for path in files if path.stem.strip('_').lower() in VAGUE] == []


def test_a_word_names_two_files_only_where_it_means_the_same():
    wings: dict[str, list[str]] = {}
    for path in FILES:
        if not path.stem.startswith('__'):
            wings.setdefault(path.stem, []).append(str(path.parent.relative_to(ROOT)))
    assert {word: places for word, places in wings.items() if len(places) > 2} == {}
    assert sorted(word for word, places in wings.items() if len(places) == 2) == sorted(SHARED)


def test_names_in_all_places_are_seen():
    assert all(WORDS.search(f'def {name}(): pass') for name in (*VAGUE, '_Kept', '__found__', 'KEEP_'))
    assert not WORDS.search('kept_1')
    tree = ast.parse(
        'def two(b: int):\n'
        '    def inner(found): pass\n'
        '    return lambda opened: opened\n'
        'import keep.one as _as_dear\n'
        'from box import kept\n'
        'one.compared = two(KEPT=f"{every}", kept_apart=1)\n'
    )
    assert vague(tree) == {
        *((2, 'found'), (3, 'opened'), (4, 'keep'), (4, '_as_dear'), (5, 'kept')),
        *((6, 'compared'), (6, 'KEPT'), (6, 'every')),
    }
