"""MLflow: an SQLite store, since MLflow refuses the files it once wrote. Its own server shows it:
`mlflow ui --backend-store-uri sqlite:///DIR/mlflow.db`."""

import json
import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vgrad.export.target import CURVES, Target, facts_of
from vgrad.store import Run, layout

STORE, EXPERIMENT, TAG = "mlflow.db", "vgrad", "vgrad.run_id"
LONGEST_PARAM, MOST_METRICS, MOST_PARAMS = 6000, 1000, 100  # MLflow's own limits
STATUSES = {"finished": "FINISHED", "diverged": "FINISHED", "running": "RUNNING"}
INTERRUPTED, FAILED = "KILLED", "FAILED"
ARTIFACTS = (layout.CONFIG, layout.SUMMARY, layout.ENVIRONMENT, layout.LAYERS)
SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}


@contextmanager
def _client(folder: Path) -> Iterator[Any]:
    """MLflow's client of the store in `folder`; it tells nobody and says nothing."""
    before = {name: os.environ.get(name) for name in SILENT}
    os.environ.update(SILENT)
    try:
        with warnings.catch_warnings():  # of SQLAlchemy, about what MLflow asks of it
            warnings.simplefilter("ignore", DeprecationWarning)
            from mlflow.tracking import MlflowClient

            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.WARNING)
            yield MlflowClient(tracking_uri=f"sqlite:///{(folder / STORE).resolve()}")
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _write(runs: Sequence[Run], folder: Path, done: Callable[[Run], None]) -> None:
    with _client(folder) as client:
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            artifacts = (folder / "artifacts").resolve().as_uri()
            experiment_id = client.create_experiment(EXPERIMENT, artifact_location=artifacts)
        else:
            experiment_id = experiment.experiment_id
        for run in runs:
            _write_run(client, experiment_id, run)
            done(run)


def _write_run(client: Any, experiment_id: str, run: Run) -> None:
    """The tag that says that it is there comes last: an export broken off is not taken for one."""
    from mlflow.entities import Param, RunTag

    facts = facts_of(run)
    began = int(1000 * facts.began)
    made = client.create_run(experiment_id, start_time=began, run_name=run.name)
    run_id = made.info.run_id
    params = [Param(key, _param(value)) for key, value in facts.params.items()]
    for start in range(0, len(params), MOST_PARAMS):
        client.log_batch(run_id, params=params[start : start + MOST_PARAMS])
    metrics = list(_metrics(run, began))
    for start in range(0, len(metrics), MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + MOST_METRICS])
    for name in ARTIFACTS:
        if (run.path / name).exists():
            client.log_artifact(run_id, str(run.path / name))
    outcome = {k: str(v) for k, v in facts.outcome.items() if v is not None}
    tags = [RunTag(f"vgrad.{k}", v) for k, v in outcome.items() if f"vgrad.{k}" != TAG]
    client.log_batch(run_id, tags=[*tags, RunTag(TAG, run.id)])
    status = STATUSES.get(run.status, INTERRUPTED if run.status == "interrupted" else FAILED)
    took = facts.numbers.get("seconds", 0.0)
    client.set_terminated(run_id, status=status, end_time=began + int(1000 * took))


def _param(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:LONGEST_PARAM]


def _metrics(run: Run, began: int) -> Iterator[Any]:
    """The course, and what is no number of its steps: of the first and the last layer ‖g‖."""
    from mlflow.entities import Metric

    for row in run.metrics:
        step, time = int(row["step"]), began + int(1000 * row["seconds"])
        for name in CURVES:
            if not math.isnan(row[name]):  # it does not apply at this step
                yield Metric(name, float(row[name]), time, step)
    for name in ("gradient_ratio", "slope_per_layer"):
        if (value := facts_of(run).numbers.get(name)) is not None:
            yield Metric(name, value, began, int(facts_of(run).numbers.get("steps", 0)))


def _found(client: Any, run_ids: set[str]) -> dict[str, str]:
    """MLflow's id of each run of ours that is there."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    found: dict[str, str] = {}
    token = None
    while experiment is not None:
        page = client.search_runs([experiment.experiment_id], page_token=token)
        found |= {run.data.tags.get(TAG, ""): run.info.run_id for run in page}
        token = page.token
        if not token:
            break
    return {mine: theirs for mine, theirs in found.items() if mine in run_ids}


def _taken(folder: Path, runs: Sequence[Run]) -> list[str]:
    if not (folder / STORE).exists():
        return []
    with _client(folder) as client:
        return list(_found(client, {run.id for run in runs}))


def _remove(folder: Path, run: Run) -> None:
    with _client(folder) as client:
        for theirs in _found(client, {run.id}).values():
            client.delete_run(theirs)


TARGET = Target(
    "mlflow",
    "an SQLite store of runs with params, metrics, tags and files",
    _write,
    _taken,
    _remove,
    needs=("mlflow", "sqlalchemy", "alembic"),
    extra="mlflow",
)
