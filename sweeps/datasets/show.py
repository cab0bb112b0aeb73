"""Show: a prepared set in words, without reading its test examples."""

import numpy as np

from sweeps.datasets.prepared import DENSE, Part, Prepared

CHARACTERS = 400
"""How many characters of each document an excerpt shows."""

IN_A_ROW = 7
"""How many letters of sequences stand on a line."""


def show(prepared: Prepared, check: bool = False) -> dict:
    """The facts of a set, with an excerpt of the pool of a text. `check` reads all files and compares their checksums."""
    about = dict(prepared.about)
    facts = {'where': str(prepared.folder), **about}
    if about['kind'] not in (*DENSE, 'sounds'):
        facts['excerpt'] = excerpt(prepared.pool(), about['kind'])
    if 'rate' in about:
        lengths = np.diff(prepared.pool().offsets) / about['rate']
        facts['seconds'] = {'shortest': float(lengths.min()), 'mean': float(lengths.mean()), 'longest': float(lengths.max())}
    if check:
        facts['damaged'] = prepared.damaged()
    return facts


def excerpt(part: Part, kind: str, count: int = 2) -> list[str]:
    """The beginnings of the first examples: text, or the numbers of tokens; more examples of molecules."""
    shown = [np.asarray(part.example(number)) for number in range(min(len(part), 8 if kind == 'molecules' else count))]
    if kind == 'tokens':
        return [' '.join(map(str, one[: CHARACTERS // 8].tolist())) for one in shown]
    return [one[:CHARACTERS].tobytes().decode('utf-8', 'ignore') for one in shown]


def lines(facts: dict) -> list[str]:
    """The facts of `show` as lines of text."""
    sizes, elements = facts['sizes'], facts['elements']
    text = [
        f'{facts["name"]}: {facts.get("about", facts["kind"])}',
        f'where       {facts["where"]}',
        f'kind        {facts["kind"]}' + (f', {facts["unit"]}' if facts.get('unit') else ''),
        f'pool        {sizes["pool"]:,} examples, {elements["pool"]:,} values',
        f'test        {sizes["test"]:,} examples, {elements["test"]:,} values (sealed)',
    ]
    if facts.get('test_split'):
        text.append(f'test split  {facts["test_split"]}')
    if facts.get('shape'):
        text.append(f'shape       {" x ".join(map(str, facts["shape"]))}')
    if facts.get('letters'):
        text += _letters(facts['letters'])
    if facts.get('seconds'):
        text.append('seconds     ' + ', '.join(f'{name} {value:.2f}' for name, value in facts['seconds'].items()))
    if facts.get('classes'):
        text += _balance(facts)
    if facts.get('targets'):
        text += _targets(facts)
    if (facts.get('near_duplicates') or {}).get('looked_for'):
        near = facts['near_duplicates']
        unit = 'tokens' if facts['kind'] == 'tokens' else 'bytes'
        text.append(
            f'overlap     {near["share"]:.2%} of {near["looked_for"]:,} runs of {near["length"]} {unit} of the test split '
            'stand in the pool too'
        )
    if facts['partial']:
        text.append(f'partial     {"; ".join(facts["partial"])}')
    text += [f'giveaway    {one}' for one in facts.get('giveaways', ())]
    text += [f'note        {note}' for note in facts['notes']]
    text += [f'licence     {facts["licence"]}', *([f'cite        {facts["citation"]}'] if facts.get('citation') else [])]
    text += [f'source      {_source(one)}' for one in facts['sources']]
    text.append(f'digest      {facts["digest"]}')
    if 'damaged' in facts:
        text.append(f'files       {"damaged: " + ", ".join(facts["damaged"]) if facts["damaged"] else "as they were written"}')
    return text


def _letters(counts: dict[str, int]) -> list[str]:
    """The letters of sequences with their shares, the commonest first, a few on a line."""
    total = max(sum(counts.values()), 1)
    told = [f'{letter} {count / total:.1%}' for letter, count in counts.items()]
    rows = [', '.join(told[start : start + IN_A_ROW]) for start in range(0, len(told), IN_A_ROW)]
    return [f'{"letters" if not number else "":<12}{row}' for number, row in enumerate(rows)]


def _balance(facts: dict) -> list[str]:
    classes, counts = facts['classes'], facts['balance']['pool'] or []
    # Sets of older versions leave out the last classes where a split has none of them.
    counts = [*counts, *[0] * (len(classes) - len(counts))] if counts else []
    what = 'places' if facts.get('target') == 'map' else 'examples'
    text = [f'classes     {len(classes)}; {what} of each in the pool: {min(counts)} to {max(counts)}' if counts else '']
    if len(classes) <= 20 and len(counts) == len(classes):
        text += [f'            {count:>8,}  {name}' for name, count in zip(classes, counts, strict=True)]
    return text


def _targets(facts: dict) -> list[str]:
    """What each target is, and how many examples of the pool have it."""
    names, known, size = facts['targets'], facts['known']['pool'], facts['sizes']['pool']
    missing = sum(size - count for count in known)
    text = [f'targets     {len(names)} {facts["target"]}; {missing:,} of {size * len(names):,} are missing in the pool']
    for number, (name, count) in enumerate(zip(names, known, strict=True)):
        if len(names) > 20:
            break
        told = (
            f'{facts["positive"]["pool"][number]:,} positive'
            if facts['target'] == 'labels'
            else f'mean {facts["target_mean"][number]:.4g}, deviation {facts["target_std"][number]:.4g}'
        )
        text.append(f'            {count:>8,}  {name} ({told})')
    return text


def _source(one: dict) -> str:
    if 'files' in one:
        return f'{one["files"]:,} files, {one["bytes"]:,} bytes'
    return f'{one["file"]}, {one["bytes"]:,} bytes, sha256 {one["sha256"][:16]}, {one["official"]}'
