"""Golden texts: what the lab says, as files of tests/golden. Words are held as they are, decimals to a unit of the last digit.

`python tests/golden_texts.py` writes them anew, and `git diff` shows what has changed.
"""

import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / 'golden'
ANEW = 'ARCHLAB_WRITE_GOLDEN_TEXTS'
DECIMAL = re.compile(r'(?<![\w.])[+-]?\d+\.\d+(?:e[+-]?\d+)?(?![\w.]*\w)')
SHARE = 2e-3
"""A decimal may also be so much of itself away, where it has more digits than anyone reads."""


def close(one: str, other: str) -> bool:
    """Whether two decimals are the same but for rounding. A plus that only one of them has is another way to say it.

    >>> [close('0.250', other) for other in ('0.251', '0.253', '-0.250', '+0.250')]
    [True, False, False, False]
    """
    if one.startswith('+') != other.startswith('+') and float(one) > 0 < float(other):
        return False
    units = []
    for number in (one, other):
        digits, _, power = number.partition('e')
        units.append(10.0 ** (int(power or 0) - len(digits.partition('.')[2])))
    unit = max(units)
    return abs(float(one) - float(other)) <= max(1.01 * unit, SHARE * abs(float(one)))


def same(was: str, now: str) -> bool:
    """Whether two texts are the same but for rounding."""
    words = DECIMAL.sub('', was) == DECIMAL.sub('', now)
    return words and all(map(close, DECIMAL.findall(was), DECIMAL.findall(now)))


def differing(was: str, now: str) -> list[str]:
    """The lines of two texts that differ, as a comparison of files shows them.

    >>> differing('a 1.00\\nb 2.0\\n', 'a 1.01\\nc 2.0\\n')
    ['-b 2.0', '+c 2.0']
    """
    if same(was, now):
        return []
    before, after = was.splitlines(), now.splitlines()
    if len(before) == len(after):
        # Lines that are the same but for rounding are no news.
        after = [old if same(old, new) else new for old, new in zip(before, after, strict=True)]
    lines = difflib.unified_diff(before, after, lineterm='', n=0)
    changed = [line[:400] for line in lines if not line.startswith(('---', '+++', '@@'))]
    return changed or ['another number of line ends']


def hold(name: str, text: str) -> None:
    """Compare with the file of a name in tests/golden, or write it where that is asked for."""
    path, text = FOLDER / f'{name}.txt', text.rstrip('\n') + '\n'
    if os.environ.get(ANEW):
        path.write_text(text, encoding='utf-8')
    changed = differing(path.read_text(encoding='utf-8'), text)
    assert not changed, '\n'.join(
        [f'{path.name} would change:', *changed[:40], 'if you meant it: python tests/golden_texts.py']
    )


if __name__ == '__main__':
    TESTS = sorted(Path(__file__).parent.rglob('test_*.py'))
    FILES = [str(path) for path in TESTS if 'golden_texts' in path.read_text(encoding='utf-8')]
    CALL = [sys.executable, '-m', 'pytest', '-m', 'not slow', '-q', *FILES]
    sys.exit(subprocess.run(CALL, env={**os.environ, ANEW: '1'}, cwd=FOLDER.parents[1]).returncode)
