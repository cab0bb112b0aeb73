"""A task of a user's own on photographs: its file, a study of it, and what preparing it leaves."""

import json
from pathlib import Path

from ablations.task_files import declared_in

STUDY = (
    '"""Is a mixer needed?"""\n'
    'from ablations.study import Study, swap\n'
    "study = Study(name='own', question=__doc__, arms={{'base': (), 'none': swap('mixer', 'identity')}}, tasks=({tasks},))\n"
)


TASK = "from ablations.study import task\nretina = task(source='photos', read='image_folder'{more})\n"


ABOUT = {
    'kind': 'images',
    'sizes': {'pool': 90, 'test': 10},
    'balance': {'pool': [60, 30], 'test': [5, 5]},
    'classes': ['sick', 'well'],
    'shape': [32, 32, 3],
}


def prepare(folder: Path, file: str = 'my_task.py', name: str = 'retina', **more: object) -> None:
    """What preparing leaves of facts, without its arrays."""
    about = {**ABOUT, 'declared': declared_in(folder / file)[name].hash, **more}
    place = folder / 'data' / 'prepared' / name
    place.mkdir(parents=True, exist_ok=True)
    (place / 'about.json').write_text(json.dumps(about))


def written(folder: Path, tasks: str = "'my_task.py:retina'", task_file: str | None = TASK.format(more='')) -> str:
    (folder / 'study.py').write_text(STUDY.format(tasks=tasks))
    if task_file is not None:
        (folder / 'my_task.py').write_text(task_file)
    return 'study.py'
