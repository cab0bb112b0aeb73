"""Lab profile: the groups of a compiled program's instructions, and how long each ran."""

import gzip
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import jax

INSTRUCTION = re.compile(r'^\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = .*?[\])}] (?P<kind>[\w\-]+)\(')
COMPUTATION = re.compile(r'^(?:ENTRY )?%?(?P<name>[\w.\-]+) \(.*\{$')
AROUND = ('while', 'call', 'conditional')
"""Instructions that only run others, which are timed themselves."""


def group_of(path: str, product: bool) -> str:
    """The group of an instruction, by the path of modules that it was traced in.

    >>> group_of('jvp(Body)/block_0/residual/mixer/depthwise/while/body/add', False)
    'depthwise'
    >>> group_of('jvp(Body)/block_0/residual/mixer/bnkd,bmkd->bknm/dot_general', True)
    'attention'
    """
    if '/depthwise' in path:
        return 'depthwise'
    if 'bknm' in path:
        return 'attention'
    if product:
        return 'products'
    if '/activation' in path:
        return 'activation'
    if re.search(r'/norm\w*/', path):
        return 'norms'
    return 'attention' if '/mixer/' in path else 'rest'


def groups(text: str) -> dict[str, str]:
    """The group of each instruction of a compiled program, from its text."""
    facts, products, computation = {}, set(), ''
    for line in text.splitlines():
        if begun := COMPUTATION.match(line):
            computation = begun['name']
        elif told := INSTRUCTION.match(line):
            path, calls = (re.search(pattern, line) for pattern in (r'op_name="([^"]*)"', r'calls=%?([\w.\-]+)'))
            facts[told['name']] = told['kind'], path[1] if path else '', calls[1] if calls else ''
            if told['kind'] == 'dot':
                products.add(computation)
    return {
        name: group_of(path, kind == 'dot' or calls in products)
        for name, (kind, path, calls) in facts.items()
        if kind not in AROUND
    }


def timed(text: str, run: Callable[[], object]) -> Iterator[tuple[str, str, float]]:
    """(group, instruction, microseconds) of every instruction of a program that ran meanwhile."""
    known = groups(text)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            run()
        (file,) = Path(folder).rglob('*.trace.json.gz')
        events = json.loads(gzip.decompress(file.read_bytes()))['traceEvents']
    for event in events:
        if event.get('ph') == 'X' and event['name'] in known:
            yield known[event['name']], event['name'], event.get('dur', 0.0)
