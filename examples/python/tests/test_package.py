"""The wheel: it has all that is needed, and works where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from servers import Simulator

HERE = Path(__file__).parents[1]
SOURCES = ("pyproject.toml", "hatch_build.py", "README.md", "src")


def build(folder: Path, into: Path) -> subprocess.CompletedProcess[str]:
    """Builds a wheel. No network: what builds it is installed with what tests it."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(into), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, component: Path) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = build(HERE, folder)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_what_is_in_it(wheel: Path, component: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("klaviyo_connector/klaviyo.wasm") == component.read_bytes()
    files = [file for file in (HERE / "src").rglob("*") if file.is_file() and file.suffix != ".pyc"]
    sources = {str(file.relative_to(HERE / "src")) for file in files}
    installed = {name for name in names if not name.startswith("klaviyo_connector-")}
    assert installed == sources | {"klaviyo_connector/klaviyo.wasm"}
    assert "klaviyo_connector/py.typed" in installed


def test_it_works_where_it_is_installed(wheel: Path, simulator: Simulator, tmp_path: Path) -> None:
    shutil.unpack_archive(wheel, tmp_path, "zip")
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "KLAVIYO_ENDPOINT": simulator.url,
        "KLAVIYO_API_KEY": simulator.key,
    }

    def opt_in(list: str, key: str = simulator.key) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(HERE / "opt_in.py"), "priya@example.com", "Priya", list]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={**environment, "KLAVIYO_API_KEY": key}
        )

    done = opt_in("Y6nRLr")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Priya is on the list Y6nRLr")
    missing = opt_in("NoList")
    assert (missing.returncode, missing.stderr.partition(":")[0]) == (1, "not-found")
    wrong = opt_in("Y6nRLr", "pk_wrong_000000000000")
    assert (wrong.returncode, wrong.stderr.partition(":")[0]) == (1, "unauthenticated")
    assert "pk_wrong" not in wrong.stderr


def test_without_a_component_there_is_no_wheel(tmp_path: Path) -> None:
    folder = tmp_path / "examples" / "python"
    folder.mkdir(parents=True)
    for name in SOURCES:
        source = HERE / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    built = build(folder, tmp_path)
    assert built.returncode != 0
    assert "run `cargo xtask build`" in built.stderr
    assert list(tmp_path.glob("*.whl")) == []
