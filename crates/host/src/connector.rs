//! The component, compiled once for a whole process, and its settings.

use crate::account::AccountId;
use crate::bindings;
use crate::cache;
use crate::client::{HttpTransport, HttpTransportError};
use crate::egress::Egress;
use crate::engine::{self, Ticker};
use crate::exports::Exports;
use crate::fair::FairSemaphore;
use crate::limits::Limits;
use crate::observer::AttemptObserver;
use crate::outbound::OutboundSettings;
use crate::sandbox::CallState;
use crate::sections::sections;
use crate::transport::Transport;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wasmparser::{BinaryReaderError, ComponentImport, ComponentTypeRef, Parser, Payload};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

/// The only import that a component may have.
const IMPORT: &str = "klaviyo:connector/http";
/// The connector, compiled and ready: one for a process, shared by all tenants and threads. Cloning it is
/// cheap.
///
/// ```no_run
/// let connector = klaviyo_host::Connector::load("klaviyo.wasm")?;
/// # Ok::<(), klaviyo_host::LoadError>(())
/// ```
#[derive(Clone)]
pub struct Connector {
    pub(crate) inner: Arc<ConnectorInner>,
}

pub(crate) struct ConnectorInner {
    pub(crate) outbound: Arc<OutboundSettings>,
    pub(crate) instance: InstancePre<CallState>,
    pub(crate) exports: Exports,
    /// Has a permit for each place in the pool of instances.
    pub(crate) calls: Arc<FairSemaphore<AccountId>>,
    pub(crate) ticker: Option<Ticker>,
}

/// Settings of a [`Connector`].
#[derive(Default)]
pub struct ConnectorBuilder {
    limits: Limits,
    egress: Egress,
    transport: Option<Arc<dyn Transport>>,
    observer: Option<Arc<dyn AttemptObserver>>,
    cache: Option<PathBuf>,
}

