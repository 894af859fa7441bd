"""Answers by another revision than the one that was asked for, from the simulator and from servers that lie."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from servers import simulator

from klaviyo_connector import (
    Bounds,
    Email,
    HttpRequest,
    HttpResponse,
    Klaviyo,
    RevisionWarning,
    Unavailable,
)
from klaviyo_connector._revision import RevisionNotes

KEY = "pk_canary_9d1f0c7e5b3a8642"
NOBODY = Email("nobody@example.com")


class Serving:
    """Answers by the revisions that are given, the last one for ever."""

    def __init__(self, *revisions: str, status: int = 200) -> None:
        self.revisions = list(revisions)
        self.status = status

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        revision = self.revisions.pop(0) if len(self.revisions) > 1 else self.revisions[0]
        headers = (("X-Klaviyo-Api-Revision", revision.encode()),)
        return HttpResponse(self.status, headers, b'{"data":[]}')

    def close(self) -> None:
        pass


def test_a_client_warns_once_where_klaviyo_has_retired_the_revision(program: Path, component: Path) -> None:
    with simulator(program, "--retire", "2025-01-15") as retired, pytest.warns(RevisionWarning) as told:
        for _ in range(2):
            with Klaviyo(retired.key, endpoint=retired.url, component=component) as klaviyo:
                assert klaviyo.lookup(NOBODY) is None
                assert klaviyo.lookup(NOBODY) is None
    assert len(told) == 2
    for warning in told:
        assert "2025-01-15" in str(warning.message) and "2025-04-15" in str(warning.message)
        # The line that has called the function, which is what filters by module look at.
        assert warning.filename == __file__


def test_a_client_does_not_warn_where_klaviyo_answers_by_that_revision_or_does_not_say(component: Path) -> None:
    # Warnings are errors in these tests.
    for revision in ("2025-01-15", KEY, ""):
        with Klaviyo(KEY, transport=Serving(revision), component=component) as klaviyo:
            assert klaviyo.lookup(NOBODY) is None


def test_each_other_revision_is_told_and_a_failed_call_tells_too(component: Path) -> None:
    with Klaviyo(KEY, transport=Serving("2025-04-15", "2025-07-15"), component=component) as klaviyo:
        for _ in range(2):
            with pytest.warns(RevisionWarning):
                klaviyo.lookup(NOBODY)
        klaviyo.lookup(NOBODY)
    with Klaviyo(KEY, transport=Serving("2025-04-15", status=503), component=component) as klaviyo:
        with pytest.warns(RevisionWarning), pytest.raises(Unavailable):
            klaviyo.lookup(NOBODY)


def test_the_warning_can_be_filtered_by_its_category(component: Path) -> None:
    with Klaviyo(KEY, transport=Serving("2025-04-15"), component=component) as klaviyo, warnings.catch_warnings():
        warnings.simplefilter("ignore", RevisionWarning)
        assert klaviyo.lookup(NOBODY) is None


def test_another_revision_is_news_once_for_each_pair() -> None:
    notes = RevisionNotes()
    for asked, served, is_news in [
        ("2025-01-15", "2025-01-15", False),
        ("2025-01-15", "2025-04-15", True),
        ("2025-01-15", "2025-04-15", False),
        ("2025-01-15", "2025-07-15", True),
        ("2025-07-15", "2025-04-15", True),
        ("2026-01-15.pre", "2026-01-15.pre", False),
        ("2026-01-15.pre", "2026-01-15", True),
        ("2025-01-15", "none", False),
        ("2025-01-15", "2025-04-15 and a long story", False),
        ("2025-01-15", "2025-04-15\n", False),
        ("2025-01-15", f"2025-04-15.{'x' * 40}", False),
        ("2025-01-15", "", False),
        ("", "2025-04-15", False),
    ]:
        assert (notes.warning(asked, served) is not None) == is_news, (asked, served)


def test_a_server_that_makes_revisions_up_fills_no_memory_and_no_log() -> None:
    notes = RevisionNotes()
    with ThreadPoolExecutor(8) as pool:
        told = pool.map(lambda year: notes.warning("2025-01-15", f"{year}-01-15"), range(1000, 2000))
    assert sum(warning is not None for warning in told) == 64
