//! The component in `klaviyo-host`, as a platform runs it, over an upstream of the caller's.

use crate::{Sent, SharedUpstream, Subject, TransportError, canary};
use anyhow::{Context, Result, bail};
use klaviyo_host::actions::Actions;
use klaviyo_host::{
    Access, Answer, ApiAccess, Attempt, AttemptError, Bounds, Cause, Connector, Error, Limits, Pace, Secret,
    Tenant, Transport,
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where `cargo xtask build` puts the component.
#[must_use]
pub fn artifact() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).join("target/component/klaviyo.wasm")
}

/// Where it puts the part for opt-ins.
#[must_use]
pub fn opt_in() -> PathBuf {
    artifact().with_file_name("klaviyo-opt-in.wasm")
}

/// The interfaces of that part, which are the folders of its fixtures.
pub const OPT_IN_INTERFACES: [&str; 3] = ["consent", "contacts", "lists"];

/// Where it puts the component for `wasi:http`.
#[must_use]
pub fn composed() -> PathBuf {
    artifact().with_file_name("klaviyo-wasi.wasm")
}

/// Where it puts the preview, whose functions are `async`.
#[must_use]
pub fn preview() -> PathBuf {
    artifact().with_file_name("klaviyo-async.wasm")
}

/// Returns the file, or an error that says how to build it.
///
/// # Errors
/// When there is no such file.
pub fn built(file: PathBuf) -> Result<PathBuf> {
    if !file.exists() {
        bail!("there is no component at {}; `cargo xtask build` makes it", file.display());
    }
    Ok(file)
}

/// What a call by name returned, as the fixtures have it: `{"ok": …}` or `{"err": …}`.
///
/// # Errors
/// When it is not the connector that says so: a limit, a trap, arguments that do not fit.
pub fn returned(called: Result<Answer<Value>, Error>) -> Result<Value> {
    match called {
        Ok(answer) => Ok(json!({ "ok": answer.value })),
        Err(error) => match &error.cause {
            Cause::Connector(error) => Ok(json!({ "err": error.to_json() })),
            _ => Err(error.into()),
        },
    }
}

/// Where the components of the suites are kept compiled: they are loaded many times.
#[must_use]
pub fn cache() -> PathBuf {
    artifact().with_file_name("cache")
}

/// A component of this contract. Each call is made by a tenant of its own, and the key of the tenant leads to
/// its upstream.
pub struct Component {
    connector: Connector,
    upstreams: Arc<Upstreams>,
    runtime: tokio::runtime::Runtime,
    calls: AtomicU64,
}

type Upstreams = Mutex<HashMap<String, SharedUpstream>>;

impl Component {
    /// Loads and compiles a component file. Requests are sent once, and at no pace.
    ///
    /// # Errors
    /// When it cannot be read, is not a component, or imports anything but the contract's `http`.
    pub fn load(file: &Path) -> Result<Self> {
        let upstreams = Arc::new(Upstreams::default());
        let connector = Connector::builder()
            .limits(Limits { attempts: 1, ..Limits::default() })
            .transport(ByKey(Arc::clone(&upstreams)))
            .load(built(file.to_owned())?)
            .with_context(|| format!("cannot load {}", file.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Self { connector, upstreams, runtime, calls: AtomicU64::new(0) })
    }
}

impl Component {
    /// Makes a call, and looks for the key in all that it leaves.
    fn make(
        &self,
        upstream: SharedUpstream,
        call: impl AsyncFnOnce(&Tenant) -> Result<Answer<Value>, Error>,
    ) -> Result<Value> {
        let key = format!("{}{:08}", canary::KEY, self.calls.fetch_add(1, Ordering::Relaxed));
        self.upstreams.lock().insert(key.clone(), upstream);
        let access = Access::default().api(ApiAccess::all());
        let tenant = Tenant::builder(&self.connector, Secret::new(&key)?)
            .pace(Pace::unlimited())
            .access(access)
            .build();
        let called = self.runtime.block_on(call(&tenant));
        self.upstreams.lock().remove(&key);
        let printed = format!("{called:?} {tenant:?} {:?}", self.connector);
        let returned = returned(called)?;
        canary::check(&printed)?;
        canary::check(&returned.to_string())?;
        Ok(returned)
    }
}

impl Subject for Component {
    fn call(&self, function: &str, arguments: &[Value], upstream: SharedUpstream) -> Result<Value> {
        self.make(upstream, async |tenant| tenant.call(function, arguments).await)
    }
}

/// The component, whose functions are run as actions of its catalogue.
pub struct Catalogued {
    component: Component,
    actions: Actions,
}

impl Catalogued {
    /// Loads and compiles a component file, as [`Component::load`] does.
    ///
    /// # Errors
    /// When that fails, or the file has no catalogue.
    pub fn load(file: &Path) -> Result<Self> {
        let actions = Actions::of_component(&std::fs::read(built(file.to_owned())?)?)?;
        Ok(Self { component: Component::load(file)?, actions })
    }
}

impl Subject for Catalogued {
    fn call(&self, function: &str, arguments: &[Value], upstream: SharedUpstream) -> Result<Value> {
        let action = self.actions.get(function).context("the catalogue has no such action")?;
        let properties = action.arguments.get("properties").and_then(Value::as_object);
        let names = properties.context("an action has arguments")?.keys().cloned();
        let arguments: Value = names.zip(arguments.iter().cloned()).collect::<Map<_, _>>().into();
        self.component.make(upstream, async |tenant| tenant.run_action(function, &arguments).await)
    }
}

/// Answers each tenant's requests by its own upstream.
struct ByKey(Arc<Upstreams>);

impl Transport for ByKey {
    fn send(&self, request: http::Request<bytes::Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(async move {
            let authorization = text(request.headers().get("authorization"));
            let (auth, key) = authorization.split_once(' ').unwrap_or_default();
            let upstream = self.0.lock().get(key).cloned();
            let upstream = upstream.ok_or_else(|| AttemptError::Other("nobody has this key".to_owned()))?;
            let headers = request.headers().iter().filter(|(name, _)| *name != "authorization");
            let sent = Sent {
                method: request.method().to_string(),
                url: request.uri().to_string(),
                headers: headers.map(|(name, value)| (name.to_string(), text(Some(value)))).collect(),
                auth: auth.to_owned(),
                body: request.body().to_vec(),
            };
            let answer = upstream.lock().send(sent).map_err(|error| match error {
                TransportError::Denied(reason) => AttemptError::Denied(reason),
                TransportError::Timeout(reason) => AttemptError::Timeout(reason),
                TransportError::Connection(reason) => AttemptError::Connection(reason),
                TransportError::TooLarge(reason) => AttemptError::TooLarge(reason),
                TransportError::Other(reason) => AttemptError::Other(reason),
            })?;
            let mut response = http::Response::builder().status(answer.status);
            for (name, value) in answer.headers {
                response = response.header(name, value.into_bytes());
            }
            response.body(answer.body.into()).map_err(|error| AttemptError::Other(error.to_string()))
        })
    }
}

fn text(value: Option<&http::HeaderValue>) -> String {
    value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}
