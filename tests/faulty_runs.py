"""Faulty runs: work of the lab that is struck by a fault at random, done again, and compared with work that nobody disturbed.

python tests/faulty_runs.py SEED COUNT [WORK]    prints every fault that left something wrong; exit status 1 where one did
"""

import io
import json
import random
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from faulty_calls import WAYS, WRITERS, calls_of, strike
from made_up_launcher import MadeUp, Silent

from ablations.study import Study, task
from results import bundle
from results.store import atomic
from results.store.reading import Reading
from results.store.recorded import read_folder
from sweeps import manifest as manifests
from sweeps.datasets import prepared
from sweeps.merge import merge
from sweeps.protocol.simulate import World, simulate
from sweeps.run import Run

STUDY = Study(
    name='struck',
    question='Is anything lost?',
    arms={'base': (), 'second': ()},
    tasks=(task('digits', chance=-1.0),),
    trials=2,
    extension=0,
    replicates=2,
    seeds=1,
    looks=(1, 2),
)
WORLD = World(noise=0.01)
SCHEDULE, RECORDS = simulate(STUDY, WORLD, 0)


def left_over(*folders: Path) -> list[str]:
    """What is left half written, or moved away."""
    return [
        path.name
        for folder in folders
        for path in folder.rglob('*')
        if atomic.is_left_over(path.name) or path.name.endswith('.before')
    ]


class RunWork:
    """Run a study to its end."""

    def prepare(self, place: Path) -> None:
        pass

    def do(self, place: Path) -> None:
        Run(STUDY, place / 'struck', MadeUp(STUDY, WORLD), Silent())()

    def wrong(self, place: Path, struck: bool) -> Iterator[str]:
        records, skipped = read_folder(place / 'struck', 'struck')
        yield from skipped
        scores = {key: record['score'] for key, record in records.items()}
        if struck:
            if any(RECORDS[key]['score'] != score for key, score in scores.items()):
                yield 'a record differs'
            return
        lines = [line for path in (place / 'struck' / 'records').iterdir() for line in path.read_text().splitlines()]
        if len(lines) != len(RECORDS) or records.doubled:
            yield f'{len(lines)} lines for {len(RECORDS)} trials'
        if scores != {key: record['score'] for key, record in RECORDS.items()}:
            yield 'the records are not those of a run that nobody disturbed'
        if manifests.load(place / 'struck')['test_reads']['digits'] < sum(r['held'] == 'test' for r in RECORDS.values()):
            yield 'a read of test data was not counted'


class PublishWork:
    """Publish a study in place of an older bundle of it."""

    old = {'table.md': b'old', 'figures/one.pdf': b'old'}
    new = {'table.md': b'new', 'figures/one.pdf': b'new'}

    def prepare(self, place: Path) -> None:
        self.publish(place, self.old)

    def do(self, place: Path) -> None:
        self.publish(place, self.new)

    def publish(self, place: Path, rendered: dict[str, bytes]) -> None:
        if not (place / 'runs').exists():
            RunWork().do(place / 'runs')
        folder = place / 'runs' / 'struck'
        records, _ = read_folder(folder, 'struck')
        reading = Reading(STUDY, SCHEDULE, records, manifests.load(folder), folder)
        bundle.publish(reading, rendered, place / 'published', force=True)

    def wrong(self, place: Path, struck: bool) -> Iterator[str]:
        path = place / 'published' / 'struck'
        about = bundle.read(path)
        allowed = [self.new, self.old] if struck else [self.new]
        if not any(all(one.same for one in bundle.compare(path, about, files)) for files in allowed):
            yield 'the bundle is neither the old nor the new'
        if about['records']['lines'] != len(RECORDS):
            yield 'records are missing'


class PrepareWork:
    """Prepare a set of data in place of an older one."""

    def prepare(self, place: Path) -> None:
        self.write(place, 3)

    def do(self, place: Path) -> None:
        self.write(place, 5)

    def write(self, place: Path, count: int) -> None:
        x, y = np.arange(count * 4, dtype=np.uint8).reshape(count, 2, 2, 1), np.zeros(count, np.int32)
        part = prepared.Part(x, y, np.arange(count))
        prepared.write(place / 'prepared' / 'little', {'kind': 'images'}, part, part)

    def wrong(self, place: Path, struck: bool) -> Iterator[str]:
        dataset = prepared.find('little', place)
        if len(dataset.pool()) not in ((3, 5) if struck else (5,)) or dataset.damaged():
            yield 'the set is neither the old nor the new'


class DeclaredWork:
    """Prepare what a file declares, a table and pictures in an archive, in place of what it declared before."""

    def __init__(self):
        from PIL import Image

        from ablations.task_files import declared_in
        from sweeps.datasets import growing, own, unpacked

        self.picture, self.declared_in, self.prepare_declared = Image.new, declared_in, own.prepare_declared
        WRITERS.extend([growing, unpacked])

    def prepare(self, place: Path) -> None:
        for number, share in ((0, 0.2), (1, 0.5)):
            rows = '\n'.join(f'{row}.5,{"ab"[row % 2]}' for row in range(40 + 20 * number))
            (place / f'rows{number}.csv').write_text(f'age,risk\n{rows}\n')
            with zipfile.ZipFile(place / f'photos{number}.zip', 'w') as archive:
                for at in range(12 + 6 * number):
                    content = io.BytesIO()
                    self.picture('RGB', (4, 4), (at, 9, 9)).save(content, 'PNG')
                    archive.writestr(f'{"ab"[at % 2]}/{at}.png', content.getvalue())
            (place / f'mine{number}.py').write_text(
                'from ablations.study import task\n'
                f"rows = task(source='rows{number}.csv', target='risk', share={share})\n"
                f"photos = task(source='photos{number}.zip', read='image_folder', share={share})\n"
            )
        self.made(place, 0)

    def do(self, place: Path) -> None:
        self.made(place, 1)

    def made(self, place: Path, number: int) -> None:
        for one in self.declared_in(place / f'mine{number}.py').values():
            self.prepare_declared(one, place, force=True)

    def wrong(self, place: Path, struck: bool) -> Iterator[str]:
        for name, counts in (('rows', (40, 60)), ('photos', (12, 18))):
            dataset = prepared.find(name, place)
            if len(dataset.pool()) + len(dataset.test()) not in (counts if struck else counts[1:]) or dataset.damaged():
                yield f'the set {name} is neither the old nor the new'


