//! An instance that is used again, in a wasmtime of its own: what `klaviyo-host`, whose calls each have a fresh sandbox,
//! could be at best.

use super::answers::email;
use anyhow::{Result, bail, ensure};
use bindings::OptIn;
use bindings::exports::klaviyo::connector::contacts::Identifier;
use bindings::klaviyo::connector::http;
use bytes::Bytes;
use std::path::Path;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine, ResourceLimiter, Store};

#[allow(missing_docs, unreachable_pub)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod bindings {
    // The world whose interfaces the whole connector has, too.
    wasmtime::component::bindgen!({ path: "../wit", world: "opt-in" });
}

pub(super) struct Reused {
    store: Store<State>,
    connector: OptIn,
    memory_at_rest: usize,
}

struct State {
    answer: Bytes,
    memory: usize,
}

impl Reused {
    pub(super) fn load(file: &Path, answer: Bytes) -> Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        let engine = Engine::new(&config)?;
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        http::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let mut store = Store::new(&engine, State { answer, memory: 0 });
        store.limiter(|state| state);
        // Nothing advances the epoch.
        store.set_epoch_deadline(1);
        let connector = OptIn::instantiate(&mut store, &component, &linker)?;
        let memory_at_rest = store.data().memory;
        Ok(Self { store, connector, memory_at_rest })
    }

    pub(super) fn lookup(&mut self) -> Result<()> {
        let by = Identifier::Email(email(0));
        match self.connector.klaviyo_connector_contacts().call_lookup(&mut self.store, &by)? {
            Ok(found) => ensure!(found.is_some(), "the lookup found nobody"),
            Err(error) => bail!("the lookup failed: {}", error.message),
        }
        Ok(())
    }

    /// Bytes of linear memory before the first call.
    pub(super) fn memory_at_rest(&self) -> usize {
        self.memory_at_rest
    }
}

impl http::Host for State {
    fn send(&mut self, _: http::Request) -> Result<http::Response, http::Error> {
        Ok(http::Response { status: 200, headers: Vec::new(), body: self.answer.to_vec() })
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.memory += desired.saturating_sub(current);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
