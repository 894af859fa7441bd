"""Imports of many contacts."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Detail, KlaviyoError
from .batch import Refusal
from .open import JobStatus


@dataclass(frozen=True)
class Submitted:
    """A job that Klaviyo took."""

    job: str
    """The job's id, for ``import_status`` and ``import_failures``."""
    rows: tuple[int, ...]
    """The contacts in it, each as its position in the argument."""


@dataclass(frozen=True)
class Submission:
    """What became of ``submit_import``. Look at ``refused`` and ``stopped`` also after success."""

    jobs: tuple[Submitted, ...]
    """The jobs that Klaviyo took, one per 10,000 contacts."""
    refused: tuple[Refusal, ...]
    """The contacts that were not sent."""
    warnings: tuple[str, ...]
    """What Klaviyo took only in part, one sentence each."""
    stopped: KlaviyoError | None
    """Why the contacts from position ``stopped.done`` on were not submitted. ``None``: all of them were."""


@dataclass(frozen=True)
class Job:
    """An import job. Times are RFC 3339, as Klaviyo wrote them."""

    id: str
    """Klaviyo's id of the job."""
    status: JobStatus
    """Such as ``queued`` or ``complete``."""
    total: int
    """The number of contacts in it."""
    completed: int
    """The number of contacts that were imported."""
    failed: int
    """The number of contacts that could not be imported: see ``import_failures``."""
    created: str | None
    """When Klaviyo took it: RFC 3339."""
    started: str | None
    """When Klaviyo began with it: RFC 3339. ``None``: not yet."""
    finished: str | None
    """When Klaviyo was done with it: RFC 3339. ``None``: not yet."""
    expires: str | None
    """The time until which Klaviyo keeps it: seven days."""


@dataclass(frozen=True)
class Failure:
    """A contact that a job could not import."""

    row: int | None
    """Its position in the job: ``Submitted.rows[row]`` is its position in the argument."""
    reason: Detail
    """Klaviyo's reason."""
    payload: str | None
    """The contact as it was sent: the text of a JSON object."""
