"""Sweeps as Ray jobs: submitted to a running cluster, found by name, read and stopped."""

import contextlib
import logging
import shlex
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cluster import runtime_env
from sweeps.cluster.connection import knock
from sweeps.sweepfile import SweepSpec
from trainer.errors import UserError

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

ACTIVE = ("PENDING", "RUNNING")
SECONDS = 1.0  # between reads of a job's log


@dataclass(frozen=True)
class Job:
    """A sweep on a cluster. state: PENDING, RUNNING, SUCCEEDED, STOPPED or FAILED.

    message: Ray's message, such as why it failed to start.
    """

    id: str
    state: str
    message: str

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.state in ACTIVE


class Jobs:
    """The sweeps submitted to a Ray cluster. Raises UserError when it cannot be reached.

    address: of its dashboard (`http://127.0.0.1:8265`), or `auto` or `host:6379` on its nodes.
    """

    def __init__(self, address: str):
        self._client = _connect(address)

    def submit(self, spec: SweepSpec, store: str) -> str:
        """Sends the sweep, its file and this code to the cluster; returns the job's id.

        Raises UserError while an earlier job of the same sweep and store has not ended.
        """
        earlier = self.find(spec.name, store)
        if earlier is not None and earlier.active:
            raise UserError(
                f"sweep {spec.name!r} is already on this cluster, as job {earlier.id}; "
                "wait for it, or stop it with `sweep stop`"
            )
        file = f"{spec.name}.yaml"
        command = ["python", "-m", "sweeps", "run", file, "--address", "auto", "--store", store]
        with tempfile.TemporaryDirectory() as folder, _silence():
            (Path(folder) / file).write_text(spec.text, encoding="utf-8")
            return self._client.submit_job(
                entrypoint=shlex.join(command),
                submission_id=f"{spec.name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}",
                runtime_env=runtime_env.for_driver(Path(folder)),
                metadata={"sweep": spec.name, "store": store},
            )

    def find(self, name: str, store: str) -> Job | None:
        """The latest job of the sweep `name` with this store; None when there is none."""
        wanted = {"sweep": name, "store": store}.items()
        matching = [
            job for job in self._client.list_jobs() if wanted <= (job.metadata or {}).items()
        ]
        latest = max(matching, key=lambda job: job.start_time or 0, default=None)
        if latest is None or latest.submission_id is None:
            return None
        return Job(latest.submission_id, latest.status.value, latest.message or "")

    def log(self, job: Job) -> str:
        """What the job has printed so far."""
        text: str = self._client.get_job_logs(job.id)
        return text

    def follow(self, job: Job) -> Iterator[str]:
        """What the job has printed, and then prints until it ends, piece by piece."""
        shown = 0
        while True:
            over = not self.now(job).active
            text = self.log(job)
            yield text[shown:]
            shown = len(text)
            if over:
                return
            time.sleep(SECONDS)

    def now(self, job: Job) -> Job:
        """The current state of the job."""
        info = self._client.get_job_info(job.id)
        return Job(job.id, info.status.value, info.message or "")

    def end(self, job: Job) -> None:
        """Sends the job SIGTERM, upon which it writes its checkpoints and ends."""
        self._client.stop_job(job.id)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keeps Ray from reporting each file that it sends; its loggers set their own levels."""
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _connect(address: str) -> "JobSubmissionClient":
    from ray.job_submission import JobSubmissionClient  # importing Ray takes a second

    try:
        knock(address)
        return JobSubmissionClient(address)
    except Exception as error:  # Ray raises many kinds
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"no Ray dashboard can be reached at {address!r}: {said[0]}; give the address of the "
            "dashboard, e.g. http://127.0.0.1:8265, and if the cluster needs a token, set "
            "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH as on its nodes"
        ) from None
