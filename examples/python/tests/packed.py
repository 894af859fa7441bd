"""The package as it is shipped: its source distribution, the wheel built from that, and an environment that has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers import Simulator

HERE = Path(__file__).parents[1]
README = (HERE / "README.md").read_text()


def source(into: Path, **environment: str) -> Path:
    """Packs the source distribution, and unpacks it where nothing else is. No network: what builds is installed."""
    into.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(into)]
    subprocess.run(command, cwd=HERE, check=True, capture_output=True, env={**os.environ, **environment})
    (packed,) = into.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(into, filter="data") if sys.version_info >= (3, 12) else archive.extractall(into)
    (folder,) = (each for each in into.iterdir() if each.is_dir())
    return folder


def build(folder: Path, into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Builds a wheel."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(into), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


@dataclass
class Environment:
    """An environment of its own, with the wheel, and with nothing of this folder. Its libraries are those of the tests."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, wheel: Path) -> Environment:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        made = cls(folder)
        install = ["--python", str(made.python), "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
        subprocess.run([sys.executable, "-m", "pip", *install, str(wheel)], check=True)
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        own = subprocess.run([made.python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
        # Behind its own.
        (Path(own) / "libraries.pth").write_text(sysconfig.get_path("purelib"))
        ask = "import klaviyo_connector; print(klaviyo_connector.__file__)"
        found = subprocess.run([made.python, "-c", ask], check=True, capture_output=True, text=True, cwd=folder).stdout
        assert Path(found).is_relative_to(own)
        return made

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def variables(self, simulator: Simulator, **more: str) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return {**own, "KLAVIYO_ENDPOINT": simulator.url, "KLAVIYO_API_KEY": simulator.key, **more}

    def run(self, folder: Path, simulator: Simulator, *command: str, **more: str) -> str:
        """What a program prints."""
        environment = self.variables(simulator, **more)
        done = subprocess.run(
            [self.python, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serving(
        self, folder: Path, simulator: Simulator, said: str, *command: str, **more: str
    ) -> Iterator[re.Match[str]]:
        """A program that runs meanwhile, once it has said something of this form."""
        output = folder / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [self.python, "-m", *command], cwd=folder, stdout=file, stderr=file, env=self.variables(simulator, **more)
            )
        try:
            until = time.monotonic() + 60
            while (found := re.search(said, output.read_text())) is None:
                assert time.monotonic() < until and process.poll() is None, "it does not serve"
                time.sleep(0.05)
            yield found
            process.terminate()
            process.wait(30)
        except BaseException:
            process.kill()
            process.wait()
            print(output.read_text())
            raise


def blocks() -> list[str]:
    """The blocks of Python code in the README."""
    return [each.partition("\n")[2] for each in README.split("```")[1::2] if each.startswith("python\n")]


def block(contains: str) -> str:
    """The one that has this text."""
    (found,) = [each for each in blocks() if contains in each]
    return found
