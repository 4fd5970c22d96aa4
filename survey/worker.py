"""The one worker process: mixing, jobs, check-points, closing on the last day."""

import fcntl
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from flask import Flask

from survey.database import checkpoint
from survey.errors import SurveyError
from survey.extensions import db
from survey.services import campaigns, exports, jobs, mixing, pressure_reports, printing, report_batches

POLL_SECONDS = 0.5
CHECKPOINT_SECONDS = 10
CLOSE_SECONDS = 30
FORGET_SECONDS = 3600
SETTLE_SECONDS = 3600


def run_worker(app: Flask) -> None:
    """Work until SIGTERM or SIGINT; a second worker of the same instance waits until the first has ended."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with app.app_context(), _alone(app.config["WUPING"].instance, stop):
        if not stop.is_set():
            _guarded(app, jobs.resume_jobs)
        _loop(app, stop)


@contextmanager
def _alone(instance: Path, stop: threading.Event) -> Iterator[None]:
    with (instance / "worker.lock").open("w") as lock:
        while not stop.is_set():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                stop.wait(POLL_SECONDS)
        yield


def _loop(app: Flask, stop: threading.Event) -> None:
    tasks: list[tuple[float, Callable[[], object]]] = [
        (app.config["WUPING"].mix_seconds, mixing.mix),
        (CHECKPOINT_SECONDS, checkpoint),
        (CLOSE_SECONDS, lambda: _close_overdue(app)),
        (FORGET_SECONDS, printing.forget_old),
        (FORGET_SECONDS, exports.BATCHES.forget_old),
        (FORGET_SECONDS, report_batches.BATCHES.forget_old),
        (SETTLE_SECONDS, pressure_reports.settle),
    ]
    due = [time.monotonic() + seconds for seconds, _task in tasks]
    while not stop.is_set():
        worked = _guarded(app, jobs.run_next_job)
        for place, (seconds, task) in enumerate(tasks):
            if time.monotonic() >= due[place] and not stop.is_set():
                _guarded(app, task)
                due[place] = time.monotonic() + seconds
        if not worked:
            stop.wait(POLL_SECONDS)


def _guarded(app: Flask, task: Callable[[], object]) -> object:
    """Run a task; an error is logged and the worker goes on: the next round tries again."""
    try:
        return task()
    except SurveyError as error:
        app.logger.warning("worker: %s", error)
    except Exception:
        app.logger.exception("worker: a task failed")
    finally:
        db.session.remove()
    return None


def _close_overdue(app: Flask) -> None:
    for campaign_id in campaigns.overdue_campaigns():
        _guarded(app, partial(campaigns.move_campaign, campaign_id, "closed", actor="worker"))
