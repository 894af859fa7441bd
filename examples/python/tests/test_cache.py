"""What is compiled is kept on the disk for the next process, where there is a folder for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import sys
from klaviyo_connector import Klaviyo

with Klaviyo("pk_demo", component=sys.argv[1]):
    pass
"""


def start(component: Path, cache: Path) -> None:
    """A new process that makes a client."""
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), "XDG_CACHE_HOME": str(cache)}
    subprocess.run([sys.executable, "-c", START, str(component)], env=environment, check=True, timeout=60)


def kept(cache: Path) -> list[tuple[Path, int, bytes]]:
    """The compiled components, with when they were written."""
    files = (file for file in cache.rglob("*") if file.is_file() and not file.suffix)
    return [(file, file.stat().st_mtime_ns, file.read_bytes()) for file in files]


def test_a_second_process_does_not_compile(component: Path, tmp_path: Path) -> None:
    start(component, tmp_path)
    first = kept(tmp_path)
    assert len(first) == 1
    start(component, tmp_path)
    assert kept(tmp_path) == first


def test_what_is_damaged_is_compiled_again(component: Path, tmp_path: Path) -> None:
    start(component, tmp_path)
    ((file, _, code),) = kept(tmp_path)
    for damaged in [b"", code[: len(code) // 2], b"\x28\xb5\x2f\xfd" + bytes(1000)]:
        file.write_bytes(damaged)
        start(component, tmp_path)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_without_a_folder_it_is_compiled(component: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("no folder")
    start(component, tmp_path / name)
    assert [file.name for file in tmp_path.rglob("*")] == ["file"]
