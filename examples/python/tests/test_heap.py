"""Values in the memory of an instance, where the guest lies about them."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from klaviyo_connector._abi import List, Number, Octets, Option, Record, Text, Type, Variant
from klaviyo_connector._heap import HandedOver, Heap, Violation

SIZE = 4096
AT_ONCE = 1 << 20
PERSON = Record(
    [
        ("old", Number(1, bool)),
        ("name", Text()),
        ("year", Number(2)),
        ("email", Option(Text())),
        ("scores", List(Number(4))),
        ("picture", Octets()),
        ("state", Variant([("new", None), ("left", Number(4)), ("other", Text())])),
    ]
)


class Guest:
    """A memory, and an allocator that gives out one place behind the other."""

    def __init__(self, size: int = SIZE) -> None:
        self.memory = bytearray(size)
        self.free = 1024
        self.heap = Heap(lambda: memoryview(self.memory), self.realloc, AT_ONCE)

    def realloc(self, old: int, old_size: int, align: int, size: int) -> int:
        at = -(-self.free // align) * align
        self.free = at + size
        if self.free > len(self.memory):
            # As a memory of WebAssembly, it grows to another view of it.
            self.memory = self.memory + bytes(self.free - len(self.memory))
        return at


def person(name: str, **more: Any) -> dict[str, Any]:
    given = {"old": True, "name": name, "year": 1999, "email": None, "scores": [1, 1 << 31], "picture": b"\0\xff"}
    return {**given, "state": ("new", None), **more}


def written(value: dict[str, Any]) -> dict[str, Any]:
    """The same before it is written."""
    texts = {name: each.encode() for name, each in value.items() if isinstance(each, str)}
    case, content = value["state"]
    return {**value, **texts, "state": (case, content.encode() if isinstance(content, str) else content)}


@pytest.mark.parametrize(
    "value",
    [
        person("Priya"),
        person("", scores=[], picture=b"", state=("left", 7)),
        person("\0é😀", email="priya@example.com", state=("other", "word")),
        person("x" * 5_000, picture=bytes(9_000)),
    ],
)
def test_what_is_written_is_read(value: dict[str, Any]) -> None:
    lowered = written(value) if value["email"] is None else {**written(value), "email": value["email"].encode()}
    guest = Guest()
    at = guest.heap.allocate(PERSON.align, PERSON.size)
    PERSON.store(guest.heap, at, lowered)
    assert PERSON.load(guest.heap, at) == value
    numbers = PERSON.flatten(guest.heap, lowered)
    assert len(numbers) == PERSON.count
    guest.heap.after_guest()
    assert PERSON.take(guest.heap, iter(numbers)) == value


def test_the_layout_is_that_of_the_canonical_abi() -> None:
    assert [begin for _, begin in PERSON.members.values()] == [0, 4, 12, 16, 28, 36, 44]
    assert (PERSON.size, PERSON.align, PERSON.count) == (56, 4, 14)
    guest = Guest()
    PERSON.store(guest.heap, 64, written(person("Priya", state=("left", 7))))
    fields = struct.unpack_from("<B3xIIH2xB3x8xIIIIB3xI", guest.memory, 64)
    assert fields == (1, 1024, 5, 1999, 0, 1032, 2, 1040, 2, 1, 7)


@pytest.mark.parametrize(
    ("of", "content", "ends"),
    [
        (Text(), (SIZE - 4, 5), Violation),
        (Text(), (SIZE, 0), None),
        (Text(), (0xFFFFFFF0, 4), Violation),
        (Text(), (0, 0xFFFFFFFF), Violation),
        (Octets(), (SIZE - 4, 5), Violation),
        (List(Number(4)), (SIZE - 4, 2), Violation),
        (List(Number(4)), (2, 1), Violation),
        (List(Number(4)), (0, 0xFFFFFFFF), Violation),
        (List(Text()), (8, (SIZE - 8) // 8), None),
        (Variant([("a", None), ("b", None)]), (1, 0), None),
        (Variant([("a", None), ("b", None)]), (2, 0), Violation),
        (Variant([("a", None), ("b", None)]), (255, 0), Violation),
        (Option(Number(4)), (2, 0), Violation),
    ],
)
def test_what_a_guest_may_say(of: Type, content: tuple[int, int], ends: type[Exception] | None) -> None:
    """In memory, and among arguments."""
    for among_arguments in (False, True):
        guest = Guest()
        struct.pack_into("<II", guest.memory, 0, *content)

        def read() -> None:
            of.take(guest.heap, iter(content)) if among_arguments else of.load(guest.heap, 0)

        if ends is None:
            read()
        else:
            with pytest.raises(ends):
                read()


@pytest.mark.parametrize("of", [Number(1), Number(2), Number(4), Text(), Option(Text()), Variant([("a", None)]), PERSON])
@pytest.mark.parametrize("at", [SIZE, SIZE + 1, 0xFFFFFFF0])
def test_an_address_outside(of: Type, at: int) -> None:
    with pytest.raises((Violation, struct.error)):
        of.load(Guest().heap, at)


def test_a_text_that_is_not_utf_8() -> None:
    guest = Guest()
    guest.memory[0:2] = b"\xff\xfe"
    with pytest.raises(UnicodeDecodeError):
        guest.heap.text(0, 2)


def test_much_that_is_handed_over_again_and_again() -> None:
    """A list of texts, each of which is all of the memory."""
    guest = Guest(1 << 16)
    count = 1_000
    for number in range(count):
        struct.pack_into("<II", guest.memory, 8 * number, 0, 1 << 16)
    guest.heap.after_guest()
    with pytest.raises(HandedOver):
        List(Text()).take(guest.heap, iter((0, count)))
    # It begins anew when the guest has run.
    guest.heap.after_guest()
    assert len(guest.heap.text(0, 1 << 10)) == 1 << 10


@pytest.mark.parametrize("at", [SIZE - 4, 0xFFFFFFF0, 1026])
def test_an_allocator_that_lies(at: int) -> None:
    guest = Guest()
    heap = Heap(lambda: memoryview(guest.memory), lambda *_: at, AT_ONCE)
    with pytest.raises(Violation):
        heap.allocate(4, 8)


def test_a_value_that_is_larger_than_any_memory() -> None:
    with pytest.raises(Violation):
        Guest().heap.allocate(1, 1 << 32)
