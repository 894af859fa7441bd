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
    rows: tuple[int, ...]
    """The contacts in it, each as its position in the argument."""


@dataclass(frozen=True)
class Submission:
    """What became of ``submit_import``. Look at ``refused`` and ``stopped`` also after success."""

    jobs: tuple[Submitted, ...]
    refused: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    stopped: KlaviyoError | None
    """Why the contacts from position ``stopped.done`` on were not submitted. ``None``: all of them were."""


@dataclass(frozen=True)
class Job:
    """An import job. Times are RFC 3339, as Klaviyo wrote them."""

    id: str
    status: JobStatus
    total: int
    """The number of contacts in it."""
    completed: int
    failed: int
    """The number of contacts that could not be imported: see ``import_failures``."""
    created: str | None
    started: str | None
    finished: str | None
    expires: str | None
    """The time until which Klaviyo keeps it: seven days."""


@dataclass(frozen=True)
class Failure:
    """A contact that a job could not import."""

    row: int | None
    """Its position in the job: ``Submitted.rows[row]`` is its position in the argument."""
    reason: Detail
    payload: str | None
    """The contact as it was sent: the text of a JSON object."""
