//! Functions of the contract.

use super::layout::Shape;
use super::lower::{self, Lower};
use alloc::boxed::Box;
use klaviyo_core::Error;

/// Writes what a function of the core returned.
pub(crate) fn result<T: Lower + Shape + 'static>(result: Result<T, Box<Error>>) -> *const u32 {
    lower::write(Box::new(result), Result::<T, Box<Error>>::LAYOUT.size)
}

/// A function of the contract: `function!("interface", "name", (a, b), |http, argument: Type| …)`, with a name for
/// each number that the arguments are passed as. When there are more than sixteen, the caller writes the arguments
/// to memory: `function!("interface", "name", *, |http, argument: Type| …)`.
macro_rules! function {
    ($interface:literal, $name:literal, ($($slot:ident),*), |$http:ident $(, $argument:ident: $ty:ty)*| $call:expr) => {
        $crate::abi::function!(export $interface, $name, ($($slot),*), $http, {
            let slots: [u32; 0 $(+ <$ty as $crate::abi::Shape>::LAYOUT.slots)*] = [$($slot),*];
            // SAFETY: the runtime passes these arguments, and nobody else reads them.
            #[allow(unsafe_code)]
            let mut _from = unsafe { $crate::abi::Reader::parameters(&slots) };
            $(let $argument: $ty = $crate::abi::Lift::lift(&mut _from);)*
            $call
        });
    };
    ($interface:literal, $name:literal, *, |$http:ident $(, $argument:ident: $ty:ty)*| $call:expr) => {
        $crate::abi::function!(export $interface, $name, (at), $http, {
            // SAFETY: the caller wrote these arguments there, in memory from the allocator.
            #[allow(unsafe_code)]
            let mut from = unsafe { $crate::abi::Reader::memory(at) };
            $(let $argument: $ty = $crate::abi::Lift::lift(&mut from);)*
            // SAFETY: they have been read.
            #[allow(unsafe_code)]
            unsafe {
                $crate::abi::free(at, $crate::abi::Layout::record(&[$(<$ty as $crate::abi::Shape>::LAYOUT),*]));
            }
            $call
        });
    };
    (export $interface:literal, $name:literal, ($($slot:ident),*), $http:ident, $call:expr) => {
        // Only for WebAssembly: other linkers do not take the names of a component's exports.
        const _: () = {
            #[allow(unsafe_code)]
            #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
            #[cfg_attr(
                target_arch = "wasm32",
                unsafe(export_name = concat!("klaviyo:connector/", $interface, "@0.1.0#", $name))
            )]
            extern "C" fn call($($slot: u32),*) -> *const u32 {
                let $http = &mut $crate::http::Import(concat!($interface, ".", $name));
                $crate::abi::result($call)
            }

            #[allow(unsafe_code)]
            #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
            #[cfg_attr(
                target_arch = "wasm32",
                unsafe(export_name = concat!("cabi_post_klaviyo:connector/", $interface, "@0.1.0#", $name))
            )]
            extern "C" fn release(result: *const u32) {
                // SAFETY: the runtime passes what the function returned, once.
                unsafe { $crate::abi::release(result) };
            }
        };
    };
}

pub(crate) use function;