/// Why there is no connector.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// The bytes are something else.
    #[error("this is not a WebAssembly component")]
    NoComponent,
    /// It is damaged, or this version of wasmtime cannot compile it, or it needs more from the start than the
    /// limits allow.
    #[error(
        "this is not a component that can be compiled within these limits; one that is composed of several needs \
         Limits::components"
    )]
    Compile(#[source] wasmtime::Error),
    /// It imports more than a connector needs.
    #[error("the component imports {}; a connector imports {IMPORT} and nothing else, so it was not loaded", .0.join(", "))]
    Imports(Vec<String>),
    /// It does not export the functions of a connector.
    #[error("this component is not a Klaviyo connector of a version that this host knows")]
    Exports(#[source] wasmtime::Error),
    /// The limits contradict each other, or this machine cannot keep them.
    #[error("these limits cannot be kept on this machine")]
    Limits(#[source] wasmtime::Error),
    /// HTTPS cannot be set up.
    #[error(transparent)]
    Transport(#[from] HttpTransportError),
    /// The thread that measures computing time cannot be started.
    #[error("cannot start the thread that measures computing time")]
    Ticker(#[source] std::io::Error),
    /// The folder for compiled components cannot be written to.
    #[error("cannot keep a compiled component in {}", .0.display())]
    Cache(PathBuf, #[source] std::io::Error),
}

impl Connector {
    /// Loads a component file with default limits and egress.
    ///
    /// # Errors
    /// When it cannot be read or compiled, or is not a connector.
    pub fn load(file: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::builder().load(file)
    }

    /// A connector with settings of its own.
    #[must_use]
    pub fn builder() -> ConnectorBuilder {
        ConnectorBuilder::default()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutboundSettings { limits, egress, .. } = self.inner.outbound.as_ref();
        f.debug_struct("Connector").field("limits", limits).field("egress", egress).finish_non_exhaustive()
    }
}

impl ConnectorBuilder {
    /// Sets the limits of calls.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the allowed destinations of requests.
    #[must_use]
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = egress;
        self
    }

    /// Replaces [`HttpTransport`].
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sets who hears of each attempt at a request. Default: nobody.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn AttemptObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Sets a folder for the compiled component, so that the next process starts in milliseconds. It is made
    /// if it does not exist, and may be emptied at any time. Code is run from it: it is used on Unix only,
    /// and only if nobody but this user and root owns or can write to it, its files and the folders above it.
    #[must_use]
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// Compiles a component file into the folder of [`ConnectorBuilder::cache`], for example while a program
    /// is deployed, and returns the written file. The same build of this program on the same kind of machine
    /// uses it.
    ///
    /// # Errors
    /// When the file cannot be read or compiled, or the folder cannot be written to. The default folder is
    /// that of the component.
    pub fn precompile(self, file: impl AsRef<Path>) -> Result<PathBuf, LoadError> {
        let file = file.as_ref();
        let engine = engine::new(&self.limits).map_err(LoadError::Limits)?;
        let component = read(file)?;
        require_imports(&component)?;
        let folder = self.cache.unwrap_or_else(|| match file.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        });
        let compiled = Component::from_binary(&engine, &component).map_err(LoadError::Compile)?;
        cache::keep(&folder, &engine, &component, &compiled).map_err(|error| LoadError::Cache(folder, error))
    }

    /// Loads a component file. Compiling blocks for about a second, unless the folder has the compiled
    /// component: do not call it in an async task.
    ///
    /// # Errors
    /// When it cannot be read or compiled, or is not a connector, or the settings cannot be kept.
    pub fn load(self, file: impl AsRef<Path>) -> Result<Connector, LoadError> {
        let component = read(file.as_ref())?;
        self.from_bytes(&component)
    }

    /// Loads the bytes of a component.
    ///
    /// # Errors
    /// When they cannot be compiled, or are not a connector, or the settings cannot be kept.
    pub fn from_bytes(self, component: &[u8]) -> Result<Connector, LoadError> {
        require_imports(component)?;
        let engine = engine::new(&self.limits).map_err(LoadError::Limits)?;
        let component = match &self.cache {
            Some(folder) => cache::load(folder, &engine, component),
            None => Component::from_binary(&engine, component),
        };
        let component = component.map_err(LoadError::Compile)?;
        let mut linker = Linker::new(&engine);
        bindings::klaviyo::connector::http::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| {
            state
        })
        .map_err(LoadError::Exports)?;
        let instance = linker.instantiate_pre(&component).map_err(LoadError::Exports)?;
        let exports = Exports::new(&component);
        if exports.is_empty() {
            return Err(LoadError::Exports(wasmtime::Error::msg(
                "it exports no function of klaviyo:connector",
            )));
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::new(&self.egress, &self.limits)?),
        };
        let ticker = (self.limits.cpu != Duration::MAX).then(|| Ticker::start(engine)).transpose();
        let ticker = ticker.map_err(LoadError::Ticker)?;
        let calls = FairSemaphore::new(self.limits.concurrent_calls as usize);
        let Self { limits, egress, observer, .. } = self;
        let outbound = Arc::new(OutboundSettings { limits, egress, transport, observer });
        let inner = ConnectorInner { outbound, instance, exports, calls, ticker };
        Ok(Connector { inner: Arc::new(inner) })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(file).map_err(|error| LoadError::Read(file.to_owned(), error))
}

/// Refuses a component that imports more than `http`. It is asked before it is compiled: one for another host may
/// not fit the limits of this one, and that would be the lesser reason.
fn require_imports(component: &[u8]) -> Result<(), LoadError> {
    if !Parser::is_component(component) {
        return Err(LoadError::NoComponent);
    }
    let unreadable = |error: BinaryReaderError| LoadError::Compile(error.into());
    let mut others = Vec::new();
    for section in sections(component) {
        let Payload::ComponentImportSection(imports) = section.map_err(unreadable)? else { continue };
        for import in imports {
            let ComponentImport { name, ty } = import.map_err(unreadable)?;
            let known = name.name.split('@').next() == Some(IMPORT);
            if !(known && matches!(ty, ComponentTypeRef::Instance(_))) {
                others.push(name.name.to_owned());
            }
        }
    }
    if others.is_empty() { Ok(()) } else { Err(LoadError::Imports(others)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_component_are_told_from_a_damaged_one() {
        let load = |bytes: &[u8]| Connector::builder().from_bytes(bytes).unwrap_err();
        for none in [&b""[..], b"root:x:0:0:root:/root:/bin/bash\n", b"\0asm\x01\0\0\0"] {
            assert!(matches!(load(none), LoadError::NoComponent), "{none:?}");
        }
        assert!(matches!(load(b"\0asm\x0d\0\x01\0\x04\x20"), LoadError::Compile(_)));
    }
}
