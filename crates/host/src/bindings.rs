//! What wasmtime generates from the contract in `wit/`.
//!
//! `lookup` is the last function of its interface there: the code below has a closure of this name, which it cannot call
//! any more once it has got to the function. In `wit/` a sentence about that would be documentation of the function.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "connector",
    imports: { default: async | trappable },
    exports: { default: async },
    additional_derives: [PartialEq, serde::Serialize],
});
