//! The simulator as a component: `klaviyo-mock` bound to the connector's `http` and to an interface that
//! controls it. It imports nothing.

mod gateway;

use bindings::exports::klaviyo::connector::http as contract;
use bindings::exports::klaviyo::simulator::control;
use gateway::Gateway;
use parking_lot::{Mutex, MutexGuard};
use std::sync::LazyLock;

/// Generated from the connector's `wit/` and from this crate's.
#[allow(missing_docs, unreachable_pub, unsafe_code)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "wit"],
        world: "klaviyo:simulator/simulator",
        generate_all,
    });

    // Only for WebAssembly: other linkers do not take the names of a component's exports.
    #[cfg(target_arch = "wasm32")]
    use super::Component;
    #[cfg(target_arch = "wasm32")]
    export!(Component);
}

/// Smaller than the default allocator.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

static GATEWAY: LazyLock<Mutex<Gateway>> = LazyLock::new(Mutex::default);

fn gateway() -> MutexGuard<'static, Gateway> {
    GATEWAY.lock()
}

struct Component;

impl contract::Guest for Component {
    fn send(request: contract::Request) -> Result<contract::Response, contract::Error> {
        gateway().send(request)
    }
}

impl control::Guest for Component {
    fn reset(now: u32) {
        *gateway() = Gateway::new(now);
    }

    fn advance(milliseconds: u64) {
        gateway().advance(milliseconds);
    }

    fn add_key(key: String, scopes: Vec<String>) {
        gateway().add_key(&key, &scopes);
    }

    fn use_key(key: String) {
        gateway().use_key(key);
    }

    fn set_faults(rules: Vec<String>, seed: u64) -> Result<(), String> {
        gateway().set_faults(&rules, seed).map_err(|error| format!("{error:#}"))
    }

    fn state() -> String {
        gateway().state()
    }
}
