//! Writes what a function returns.

use super::layout::{Layout, Shape};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use klaviyo_core::Error;

/// Writes values. Texts are not copied: they stay where they are until the caller has read them.
#[derive(Default)]
pub(crate) struct Writer {
    /// The memory that is written now, zeroed before.
    words: Vec<u32>,
    /// The position in it, in bytes.
    at: usize,
    /// The memory that is written already.
    done: Vec<Vec<u32>>,
}

impl Writer {
    /// Goes to a position with the alignment of `layout`.
    pub(crate) fn align(&mut self, layout: Layout) {
        self.at = self.at.next_multiple_of(layout.align);
    }

    /// Writes a number of one, two or four bytes.
    #[inline(never)]
    fn number(&mut self, value: u32, size: usize) {
        self.at = self.at.next_multiple_of(size);
        if let Some(word) = self.words.get_mut(self.at / 4) {
            *word |= value << (8 * (self.at % 4));
        }
        self.at += size;
    }

    /// Writes where a text or a list is, and how long.
    #[inline(never)]
    fn pointer<T>(&mut self, at: *const T, length: usize) {
        // On the target, an address has 32 bits.
        self.number(at as usize as u32, 4);
        self.number(length as u32, 4);
    }

    /// Writes the number of a case, and goes to its payload. Returns where the variant ends.
    #[inline(never)]
    pub(crate) fn variant(&mut self, layout: Layout, case: u8) -> usize {
        self.align(layout);
        let end = self.at + layout.size;
        self.number(case.into(), 1);
        self.align(layout);
        end
    }

    /// Goes to the end of a variant.
    pub(crate) fn end(&mut self, end: usize) {
        self.at = end;
    }

    /// Begins new memory, and returns what was written until now, with the position in it.
    #[inline(never)]
    fn begin(&mut self, size: usize) -> (Vec<u32>, usize) {
        (mem::replace(&mut self.words, vec![0; size.div_ceil(4)]), mem::take(&mut self.at))
    }

    /// Ends the memory that was begun, and writes a pointer to it into the memory before.
    #[inline(never)]
    fn finish(&mut self, (words, at): (Vec<u32>, usize), length: usize) {
        let list = mem::replace(&mut self.words, words);
        self.at = at;
        self.pointer(list.as_ptr(), length);
        self.done.push(list);
    }
}

/// What a function returned, until the caller has read it.
struct Returned {
    words: Vec<u32>,
    /// What the words point to.
    _value: Box<dyn Lower>,
    _lists: Vec<Vec<u32>>,
}

/// Writes what a function returns, which has this size, and says where it is.
#[allow(unsafe_code)]
#[inline(never)]
pub(crate) fn write(value: Box<dyn Lower>, size: usize) -> *const u32 {
    let mut writer = Writer::default();
    writer.begin(4 + size);
    // Room for the address by which `release` finds everything.
    writer.number(0, 4);
    value.lower(&mut writer);
    let returned = Returned { words: writer.words, _value: value, _lists: writer.done };
    let returned = Box::into_raw(Box::new(returned));
    // SAFETY: it was made here, and nobody else has it. The memory has a word more than the result.
    unsafe {
        if let Some(first) = (*returned).words.first_mut() {
            *first = returned as usize as u32;
        }
        (*returned).words.as_ptr().add(1)
    }
}

/// Frees what [`write`] returned.
///
/// # Safety
/// `result` is of [`write`], and is not used again.
#[allow(unsafe_code)]
#[inline(never)]
pub(crate) unsafe fn release(result: *const u32) {
    // SAFETY: `write` leaked it, and put its address before the result.
    drop(unsafe { Box::from_raw(*result.sub(1) as usize as *mut Returned) });
}

/// A type that functions return.
pub(crate) trait Lower {
    /// Writes it.
    fn lower(&self, to: &mut Writer);
}

impl Lower for () {
    fn lower(&self, _: &mut Writer) {}
}

impl Lower for bool {
    fn lower(&self, to: &mut Writer) {
        to.number((*self).into(), 1);
    }
}

impl Lower for u16 {
    fn lower(&self, to: &mut Writer) {
        to.number((*self).into(), 2);
    }
}

impl Lower for u32 {
    fn lower(&self, to: &mut Writer) {
        to.number(*self, 4);
    }
}

impl Lower for String {
    fn lower(&self, to: &mut Writer) {
        to.pointer(self.as_ptr(), self.len());
    }
}

impl<T: Lower + Shape> Lower for Vec<T> {
    #[inline(never)]
    fn lower(&self, to: &mut Writer) {
        let outer = to.begin(self.len() * T::LAYOUT.size);
        for item in self {
            item.lower(to);
        }
        to.finish(outer, self.len());
    }
}

impl<T: Lower + Shape> Lower for Option<T> {
    #[inline(never)]
    fn lower(&self, to: &mut Writer) {
        let end = to.variant(Self::LAYOUT, self.is_some().into());
        if let Some(value) = self {
            value.lower(to);
        }
        to.end(end);
    }
}

impl<T: Lower> Lower for Box<T> {
    fn lower(&self, to: &mut Writer) {
        (**self).lower(to);
    }
}

impl<T: Lower + Shape> Lower for Result<T, Box<Error>> {
    fn lower(&self, to: &mut Writer) {
        to.variant(Self::LAYOUT, self.is_err().into());
        match self {
            Ok(value) => value.lower(to),
            Err(error) => error.lower(to),
        }
    }
}
