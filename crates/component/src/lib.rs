//! The component: `klaviyo-core` bound to the contract in `wit/`, and nothing else.
//!
//! `cargo xtask build` makes the component from it. It does without std, which could call nothing here and
//! whose panic messages nobody would see; so the file is smaller.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod convert;

use convert::each;

/// Generated from `wit/`.
#[allow(missing_docs, unreachable_pub, unsafe_code)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "connector", generate_all });

    // Only for WebAssembly: other linkers do not take the names of a component's exports.
    #[cfg(target_arch = "wasm32")]
    use super::Connector;
    #[cfg(target_arch = "wasm32")]
    export!(Connector);
}

use alloc::string::String;
use alloc::vec::Vec;
use bindings::exports::klaviyo::connector::{bulk, consent, contacts, lists, types};
use klaviyo_core::{Http, Request, Response, TransportError};

/// Smaller than the default allocator, and it frees memory that a reused instance no longer needs.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// A panic is a trap: nothing could print its message.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

struct Connector;

impl contacts::Guest for Connector {
    fn lookup(by: types::Identifier) -> Result<Option<types::Profile>, types::Error> {
        let profile = klaviyo_core::contacts::lookup(&mut Import, &by.into())?;
        Ok(profile.map(Into::into))
    }

    fn lookup_many(identifiers: Vec<types::Identifier>) -> Result<Vec<Option<types::Profile>>, types::Error> {
        let found = klaviyo_core::contacts::lookup_many(&mut Import, &each(identifiers))?;
        Ok(found.into_iter().map(|profile| profile.map(Into::into)).collect())
    }

    fn create(profile: types::NewProfile) -> Result<contacts::Creation, types::Error> {
        Ok(klaviyo_core::contacts::create(&mut Import, &profile.into())?.into())
    }

    fn subscribe(list: String, profiles: Vec<String>) -> Result<u32, types::Error> {
        Ok(klaviyo_core::contacts::subscribe(&mut Import, &list, &profiles)?)
    }

    fn upsert(profile: types::NewProfile) -> Result<contacts::Upserted, types::Error> {
        Ok(klaviyo_core::contacts::upsert(&mut Import, &profile.into())?.into())
    }

    fn opt_in(contact: types::NewProfile, list: String) -> Result<contacts::Receipt, types::Error> {
        Ok(klaviyo_core::contacts::opt_in(&mut Import, &contact.into(), &list)?.into())
    }
}

impl lists::Guest for Connector {
    fn all() -> Result<Vec<lists::Audience>, types::Error> {
        Ok(each(klaviyo_core::lists::all(&mut Import)?))
    }

    fn find(name: String) -> Result<Option<lists::Audience>, types::Error> {
        let list = klaviyo_core::lists::find(&mut Import, &name)?;
        Ok(list.map(Into::into))
    }
}

impl consent::Guest for Connector {
    fn grant(
        subscriptions: Vec<consent::Subscription>,
        list: Option<String>,
        options: consent::Options,
    ) -> Result<consent::Outcome, types::Error> {
        let (people, options) = (each(subscriptions), options.into());
        Ok(klaviyo_core::consent::grant(&mut Import, &people, list.as_deref(), &options)?.into())
    }

    fn revoke(
        unsubscriptions: Vec<consent::Unsubscription>,
        list: Option<String>,
    ) -> Result<consent::Outcome, types::Error> {
        let people = each(unsubscriptions);
        Ok(klaviyo_core::consent::revoke(&mut Import, &people, list.as_deref())?.into())
    }

    fn status(by: types::Identifier) -> Result<Option<consent::Consents>, types::Error> {
        let consents = klaviyo_core::consent::status(&mut Import, &by.into())?;
        Ok(consents.map(Into::into))
    }
}

impl bulk::Guest for Connector {
    fn submit(
        contacts: Vec<types::NewProfile>,
        list: Option<String>,
    ) -> Result<bulk::Submission, types::Error> {
        let contacts = each(contacts);
        Ok(klaviyo_core::bulk::submit(&mut Import, &contacts, list.as_deref())?.into())
    }

    fn status(job: String) -> Result<bulk::Job, types::Error> {
        Ok(klaviyo_core::bulk::status(&mut Import, &job)?.into())
    }

    fn failures(job: String) -> Result<Vec<bulk::Failure>, types::Error> {
        Ok(each(klaviyo_core::bulk::failures(&mut Import, &job)?))
    }

    fn jobs(newer_than: Option<String>) -> Result<Vec<bulk::Job>, types::Error> {
        Ok(each(klaviyo_core::bulk::jobs(&mut Import, newer_than.as_deref())?))
    }
}

/// Sends the core's requests over the component's only import.
struct Import;

impl Http for Import {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        match bindings::klaviyo::connector::http::send(&request.into()) {
            Ok(response) => Ok(response.into()),
            Err(error) => Err(error.into()),
        }
    }
}
