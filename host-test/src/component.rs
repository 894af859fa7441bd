//! The component in wasmtime.

use crate::{Sent, Shared, Subject, TransportError, value};
use anyhow::{Context, Result, bail};
use bindings::klaviyo::connector::http;
use serde_json::Value;
use std::path::{Path, PathBuf};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, Val};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder};

#[allow(missing_docs, unreachable_pub)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "connector" });
}

/// The version of the package in `wit/`, which is not that of the crates.
const CONTRACT_VERSION: &str = "0.1.0";
/// More than any call needs, and little enough that a call that never ends fails a test instead of hanging it.
const FUEL: u64 = 20_000_000_000;
/// More than any call needs.
const MEMORY: usize = 64 << 20;

/// A component of this contract, compiled.
pub struct Connector {
    instance: InstancePre<State>,
}

struct State {
    upstream: Shared,
    limits: StoreLimits,
}

/// Where `cargo xtask build` puts the component.
#[must_use]
pub fn artifact() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).join("target/component/klaviyo.wasm")
}

impl Connector {
    /// Loads and compiles a component file.
    ///
    /// # Errors
    /// When it cannot be read, is not a component, or imports anything but the contract's `http`.
    pub fn load(file: &Path) -> Result<Self> {
        if !file.exists() {
            bail!("there is no component at {}; `cargo xtask build` makes it", file.display());
        }
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config)?;
        let component = Component::from_binary(&engine, &bytes)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("{} is not a component", file.display()))?;
        let mut linker = Linker::new(&engine);
        http::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let instance = linker
            .instantiate_pre(&component)
            .map_err(anyhow::Error::from)
            .context("the component imports more than the contract's `http`")?;
        Ok(Self { instance })
    }

    fn store(&self, upstream: Shared) -> Result<Store<State>> {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY).build();
        let mut store = Store::new(self.instance.engine(), State { upstream, limits });
        store.limiter(|state| &mut state.limits);
        store.set_fuel(FUEL)?;
        Ok(store)
    }
}

impl Subject for Connector {
    fn call(&self, function: &str, arguments: &[Value], upstream: Shared) -> Result<Value> {
        let mut store = self.store(upstream)?;
        let instance = self.instance.instantiate(&mut store)?;
        let unknown =
            || format!("the component has no function {function}; see wit/ for those of the contract");
        let (interface, name) = function.split_once('.').with_context(unknown)?;
        let interface = format!("klaviyo:connector/{interface}@{CONTRACT_VERSION}");
        let interface = instance.get_export_index(&mut store, None, &interface).with_context(unknown)?;
        let name = instance.get_export_index(&mut store, Some(&interface), name).with_context(unknown)?;
        let function = instance.get_func(&mut store, name).with_context(unknown)?;

        let ty = function.ty(&store);
        let parameters: Vec<_> = ty.params().collect();
        if parameters.len() != arguments.len() {
            bail!("the function takes {} arguments, not {}", parameters.len(), arguments.len());
        }
        let read = |(argument, (name, ty)): (&Value, &(&str, _))| {
            value::read(argument, ty).with_context(|| format!("argument {name}"))
        };
        let arguments: Vec<Val> = arguments.iter().zip(&parameters).map(read).collect::<Result<_>>()?;
        let mut results = vec![Val::Bool(false); ty.results().len()];
        let called = function.call(&mut store, &arguments, &mut results);
        called.map_err(anyhow::Error::from).context("the call trapped")?;
        value::write(results.first().context("the function returns nothing")?)
    }
}

impl http::Host for State {
    fn send(&mut self, request: http::Request) -> std::result::Result<http::Response, http::Error> {
        let method = match request.method {
            http::Method::Get => "GET",
            http::Method::Post => "POST",
            http::Method::Patch => "PATCH",
            http::Method::Delete => "DELETE",
        };
        let sent = Sent {
            method: method.to_owned(),
            url: request.url,
            headers: request.headers.into_iter().map(|h| (h.name, h.value)).collect(),
            auth: request.auth,
            body: request.body,
        };
        match self.upstream.borrow_mut().send(sent) {
            Ok(response) => Ok(http::Response {
                status: response.status,
                headers: response
                    .headers
                    .into_iter()
                    .map(|(name, value)| http::Header { name, value })
                    .collect(),
                body: response.body,
            }),
            Err(error) => Err(match error {
                TransportError::Denied(reason) => http::Error::Denied(reason),
                TransportError::Timeout(reason) => http::Error::Timeout(reason),
                TransportError::Connection(reason) => http::Error::Connection(reason),
                TransportError::TooLarge(reason) => http::Error::TooLarge(reason),
                TransportError::Other(reason) => http::Error::Other(reason),
            }),
        }
    }
}
