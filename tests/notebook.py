"""Executing a notebook: what its code cells print and give, in one process, without a notebook server.

`python tests/notebook.py` executes docs/notebook.ipynb and writes what it gave into the file.
"""

import ast
import contextlib
import io
import json
import os
from pathlib import Path

NOTEBOOK = Path(__file__).resolve().parent.parent / 'docs' / 'notebook.ipynb'


def load(path: Path = NOTEBOOK) -> dict:
    """The notebook as it is stored."""
    return json.loads(path.read_text(encoding='utf-8'))


def executed(notebook: dict, folder: Path) -> dict:
    """The same notebook with the outputs of a fresh execution in a folder; raises what a cell raises."""
    names: dict[str, object] = {'__name__': '__notebook__'}
    cells, count, before = [], 0, Path.cwd()
    os.chdir(folder)
    try:
        for cell in notebook['cells']:
            if cell['cell_type'] == 'code':
                count += 1
                cell = {**cell, 'execution_count': count, 'outputs': _outputs(''.join(cell['source']), names, count)}
            cells.append(cell)
    finally:
        os.chdir(before)
    return {**notebook, 'cells': cells}


def _outputs(source: str, names: dict, count: int) -> list[dict]:
    """What a cell prints, and the value of its last line where that is an expression."""
    tree, said = ast.parse(source), io.StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, f'cell {count}', 'exec'), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), f'cell {count}', 'eval'), names)
    outputs = []
    if said.getvalue():
        outputs.append({'output_type': 'stream', 'name': 'stdout', 'text': said.getvalue().splitlines(keepends=True)})
    if value is not None:
        text = {'text/plain': repr(value).splitlines(keepends=True)}
        outputs.append({'output_type': 'execute_result', 'execution_count': count, 'metadata': {}, 'data': text})
    return outputs


if __name__ == '__main__':
    made = executed(load(), NOTEBOOK.parent)
    NOTEBOOK.write_text(json.dumps(made, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
