//! How much memory a piece of code holds at most.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's allocator, with a count of the bytes.
struct Counting;

fn takes(bytes: usize) {
    let held = HELD.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    MOST.fetch_max(held, Relaxed);
}

fn gives(bytes: usize) {
    HELD.fetch_sub(bytes, Relaxed);
}

// SAFETY: all is left to the system's allocator; the counts are beside it.
#[allow(unsafe_code, reason = "the trait of allocators is unsafe")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        takes(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        gives(layout.size());
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While a block moves, both are held.
        takes(size);
        gives(layout.size());
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Runs code, and returns the most bytes that the process held meanwhile, beyond what it held before.
pub fn most<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    let value = run();
    (value, MOST.load(Relaxed).saturating_sub(before))
}

#[cfg(test)]
mod tests {
    use super::most;

    #[test]
    fn the_most_is_counted_and_not_what_is_left() {
        // Other tests of this process take memory, too.
        const BYTES: usize = 512 << 20;
        let (_, held) = most(|| drop(Vec::<u8>::with_capacity(BYTES)));
        assert!((BYTES..2 * BYTES).contains(&held), "{held}");
        let (_, held) = most(|| drop(Vec::<u8>::with_capacity(1)));
        assert!(held < BYTES, "{held}");
    }
}
