//! The heap: what the stack and the data leave of the memory that an instance starts with, and then more pages.

use core::alloc::Layout;
use core::arch::wasm32::{memory_grow, memory_size};
use core::ptr::NonNull;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// Smaller than the default allocator, and it frees memory that a reused instance no longer needs.
#[global_allocator]
static ALLOCATOR: TalcSyncCell<Pages, WasmBinning> = TalcSyncCell::new_wasm(Pages { end: None });

const PAGE: usize = 64 * 1024;
/// The most that the allocator adds to an allocation, in bytes.
const OVERHEAD: usize = 64;

#[allow(unsafe_code)]
unsafe extern "C" {
    /// The linker's: what is behind it belongs to nobody.
    static __heap_base: u8;
}

/// Nothing but the allocator grows the memory, so the heap is one piece.
#[derive(Debug)]
struct Pages {
    /// The end of the heap; none before the first allocation.
    end: Option<NonNull<u8>>,
}

// SAFETY: it allocates nothing, and hands over each byte once.
#[allow(unsafe_code)]
unsafe impl Source for Pages {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        talc.source.end = match talc.source.end {
            // SAFETY: the bytes from here to the end of the memory belong to nobody.
            None => unsafe {
                let base = (&raw const __heap_base).cast_mut();
                talc.claim(base, (memory_size::<0>() * PAGE).saturating_sub(base.addr()))
            },
            Some(end) => {
                let pages = layout.size().saturating_add(layout.align() + OVERHEAD).div_ceil(PAGE);
                let before = memory_grow::<0>(pages);
                if before == usize::MAX {
                    return Err(());
                }
                // SAFETY: the new pages follow the old ones, which end where the heap ends.
                Some(unsafe { talc.extend(end, core::ptr::without_provenance_mut((before + pages) * PAGE)) })
            }
        };
        talc.source.end.map(|_| ()).ok_or(())
    }
}
