//! How much room a type takes.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core::Error;

/// The room that a type takes in memory, and as parameters. The contract has no type that is aligned to more than
/// four bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    /// Bytes in memory.
    pub(crate) size: usize,
    /// The alignment in memory.
    pub(crate) align: usize,
    /// The number of parameters.
    pub(crate) slots: usize,
}

impl Layout {
    const fn number(size: usize) -> Self {
        Self { size, align: size, slots: 1 }
    }

    /// A text or a list: where it is, and how long.
    const fn pointer() -> Self {
        Self { size: 8, align: 4, slots: 2 }
    }

    /// Fields, one after the other.
    pub(crate) const fn record(mut fields: &[Self]) -> Self {
        let mut layout = Self { size: 0, align: 1, slots: 0 };
        while let [field, rest @ ..] = fields {
            layout.size = layout.size.next_multiple_of(field.align) + field.size;
            layout.align = max(layout.align, field.align);
            layout.slots += field.slots;
            fields = rest;
        }
        layout.size = layout.size.next_multiple_of(layout.align);
        layout
    }

    /// A byte with the number of the case, and room for any of the payloads.
    pub(crate) const fn variant(mut payloads: &[Self]) -> Self {
        let mut largest = Self { size: 0, align: 1, slots: 0 };
        while let [payload, rest @ ..] = payloads {
            largest.size = max(largest.size, payload.size);
            largest.align = max(largest.align, payload.align);
            largest.slots = max(largest.slots, payload.slots);
            payloads = rest;
        }
        // After the byte, the payload is aligned.
        let size = (largest.align + largest.size).next_multiple_of(largest.align);
        Self { size, align: largest.align, slots: 1 + largest.slots }
    }
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// A type that the contract has.
pub(crate) trait Shape {
    const LAYOUT: Layout;
    /// Its fields or cases.
    #[cfg(test)]
    const NAMES: &[&str] = &[];
}

/// The layout of a field.
pub(crate) const fn field<T, F: Shape>(_: fn(&T) -> &F) -> Layout {
    F::LAYOUT
}

/// The layout of a case's payload.
pub(crate) const fn payload<T, P: Shape>(_: fn(P) -> T) -> Layout {
    P::LAYOUT
}

impl Shape for () {
    const LAYOUT: Layout = Layout::record(&[]);
}

impl Shape for bool {
    const LAYOUT: Layout = Layout::number(1);
}

impl Shape for u16 {
    const LAYOUT: Layout = Layout::number(2);
}

impl Shape for u32 {
    const LAYOUT: Layout = Layout::number(4);
}

impl Shape for String {
    const LAYOUT: Layout = Layout::pointer();
}

impl<T> Shape for Vec<T> {
    const LAYOUT: Layout = Layout::pointer();
}

impl<T: Shape> Shape for Option<T> {
    const LAYOUT: Layout = Layout::variant(&[T::LAYOUT]);
}

/// The core boxes what is large and rare; the contract has no boxes.
impl<T: Shape> Shape for Box<T> {
    const LAYOUT: Layout = T::LAYOUT;
}

impl<T: Shape> Shape for Result<T, Box<Error>> {
    const LAYOUT: Layout = Layout::variant(&[T::LAYOUT, Error::LAYOUT]);
}
