//! The component: `klaviyo-core` bound to the contract in `wit/`, and nothing else.
//!
//! Each interface of the contract is a module with its functions and its types; [`abi`] says how they are read and
//! written, and [`http`] is the import.
//!
//! With the feature `whole`, the default, it has the world `connector`, and without it the world `opt-in`.
//!
//! `cargo xtask build` makes the component from it. It does without std, which could call nothing here and
//! whose panic messages nobody would see; so the file is smaller.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod abi;
#[cfg(feature = "whole")]
mod account;
#[cfg(feature = "whole")]
mod api;
#[cfg(feature = "whole")]
mod bulk;
#[cfg(feature = "whole")]
mod changes;
mod consent;
mod contacts;
#[cfg(feature = "whole")]
mod events;
#[cfg(target_arch = "wasm32")]
mod heap;
mod http;
mod lists;
#[cfg(feature = "whole")]
mod privacy;
#[cfg(feature = "whole")]
mod segments;
mod types;

/// Generated from `wit/`: the import, and the world for `wit-component`.
#[allow(dead_code, missing_docs, unreachable_pub, unsafe_code)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod bindings {
    #[cfg(feature = "whole")]
    wit_bindgen::generate!({ path: "../../wit", world: "connector", generate_all });
    #[cfg(not(feature = "whole"))]
    wit_bindgen::generate!({ path: "../../wit", world: "opt-in", generate_all });
}

/// A panic is a trap: nothing could print its message.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
