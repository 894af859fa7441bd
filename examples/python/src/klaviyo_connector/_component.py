"""Takes a component apart: wasmtime runs its core module, and this package converts the values.

Only a component of one core module is understood, as wit-component makes it of what a compiler wrote. Such a component has
two more modules, without a memory: they let the first one call its import before there is a memory to read the arguments
from, and call its `_initialize`. Here the import is a function of this process, and needs neither. The types are the
component's own, so that what is written and read is as it has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from ._abi import List, Number, Octets, Option, Record, Signature, Text, Type, Variant

T = TypeVar("T")

_COMPONENT = b"\0asm\x0d\0\1\0"
_MODULE = b"\0asm\1\0\0\0"

# Sections of a core module.
_MEMORY, _START, _DATA = 5, 8, 11

# Options of a function: texts are UTF-8; its memory; how to allocate; what to call behind it, which matters only to an
# instance that goes on.
_OPTIONS = {0, 3, 4, 5}

_U8 = Number(1)
_PRIMITIVES: dict[int, Type] = {0x7F: Number(1, bool), 0x7D: _U8, 0x7B: Number(2), 0x79: Number(4), 0x73: Text()}


class NotUnderstood(Exception):
    """It is no component, or one of another make."""


@dataclass(frozen=True)
class Parts:
    """What a component is made of."""

    module: bytes
    """The core module."""
    imported: dict[str, Signature]
    """The functions of the interface that it imports."""
    functions: dict[str, Signature]
    """Its functions, by the names that the core module has for them."""


def imports(wasm: bytes) -> list[str]:
    """What a component imports. Raises `NotUnderstood`."""
    return _guarded(lambda: [name for kind, data in _sections(wasm) if kind == 10 for name in _import_names(_Reader(data))])


def take_apart(wasm: bytes) -> Parts:
    """A component that imports one interface. Raises `NotUnderstood`."""
    return _guarded(lambda: _Component(wasm).parts())


def _guarded(read: Callable[[], T]) -> T:
    try:
        return read()
    except (IndexError, ValueError):
        raise NotUnderstood("it is damaged") from None


def _refuse(reason: str = "it has types that the contract has not") -> NoReturn:
    raise NotUnderstood(reason)


class _Reader:
    """Reads a binary from its start to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def next(self) -> int:
        """The next byte, which is not read yet."""
        return self._data[self._at]

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def octets(self, length: int) -> bytes:
        self._at += length
        if self._at > len(self._data):
            raise IndexError
        return self._data[self._at - length : self._at]

    def number(self) -> int:
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
            if shift > 35:
                raise ValueError

    def text(self) -> str:
        return self.octets(self.number()).decode()

    def list(self, read: Callable[[], T]) -> list[T]:
        return [read() for _ in range(self.number())]

    def optional(self, read: Callable[[], T]) -> T | None:
        return read() if self.byte() else None

    def name(self) -> str:
        """The name of an import or an export."""
        return self.text() if self.byte() < 2 else _refuse("it has names of a later kind")


def _sections(wasm: bytes, beginning: bytes = _COMPONENT) -> Iterator[tuple[int, bytes]]:
    if not wasm.startswith(beginning):
        _refuse("it is a core module" if wasm.startswith(_MODULE) else "it is no WebAssembly component")
    reader = _Reader(wasm[len(beginning) :])
    while reader:
        yield reader.byte(), reader.octets(reader.number())


def _import_names(reader: _Reader) -> list[str]:
    def name() -> str:
        found, sort = reader.name(), reader.byte()
        # A core module and a type have one byte more. A type that is a resource has no number.
        bound = reader.byte() if sort in (0, 3) else None
        if (sort, bound) != (3, 1):
            reader.number()
        return found

    return reader.list(name)


class _Types:
    """The types of a component, or of an interface that it imports, in the order in which they are numbered."""

    def __init__(self) -> None:
        self._types: list[Any] = []

    def define(self, reader: _Reader) -> None:
        """Reads the definition of a type."""
        self._types.append(self._defined(reader))

    def number_again(self, number: int) -> None:
        """A type gets a second number."""
        self._types.append(self._types[number])

    def number_other(self) -> None:
        """A type that no function needs has a number, too."""
        self._types.append(None)

    def signature(self, number: int) -> Signature:
        """The type of a function."""
        found = self._types[number]
        return found if isinstance(found, Signature) else _refuse()

    def interface(self, number: int) -> dict[str, Signature]:
        """The type of an interface that is imported: its functions."""
        found = self._types[number]
        return found if isinstance(found, dict) else _refuse()

    def _value(self, reader: _Reader) -> Type:
        # A primitive is a negative number, and one byte.
        primitive = 0x40 <= reader.next() < 0x80
        found = _PRIMITIVES.get(reader.byte()) if primitive else self._types[reader.number()]
        return found if isinstance(found, Type) else _refuse()

    def _defined(self, reader: _Reader) -> Any:
        def value() -> Type:
            return self._value(reader)

        def labelled() -> tuple[str, Type]:
            return reader.text(), value()

        def case() -> tuple[str, Type | None]:
            name, content = reader.text(), reader.optional(value)
            reader.byte()
            return name, content

        kind = reader.byte()
        match kind:
            case 0x72:
                return Record(reader.list(labelled))
            case 0x71:
                return Variant(reader.list(case))
            case 0x6D:
                return Variant([(name, None) for name in reader.list(reader.text)])
            case 0x70:
                item = value()
                return Octets() if item is _U8 else List(item)
            case 0x6B:
                return Option(value())
            case 0x6A:
                return Variant([("ok", reader.optional(value)), ("err", reader.optional(value))])
            case 0x40:
                parameters, none = Record(reader.list(labelled)), reader.byte()
                return Signature(parameters, value() if not none else _refuse())
            case 0x42:
                return _interface(reader)
        return _PRIMITIVES.get(kind) or _refuse()


