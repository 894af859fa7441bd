//! Reads the arguments of a function, which then are the component's.

use super::layout::{Layout, Shape};
use alloc::alloc::dealloc;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Reads values, from memory or from parameters.
pub(crate) struct Reader {
    at: usize,
    /// Parameters have a word for each number.
    parameters: bool,
}

#[allow(unsafe_code)]
impl Reader {
    /// Reads parameters.
    ///
    /// # Safety
    /// They are the caller's, for the types that are read; `at` is where they are. Each is read once.
    pub(crate) unsafe fn parameters(at: &[u32]) -> Self {
        Self { at: at.as_ptr() as usize, parameters: true }
    }

    /// Reads memory.
    ///
    /// # Safety
    /// The caller of the function wrote it, with the types that are read. Each is read once.
    pub(crate) unsafe fn memory(at: u32) -> Self {
        Self { at: at as usize, parameters: false }
    }

    fn align(&mut self, layout: Layout) {
        self.at = self.at.next_multiple_of(layout.align);
    }

    /// Where a value ends that begins here.
    fn end(&self, layout: Layout) -> usize {
        self.at + if self.parameters { 4 * layout.slots } else { layout.size }
    }

    #[inline(never)]
    fn byte(&mut self) -> u8 {
        // SAFETY: the caller wrote a number here. The first of its bytes is the lowest.
        let byte = unsafe { *(self.at as *const u8) };
        self.at += if self.parameters { 4 } else { 1 };
        byte
    }

    #[inline(never)]
    fn word(&mut self) -> u32 {
        self.at = self.at.next_multiple_of(4);
        // SAFETY: the caller wrote a number here.
        let word = unsafe { *(self.at as *const u32) };
        self.at += 4;
        word
    }

    /// Reads a record.
    pub(crate) fn record<T>(&mut self, layout: Layout, read: impl FnOnce(&mut Self) -> T) -> T {
        self.align(layout);
        let value = read(self);
        self.align(layout);
        value
    }

    /// Reads a variant.
    pub(crate) fn variant<T>(&mut self, layout: Layout, read: impl FnOnce(u8, &mut Self) -> T) -> T {
        self.align(layout);
        let end = self.end(layout);
        let case = self.byte();
        self.align(layout);
        let value = read(case, self);
        self.at = end;
        value
    }

    #[inline(never)]
    fn text(&mut self) -> String {
        let (at, length) = (self.word() as usize as *mut u8, self.word() as usize);
        // SAFETY: the caller had this memory from the allocator, with this length, and wrote a text to it.
        unsafe { String::from_raw_parts(at, length, length) }
    }

    /// Reads a list of items with this layout.
    fn list<T>(&mut self, layout: Layout, read: impl Fn(&mut Self) -> T) -> Vec<T> {
        let (at, length) = (self.word(), self.word() as usize);
        // SAFETY: the caller wrote that many items there, in memory from the allocator.
        unsafe {
            let mut from = Self::memory(at);
            let items = (0..length).map(|_| read(&mut from)).collect();
            free(at, Layout { size: layout.size * length, ..layout });
            items
        }
    }
}

/// Frees memory that the caller had from the allocator.
///
/// # Safety
/// It has this layout, and is not used again.
#[allow(unsafe_code)]
#[inline(never)]
pub(crate) unsafe fn free(at: u32, layout: Layout) {
    if layout.size > 0
        && let Ok(layout) = core::alloc::Layout::from_size_align(layout.size, layout.align)
    {
        // SAFETY: as this function's.
        unsafe { dealloc(at as usize as *mut u8, layout) };
    }
}

/// A type that functions take.
pub(crate) trait Lift: Shape {
    /// Reads it.
    fn lift(from: &mut Reader) -> Self;
}

impl Lift for u32 {
    fn lift(from: &mut Reader) -> Self {
        from.word()
    }
}

impl Lift for String {
    fn lift(from: &mut Reader) -> Self {
        from.text()
    }
}

impl<T: Lift> Lift for Vec<T> {
    #[inline(never)]
    fn lift(from: &mut Reader) -> Self {
        from.list(T::LAYOUT, T::lift)
    }
}

impl<T: Lift> Lift for Option<T> {
    #[inline(never)]
    fn lift(from: &mut Reader) -> Self {
        from.variant(Self::LAYOUT, |case, from| (case != 0).then(|| T::lift(from)))
    }
}

impl<T: Lift> Lift for Box<T> {
    fn lift(from: &mut Reader) -> Self {
        Self::new(T::lift(from))
    }
}
