//! What wasmtime generates from the contract in `wit/`.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "connector",
    imports: { default: async | trappable },
    exports: { default: async },
    additional_derives: [PartialEq, serde::Serialize],
});
