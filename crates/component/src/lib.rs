//! The component: `klaviyo-core` bound to the contract in `wit/`, and nothing else.
//!
//! `cargo xtask build` makes the component from it.

mod convert;

/// Generated from `wit/`.
#[allow(missing_docs, unreachable_pub, unsafe_code)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "connector", generate_all });

    // The names of a component's exports are no symbols that another platform's linker takes.
    #[cfg(target_arch = "wasm32")]
    use super::Connector;
    #[cfg(target_arch = "wasm32")]
    export!(Connector);
}

use bindings::exports::klaviyo::connector::{contacts, lists, types};
use klaviyo_core as core;

/// Smaller than the default allocator, and frees what a reused instance does not need any more.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

struct Connector;

impl contacts::Guest for Connector {
    fn lookup(by: types::Identifier) -> Result<Option<types::Profile>, types::Error> {
        let profile = core::contacts::lookup(&mut Import, &by.into())?;
        Ok(profile.map(Into::into))
    }

    fn create(profile: types::NewProfile) -> Result<contacts::Creation, types::Error> {
        Ok(core::contacts::create(&mut Import, &profile.into())?.into())
    }

    fn subscribe(list: String, profiles: Vec<String>) -> Result<u32, types::Error> {
        Ok(core::contacts::subscribe(&mut Import, &list, &profiles)?)
    }

    fn upsert(profile: types::NewProfile) -> Result<contacts::Upserted, types::Error> {
        Ok(core::contacts::upsert(&mut Import, &profile.into())?.into())
    }

    fn opt_in(contact: types::NewProfile, list: String) -> Result<contacts::Receipt, types::Error> {
        Ok(core::contacts::opt_in(&mut Import, &contact.into(), &list)?.into())
    }
}

impl lists::Guest for Connector {
    fn all() -> Result<Vec<lists::Audience>, types::Error> {
        let lists = core::lists::all(&mut Import)?;
        Ok(lists.into_iter().map(Into::into).collect())
    }

    fn find(name: String) -> Result<Option<lists::Audience>, types::Error> {
        let list = core::lists::find(&mut Import, &name)?;
        Ok(list.map(Into::into))
    }
}

/// The component's only import, as the core's way to send a request.
struct Import;

impl core::Http for Import {
    fn send(&mut self, request: core::Request) -> Result<core::Response, core::TransportError> {
        match bindings::klaviyo::connector::http::send(&request.into()) {
            Ok(response) => Ok(response.into()),
            Err(error) => Err(error.into()),
        }
    }
}