class PageWork:
    """Write a page over an older one."""

    def prepare(self, place: Path) -> None:
        (place / 'page.html').write_text('old')

    def do(self, place: Path) -> None:
        atomic.replace(place / 'page.html', 'new')

    def wrong(self, place: Path, struck: bool) -> Iterator[str]:
        text = (place / 'page.html').read_text()
        if text not in (('old', 'new') if struck else ('new',)):
            yield f'the page is {text!r}'


class ExportWork:
    """Export weights over older ones."""

    def __init__(self):
        # They load jax, which the other kinds of work can do without.
        from arch.published import importing
        from sweeps import export

        self.read, self.export = importing.load_weights, export.write_safetensors
        WRITERS.append(importing)

    def prepare(self, place: Path) -> None:
        self.write(place, 3)

    def do(self, place: Path) -> None:
        self.write(place, 5)

    def write(self, place: Path, value: int) -> None:
        params = {'stem': {'patches': {'kernel': np.full(4, value, np.float32)}}}
        self.export(place / 'model', params, {}, {'score': value})

    def wrong(self, place: Path, struck: bool) -> Iterator[str]:
        kernel = np.asarray(self.read(place / 'model.safetensors')[0]['stem']['patches']['kernel'])
        score = json.loads((place / 'model.json').read_text())['score']
        if not {*kernel.tolist(), score} <= ({3, 5} if struck else {5}) or len({*kernel.tolist()}) > 1:
            yield 'the weights are neither the old nor the new'


class MergeWork:
    """Merge the records of a run with the first packs of the same study in another folder."""

    def prepare(self, place: Path) -> None:
        RunWork().do(place / 'there')
        shutil.copytree(place / 'there', place / 'here')
        for path in self.packs(place)[2:]:
            path.unlink()
        manifests.update(place / 'here' / 'struck', test_reads={})

    def do(self, place: Path) -> None:
        merge(place / 'there' / 'struck', place / 'here' / 'struck')

    def packs(self, place: Path) -> list[Path]:
        return sorted((place / 'here' / 'struck' / 'records').glob('*.jsonl'))

    def wrong(self, place: Path, struck: bool) -> Iterator[str]:
        yield from RunWork().wrong(place / 'there', False)
        if struck and len(self.packs(place)) < 2:
            yield 'what was there is gone'
        for one in RunWork().wrong(place / 'here', struck):
            # Reads are counted for what is added here, and some were here before.
            if one != 'a read of test data was not counted':
                yield one


WORKS = {
    **{'run': RunWork, 'publish': PublishWork, 'prepare': PrepareWork, 'page': PageWork},
    **{'export': ExportWork, 'merge': MergeWork, 'declared': DeclaredWork},
}


def faults(name: str, seed: int, count: int) -> Iterator[str]:
    """Strike some work so many times; a sentence for each fault that left something wrong."""
    work, chance = WORKS[name](), random.Random(f'{name} {seed}')
    with tempfile.TemporaryDirectory() as own:
        place = Path(own, 'first')
        work.prepare(_made(place))
        calls = calls_of(lambda: work.do(place))
        first = Path(own, 'old')
        work.prepare(_made(first))
        for number in range(count):
            way, at = chance.choice(WAYS), chance.randint(1, calls)
            place = Path(own, str(number))
            shutil.copytree(first, place)
            yield from (f'{name}, {way}, call {at} of {calls}: {one}' for one in _struck(work, place, way, at))
            shutil.rmtree(place)


def _struck(work: object, place: Path, way: str, at: int) -> list[str]:
    code = strike(lambda: work.do(place), way, at)
    said = [f'it ended with {code}'] * (code == 3)
    said += _judged(lambda: work.wrong(place, True), 'after the fault') if code != 2 else []
    said += _judged(lambda: work.do(place) or (), 'done again')
    said += _judged(lambda: work.wrong(place, False), 'after all')
    return said + [f'left over: {one}' for one in left_over(place)]


def _made(place: Path) -> Path:
    place.mkdir()
    return place


def _judged(judge: Callable[[], object], when: str) -> list[str]:
    try:
        return [f'{when}: {one}' for one in judge()]
    except Exception as error:
        return [f'{when}: {type(error).__name__}: {error}']


def main(seed: int, count: int, names: list[str]) -> int:
    """Strike each work `count` times; prints what is wrong as JSON lines."""
    atomic.JUST_NOW = 0.0
    said = [one for name in names or WORKS for one in faults(name, seed, count)]
    print('\n'.join(json.dumps(one) for one in said))
    return bool(said)


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
