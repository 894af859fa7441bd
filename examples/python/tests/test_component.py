"""Taking a component apart: what is read is what wasmtime reads, and what is not understood is refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from wasmtime import Engine, component as wasmtimes

from klaviyo_connector import ComponentError, Klaviyo
from klaviyo_connector._abi import List, Number, Octets, Option, Record, Text, Type, Variant
from klaviyo_connector._component import NotUnderstood, imports, take_apart

KEY = "pk_canary_9d1f0c7e5b3a8642"
HTTP = "klaviyo:connector/http@0.1.0"
NUMBERS = {wasmtimes.Bool: (1, bool), wasmtimes.U8: (1, int), wasmtimes.U16: (2, int), wasmtimes.U32: (4, int)}


def own(of: Type | None) -> Any:
    """A type as this package has read it."""
    match of:
        case Number():
            return of.size, of.kind
        case Text() | Octets() | None:
            return type(of)
        case List():
            return List, own(of.item)
        case Option():
            return Option, own(of.of)
        case Record():
            return Record, [(name, own(each)) for name, (each, _) in of.members.items()]
        case Variant():
            return Variant, [(name, own(each)) for name, each in zip(of.names, of.contents, strict=True)]
    raise AssertionError(of)


def theirs(of: Any) -> Any:
    """The same, as wasmtime has read it."""
    match of:
        case wasmtimes.String() | None:
            return Text if of else type(None)
        case wasmtimes.ListType():
            item = theirs(of.element)
            return Octets if item == (1, int) else (List, item)
        case wasmtimes.OptionType():
            return Option, theirs(of.payload)
        case wasmtimes.RecordType():
            return Record, [(name, theirs(each)) for name, each in of.fields]
        case wasmtimes.VariantType():
            return Variant, [(name, theirs(each)) for name, each in of.cases]
        case wasmtimes.EnumType():
            return Variant, [(name, type(None)) for name in of.names]
        case wasmtimes.ResultType():
            return Variant, [("ok", theirs(of.ok)), ("err", theirs(of.err))]
    return NUMBERS[type(of)]


def functions(engine: Engine, of: Any) -> dict[str, Any]:
    found = {name: each.ty for name, each in of.exports(engine).items()}
    return {
        name: ([(parameter, theirs(each)) for parameter, each in ty.params], theirs(ty.result))
        for name, ty in found.items()
        if isinstance(ty, wasmtimes.FuncType)
    }


def test_the_types_are_those_that_wasmtime_reads(component: Path) -> None:
    engine = Engine()
    whole = wasmtimes.Component.from_file(engine, str(component)).type
    expected = {
        f"{interface}#{name}": signature
        for interface, each in whole.exports(engine).items()
        for name, signature in functions(engine, each.ty).items()
    }
    parts = take_apart(component.read_bytes())
    read = {name: (own(each.parameters)[1], own(each.returns)) for name, each in parts.functions.items()}
    assert read == expected
    send = parts.imported["send"]
    assert {"send": (own(send.parameters)[1], own(send.returns))} == functions(engine, whole.imports(engine)[HTTP].ty)


def test_what_is_damaged_is_refused_or_another_component(component: Path) -> None:
    whole = component.read_bytes()
    module = take_apart(whole).module
    begin = whole.index(module)
    end = begin + len(module)
    around = [*range(begin), *range(end, len(whole))]
    chance = random.Random(7)
    refused = 0
    for _ in range(300):
        at = chance.choice(around)
        damaged = whole[:at] if chance.random() < 0.3 else whole[:at] + bytes([chance.randrange(256)]) + whole[at + 1 :]
        try:
            imports(damaged)
            take_apart(damaged)
        except NotUnderstood:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("hostile/two-memories.wasm", "one core module"),
        ("klaviyo-wasi.wasm", "imports more than"),
        ("klaviyo-opt-in.wasm", "it is not the connector"),
    ],
)
def test_other_components_are_refused_with_the_reason(component: Path, file: str, words: str) -> None:
    with pytest.raises(ComponentError, match=words):
        Klaviyo(KEY, component=component.parent / file)


def test_a_core_module_is_refused(component: Path, tmp_path: Path) -> None:
    (module := tmp_path / "core.wasm").write_bytes(take_apart(component.read_bytes()).module)
    with pytest.raises(ComponentError, match="core module"):
        Klaviyo(KEY, component=module)


def test_a_component_of_another_world_is_refused(component: Path, tmp_path: Path) -> None:
    """Its module imports more than the component says."""
    whole = component.read_bytes()
    (other := tmp_path / "other.wasm").write_bytes(whole.replace(b"\x04send\x00", b"\x04sand\x00"))
    with pytest.raises(ComponentError, match="http@0.1.0"):
        Klaviyo(KEY, component=other)
