"""MLflow: an experiment of the study's name in an SQLite store, and its artifacts in a folder beside it."""

import logging
import os
import re
import tempfile
from pathlib import Path

from results.exports.tracked_runs import TrackedRun, TrackedStudy
from results.exports.tracker import CHECK, Tracker, needed

TRIAL, FINDINGS = 'archlab.trial', 'findings'
MOST = 500
"""Numbers, or runs, in one call."""


class MlflowTracker(Tracker):
    """FOLDER/mlflow.db and FOLDER/artifacts; view them by `mlflow server --backend-store-uri sqlite:///FOLDER/mlflow.db`."""

    def __init__(self, folder: Path, study: str):
        os.environ.setdefault('MLFLOW_DISABLE_TELEMETRY', 'true')
        try:
            import alembic
            import sqlalchemy  # noqa: F401
            from mlflow.entities import Metric, Param, RunTag
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise needed('mlflow-skinny, sqlalchemy and alembic', 'mlflow') from None
        del alembic
        for name in ('mlflow', 'alembic'):
            logging.getLogger(name).setLevel(logging.WARNING)
        folder.mkdir(parents=True, exist_ok=True)
        self.metric, self.param, self.tag = Metric, Param, RunTag
        self.client = MlflowClient(f'sqlite:///{(folder / "mlflow.db").absolute()}')
        there = self.client.get_experiment_by_name(study)
        place = (folder / 'artifacts').absolute().as_uri()
        self.experiment = there.experiment_id if there else self.client.create_experiment(study, artifact_location=place)
        self.runs: dict[str, list] = {}
        token = None
        while token is None or token:
            page = self.client.search_runs([self.experiment], max_results=MOST, page_token=token)
            for one in page:
                self.runs.setdefault(one.data.tags.get(TRIAL, ''), []).append(one)
            token = page.token or ''

    def known(self) -> dict[str, str]:
        return {key: runs[0].data.tags.get(CHECK, '') for key, runs in self.runs.items() if len(runs) == 1}

    def write(self, run: TrackedRun) -> None:
        points = [(f'end/{name}', value, 0) for name, value in run.numbers.items()]
        points += [(name, value, step) for name, some in run.curves.items() for step, value in some]
        self._write(run.id, run.name, run.knobs, points, {**run.tags, CHECK: run.check}, run.failed)

    def conclude(self, study: TrackedStudy) -> None:
        points = [(name, value, 0) for name, value in study.numbers.items()]
        about = {**study.tags, 'mlflow.note.content': f'{study.question}\n\n{study.table}'[:4000]}
        key = self._write(FINDINGS, FINDINGS, {}, points, about)
        with tempfile.TemporaryDirectory() as place:
            for name, content in (('report.html', study.page), ('findings.md', study.table)):
                # The folder is thrown away; the client copies what it is given.
                Path(place, name).write_text(content, encoding='utf-8')
                self.client.log_artifact(key, str(Path(place, name)))

    def _write(self, key: str, name: str, knobs: dict, points: list, tags: dict[str, str], failed: bool = False) -> str:
        for old in self.runs.pop(key, []):
            self.client.delete_run(old.info.run_id)
        made = self.client.create_run(self.experiment, tags={TRIAL: key}, run_name=name).info.run_id
        own = [self.metric(_named(name), value, 0, step) for name, value, step in points]
        params = [self.param(_named(name), str(value)[:6000]) for name, value in knobs.items()]
        for start in range(0, max(len(own), 1), MOST):
            self.client.log_batch(made, own[start : start + MOST], params if start == 0 else ())
        self.client.log_batch(made, tags=[self.tag(_named(name), value[:5000]) for name, value in tags.items()])
        self.client.set_terminated(made, 'FAILED' if failed else 'FINISHED')
        return made


def _named(name: str) -> str:
    """A name with the characters that MLflow allows."""
    return re.sub(r'[^\w\-. /]', '_', name)