def _interface(reader: _Reader) -> dict[str, Signature]:
    types = _Types()
    functions: dict[str, Signature] = {}

    def declared() -> None:
        match reader.byte():
            case 0x01:
                types.define(reader)
            case 0x04:
                name, sort = reader.name(), reader.byte()
                if sort == 0x01:
                    functions[name] = types.signature(reader.number())
                elif sort == 0x03 and reader.byte() == 0:
                    types.number_again(reader.number())
                else:
                    _refuse()
            case _:
                _refuse()

    reader.list(declared)
    return functions


@dataclass
class _Component:
    """A whole component."""

    wasm: bytes
    _types: _Types = field(default_factory=_Types)
    _modules: list[bytes] = field(default_factory=list)
    _instances: list[int | None] = field(default_factory=list)
    """The core instances, by their modules; none for one that is made of others' exports."""
    _core_functions: list[tuple[int, str] | None] = field(default_factory=list)
    """The core functions, by their instances and names; none for an import."""
    _imported: dict[str, Signature] = field(default_factory=dict)
    _functions: dict[tuple[int, str], Signature] = field(default_factory=dict)

    def parts(self) -> Parts:
        sections = {2: self._instance, 6: self._alias, 8: self._canonical, 10: self._import, 11: self._export}
        for kind, data in _sections(self.wasm):
            reader = _Reader(data)
            if kind == 1:
                self._modules.append(data)
            elif kind == 7:
                reader.list(lambda: self._types.define(reader))
            elif kind in sections:
                reader.list(lambda: sections[kind](reader))
        numbers = {self._instances[instance] for instance, _ in self._functions}
        if len(numbers) != 1 or (number := numbers.pop()) is None:
            _refuse("its functions are not those of one core module; a component that is composed of others is not run")
        for other, module in enumerate(self._modules):
            kinds = {kind for kind, _ in _sections(module, _MODULE)}
            if other != number and kinds & {_MEMORY, _DATA}:
                _refuse("it has more than one core module with a memory")
            if other == number and _START in kinds:
                _refuse("its core module begins by itself, and not by `_initialize`")
        functions = {name: signature for (_, name), signature in self._functions.items()}
        return Parts(self._modules[number], self._imported, functions)

    def _instance(self, reader: _Reader) -> None:
        made = reader.byte() == 0
        self._instances.append(reader.number() if made else None)
        reader.list(lambda: (reader.text(), reader.byte(), reader.number()))

    def _alias(self, reader: _Reader) -> None:
        sort = reader.byte()
        core = reader.byte() if sort == 0 else None
        match reader.byte():
            case 0x00:
                reader.number(), reader.text()
            case 0x01:
                instance, name = reader.number(), reader.text()
                if core == 0:
                    self._core_functions.append((instance, name))
            case _:
                _refuse()
        if sort == 0x03:
            self._types.number_other()

    def _canonical(self, reader: _Reader) -> None:
        kind = reader.byte(), reader.byte()
        if kind not in ((0, 0), (1, 0)):
            _refuse("it has resources, or waits by itself")
        number = reader.number()
        if not _OPTIONS.issuperset(reader.list(lambda: self._option(reader))):
            _refuse("its texts are not UTF-8, or its functions are asynchronous")
        if kind == (1, 0):
            self._core_functions.append(None)
        elif (core := self._core_functions[number]) is None:
            _refuse()
        else:
            self._functions[core] = self._types.signature(reader.number())

    @staticmethod
    def _option(reader: _Reader) -> int:
        option = reader.byte()
        if option > 2:
            reader.number()
        return option

    def _import(self, reader: _Reader) -> None:
        reader.name()
        self._imported.update(self._types.interface(reader.number()) if reader.byte() == 0x05 else _refuse())

    def _export(self, reader: _Reader) -> None:
        reader.name()
        sort, number = reader.byte(), reader.number()
        if reader.byte():
            _refuse()
        if sort == 0x03:
            self._types.number_again(number)
