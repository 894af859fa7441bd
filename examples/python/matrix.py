"""Measures this runtime, and prints one line of JSON. Needs a simulator, and `KLAVIYO_ENDPOINT` and `KLAVIYO_API_KEY` of it.

    python matrix.py

The package has to be installed: it is measured as it is shipped.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "tests"))

import fixture  # noqa: E402
from replay import KEY, Replayer  # noqa: E402

from klaviyo_connector import Bounds, Email, HttpRequest, HttpResponse, Klaviyo, KlaviyoError, NewProfile, Pace  # noqa: E402

LIST = "Y6nRLr"
FOUND = fixture.read((fixture.CORPUS / "contacts/lookup/found.json").read_text())


class Memory:
    """A transport that answers with the profile of a fixture."""

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        answer = FOUND.exchanges[0].answer
        assert isinstance(answer, HttpResponse)
        return answer

    def close(self) -> None:
        pass


def look_up(klaviyo: Klaviyo) -> None:
    assert klaviyo.lookup(Email("priya@example.com")) is not None


def cold_start() -> float:
    """Milliseconds to the first answer in this process."""
    begin = time.perf_counter()
    with Klaviyo(KEY, transport=Memory()) as klaviyo:
        look_up(klaviyo)
        return (time.perf_counter() - begin) * 1e3


def call() -> float:
    """Microseconds of one call after the other."""
    with Klaviyo(KEY, transport=Memory(), pace=Pace.unlimited()) as klaviyo:
        times = []
        for _ in range(1_200):
            begin = time.perf_counter()
            look_up(klaviyo)
            times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times[200:])


def corpus() -> tuple[int, int]:
    """How many fixtures passed, and how many failed."""
    replayer, failed = Replayer(component=None), 0
    files = fixture.files()
    for file in files:
        if differences := replayer.case(file.read_text()):
            failed += 1
            print(f"{file.relative_to(fixture.CORPUS)}: {'; '.join(differences)}", file=sys.stderr)
    return len(files) - failed, failed


def opt_in() -> bool:
    """Whether an opt-in over a real socket succeeded."""
    try:
        with Klaviyo(os.environ["KLAVIYO_API_KEY"], endpoint=os.environ["KLAVIYO_ENDPOINT"]) as klaviyo:
            contact = NewProfile(email="priya@example.com", first_name="Priya")
            return klaviyo.opt_in(contact, list=LIST).list_id == LIST
    except (KlaviyoError, KeyError) as error:
        print(f"the opt-in failed: {error!r}", file=sys.stderr)
        return False


def main() -> int:
    again = [sys.executable, __file__, "cold-start"]
    starts = [float(subprocess.run(again, check=True, capture_output=True).stdout) for _ in range(5)]
    http = opt_in()
    passed, failed = corpus()
    line = {
        "runtime": f"Python {platform.python_version()}",
        "passed": passed,
        "failed": failed,
        "http": http,
        "cold_start_ms": round(statistics.median(starts), 1),
        "call_us": round(call(), 1),
        "size": len((resources.files("klaviyo_connector") / "klaviyo.wasm").read_bytes()),
    }
    print(json.dumps(line, separators=(",", ":")))
    return 0 if http and passed and not failed else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["cold-start"]:
        print(cold_start())
    else:
        sys.exit(main())
