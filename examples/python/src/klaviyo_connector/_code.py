"""What was compiled, kept for the forks of this process."""

from __future__ import annotations

import contextlib
import os

from wasmtime import Engine, Module, WasmtimeError

with contextlib.suppress(ImportError):
    import fcntl


class Code:
    """The code of a module. A child maps it from a file without a name; where it cannot, it copies it."""

    def __init__(self, module: Module) -> None:
        self._code = bytes(module.serialize())
        # Only Linux has such files.
        self._file = _file_of(self._code) if hasattr(os, "memfd_create") else None

    def module(self, engine: Engine) -> Module:
        """The module, for an engine of the same settings."""
        if self._file is not None:
            # A daemon closes the files that it has from its parent, and may have opened others since.
            with contextlib.suppress(OSError, WasmtimeError):
                file, identity = self._file
                if _identity(file) == identity:
                    return Module.deserialize_file(engine, f"/proc/self/fd/{file}")
        return Module.deserialize(engine, self._code)


def _file_of(code: bytes) -> tuple[int, tuple[int, int]] | None:
    try:
        file = os.memfd_create("klaviyo-connector", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        with open(file, "wb", closefd=False) as writer:
            writer.write(code)
        # Nobody changes what is run.
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        return file, _identity(file)
    except OSError:
        return None


def _identity(file: int) -> tuple[int, int]:
    found = os.fstat(file)
    return found.st_dev, found.st_ino
