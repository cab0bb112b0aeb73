"""Weights & Biases: each run as an offline run in a folder; nothing is sent until somebody calls `wandb sync`."""

import os
import shutil
from pathlib import Path

from results.exports.tracked_runs import TrackedRun, TrackedStudy
from results.exports.tracker import CHECK, Tracker, needed

FINDINGS = 'findings'


class WandbTracker(Tracker):
    """Offline runs under FOLDER/wandb; send them by `wandb sync FOLDER/wandb/offline-run-*`. The project is the study."""

    def __init__(self, folder: Path, study: str):
        # Nothing here may reach out by itself.
        os.environ.update(WANDB_MODE='offline', WANDB_ERROR_REPORTING='false', WANDB_SILENT='true')
        try:
            import wandb
        except ImportError:
            raise needed('wandb', 'wandb') from None
        self.wandb, self.folder, self.study = wandb, folder, study

    def _folders(self) -> dict[str, list[Path]]:
        """The folders of offline runs, by the id of the run."""
        there: dict[str, list[Path]] = {}
        for path in sorted(self.folder.glob('wandb/offline-run-*-*')):
            there.setdefault(path.name.split('-', 3)[3], []).append(path)
        return there

    def known(self) -> dict[str, str]:
        checks = {key: paths[-1] / 'files' / CHECK for key, paths in self._folders().items()}
        return {key: path.read_text(encoding='utf-8') if path.exists() else '' for key, path in checks.items()}

    def write(self, run: TrackedRun) -> None:
        with self._begun(run.id, run.name, run.group, run.knobs, run.tags) as begun:
            steps: dict[int, dict[str, float]] = {}
            for name, points in run.curves.items():
                for step, value in points:
                    steps.setdefault(step, {})[name] = value
            for step in sorted(steps):
                begun.log(steps[step], step=step)
            begun.summary.update({f'end/{name}': value for name, value in run.numbers.items()} | {'status': run.tags['status']})
            (Path(begun.dir) / CHECK).write_text(run.check, encoding='utf-8')

    def conclude(self, study: TrackedStudy) -> None:
        with self._begun(f'{FINDINGS}_{study.name}', FINDINGS, FINDINGS, {'question': study.question}, study.tags) as begun:
            begun.log({'report': self.wandb.Html(study.page, inject=False)})
            begun.summary.update(
                study.numbers | {name: value for name, value in study.tags.items() if name.startswith('verdict/')}
            )
            (Path(begun.dir) / 'findings.md').write_text(study.table, encoding='utf-8')

    def _begun(self, key: str, name: str, group: str, config: dict, tags: dict[str, str]):
        """A new offline run, in place of one of the same id."""
        for path in self._folders().get(key, []):
            shutil.rmtree(path)
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.wandb.Settings(
            silent=True, console='off', disable_git=True, save_code=False, x_disable_stats=True, x_disable_meta=True
        )
        return self.wandb.init(
            project=self.study,
            id=key,
            name=name,
            group=group,
            config={**config, 'tags': tags},
            dir=str(self.folder),
            mode='offline',
            settings=settings,
        )
