//! A component that exports the connector's `http` and sends the requests with `wasi:http`.
//! `cargo xtask build` composes it with the connector to a component that runs wherever `wasi:http` and
//! `wasi:cli/environment` are.
//!
//! The two share no memory: this one reads the key from the environment, and the connector cannot see it.
//!
//! | variable | |
//! |---|---|
//! | `KLAVIYO_API_KEY` | the account's private key; without it every request is `denied` |
//! | `KLAVIYO_ENDPOINT` | the origin to send requests to instead of `https://a.klaviyo.com`: a simulator or a gateway |
//! | `KLAVIYO_API` | what `api.call` may ask for: `read` (any `GET`) or `all`; without it nothing |
//! | `KLAVIYO_API_BELOW` | of that, these paths and what is below them, with spaces between: `/api/events /api/lists` |
//!
//! Each request is sent once. Its answer has to be complete within 20 s and may have 10 MiB. A server that
//! sends the key back does not get it to the connector.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod access;
#[cfg(test)]
#[path = "../../host/src/access/cases.rs"]
mod cases;
mod check;
mod environment;
mod exchange;
mod failure;
/// klaviyo-host's own file: the two take the same paths.
#[path = "../../host/src/access/path.rs"]
mod path;

/// Generated from `wit/`.
#[allow(missing_docs, unreachable_pub, unsafe_code)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package klaviyo:wasi-http; world adapter { export klaviyo:connector/http@0.1.0; }",
        generate_all,
    });

    // Only for WebAssembly: other linkers do not take the names of a component's exports.
    #[cfg(target_arch = "wasm32")]
    use super::Adapter;
    #[cfg(target_arch = "wasm32")]
    export!(Adapter);
}

use access::ApiAccess;
use bindings::exports::klaviyo::connector::http;
use environment::{Endpoint, Key};

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// A panic is a trap: nothing could print its message.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

struct Adapter;

impl http::Guest for Adapter {
    fn send(request: http::Request) -> Result<http::Response, http::Error> {
        // Read for each request: keeping it would be one more copy of the key.
        let environment = wasip2::cli::environment::get_environment();
        let key = Key::of(&environment)?;
        let target = check::target(&request)?;
        let path = target.split('?').next().unwrap_or_default();
        ApiAccess::of(&environment)?.permit(&request, path)?;
        let fields = check::fields(&request, &key)?;
        match exchange::send(&request, &Endpoint::of(&environment)?, target, &fields) {
            Ok(response) => Ok(key.redact(response)),
            Err(http::Error::Other(reason)) => Err(http::Error::Other(key.redact_text(reason))),
            // The other sentences are this crate's own, without the key.
            Err(error) => Err(error),
        }
    }
}
