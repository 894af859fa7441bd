//! One Klaviyo account, and how a call on it is made.

use crate::connector::{Connector, Shared as Host};
use crate::error::{Answer, Cause, Error, Meter, Usage};
use crate::fair::Place;
use crate::json::Prepared;
use crate::limits::Limits;
use crate::list_cache::Names;
use crate::outbound::Courier;
use crate::pace::{Pace, Pacer};
use crate::revision::{Retirement, Revision};
use crate::sandbox::{Guest, State, stopped};
use crate::secret::Secret;
use crate::types;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tracing::field::Empty;
use tracing::{Instrument, info, info_span};
use wasmtime::Store;
use wasmtime::component::Instance;

/// A deadline for those who want none.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How much larger a result may be as JSON than as the component hands it over.
const JSON_FACTOR: usize = 4;
const REVISION: HeaderName = HeaderName::from_static("revision");

/// One Klaviyo account: its key, its pace, its share of [`Limits::concurrent_calls`], and the names of lists that it has
/// seen. Make one for an account, and keep it: what it knows of the account's rates is shared by all calls. Cloning it
/// is cheap.
#[derive(Clone)]
pub struct Tenant {
    host: Arc<Host>,
    pub(crate) account: Arc<Shared>,
    meter: Option<Meter>,
}

/// Whose a place is: the same for all clones of a tenant, and of no other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TenantId(u64);

impl TenantId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) struct Shared {
    id: TenantId,
    name: String,
    key: RwLock<Arc<Secret>>,
    revision: Option<Revision>,
    pub(crate) pacer: Pacer,
    pub(crate) lists: Names,
    retirement: Retirement,
}

/// Settings of a [`Tenant`].
pub struct Builder {
    host: Arc<Host>,
    name: String,
    key: Secret,
    revision: Option<Revision>,
    pace: Pace,
}

impl Builder {
    /// What logs and traces call this tenant. Default: nothing.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The oldest API revision to ask for. It replaces the one that an operation asks for where that is older, and
    /// never the other way round. Default: what each operation asks for.
    #[must_use]
    pub fn revision(mut self, revision: Revision) -> Self {
        self.revision = Some(revision);
        self
    }

    /// How fast requests go out. Default: [`Pace::published`].
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// The tenant.
    #[must_use]
    pub fn build(self) -> Tenant {
        let account = Shared {
            id: TenantId::new(),
            name: self.name,
            key: RwLock::new(Arc::new(self.key)),
            revision: self.revision,
            pacer: Pacer::new(self.pace),
            lists: Names::default(),
            retirement: Retirement::default(),
        };
        Tenant { host: self.host, account: Arc::new(account), meter: None }
    }
}

/// One call, from its turn to its end.
struct Call {
    store: Store<State>,
    instance: Instance,
    guest: Guest,
    deadline: Instant,
    /// Given back after the store is gone.
    _place: Place<TenantId>,
}

impl Tenant {
    /// A tenant with this key.
    #[must_use]
    pub fn new(connector: &Connector, key: Secret) -> Self {
        Self::builder(connector, key).build()
    }

    /// A tenant with settings of its own.
    #[must_use]
    pub fn builder(connector: &Connector, key: Secret) -> Builder {
        let host = Arc::clone(&connector.shared);
        Builder { host, name: String::new(), key, revision: None, pace: Pace::default() }
    }

    /// The same tenant, whose calls are also counted by `meter`: those that fail, too.
    #[must_use]
    pub fn metered(&self, meter: Meter) -> Self {
        Self { meter: Some(meter), ..self.clone() }
    }

    /// Replaces the key. Whatever is sent from now on has it: the next attempt of a call that is under way, too.
    pub fn set_key(&self, key: Secret) {
        *self.account.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        self.account.lists.forget_all();
    }

    /// Calls a function of the contract by its name, such as `contacts.opt-in`, with JSON for its arguments: for a
    /// platform whose users choose the action at run time. The value is what the function returns when it succeeds.
    ///
    /// A record is an object with the names of the contract (a missing field is null), a variant `{"case": payload}`
    /// or `"case"`, an enum a string, an option the value or null. Every call reads the lists that it needs: only
    /// [`Tenant::find_list`] remembers them.
    ///
    /// The functions of other interfaces that the component exports, when it is composed with code of a tenant's,
    /// have names such as `shop:code/automation@1.0.0#welcome`, and arguments of the types that the contract uses.
    /// Whatever they return is the value, a result as `{"ok": …}` or `{"err": …}`.
    ///
    /// # Errors
    /// As the function; [`Cause::Arguments`] when there is no such function, or the arguments are not of its types.
    pub async fn call(&self, function: &str, arguments: &[Value]) -> Result<Answer<Value>, Error> {
        let call = async {
            let mut call = self.enter().await?;
            let prepared = Prepared::new(&call.instance, &mut call.store, function, arguments);
            let prepared = prepared.map_err(|reason| call.failed(Cause::Arguments(reason)))?;
            let most = self.host.limits.hostcall_fuel.saturating_mul(JSON_FACTOR);
            let called = timeout_at(call.deadline, prepared.call(&mut call.store, most)).await;
            call.end(called)
        };
        self.traced(function, call).await
    }

    /// Makes one typed call.
    pub(crate) async fn run<T>(
        &self,
        function: &'static str,
        function_call: impl AsyncFnOnce(&Guest, &mut Store<State>) -> wasmtime::Result<Result<T, types::Error>>,
    ) -> Result<Answer<T>, Error> {
        let call = async {
            let mut call = self.enter().await?;
            let called = timeout_at(call.deadline, function_call(&call.guest, &mut call.store)).await;
            call.end(called)
        };
        self.traced(function, call).await
    }

    /// Tells of a call in the trace.
    async fn traced<T>(
        &self,
        function: &str,
        call: impl Future<Output = Result<Answer<T>, Error>>,
    ) -> Result<Answer<T>, Error> {
        let tenant = self.account.name.as_str();
        let span = info_span!(
            "klaviyo.call",
            function,
            tenant,
            requests = Empty,
            attempts = Empty,
            milliseconds = Empty
        );
        let start = Instant::now();
        let result = call.instrument(span.clone()).await;
        let usage = result.as_ref().map_or_else(|error| error.usage, |answer| answer.usage);
        if let Some(meter) = &self.meter {
            meter.add(usage);
        }
        span.record("requests", usage.requests);
        span.record("attempts", usage.attempts);
        span.record("milliseconds", start.elapsed().as_millis());
        span.in_scope(|| match &result {
            Ok(_) => info!("returned"),
            Err(error) => info!(code = error.code().as_str(), "failed"),
        });
        result
    }

    /// Waits for one of this tenant's places in the pool, and makes a sandbox there.
    async fn enter(&self) -> Result<Call, Error> {
        let start = Instant::now();
        let limits = &self.host.limits;
        let deadline = start.checked_add(limits.time).unwrap_or(start + A_YEAR);
        let Ok(place) = timeout_at(deadline, self.host.places.take(&self.account.id)).await else {
            let (limit, time) = (limits.concurrent_calls, limits.time);
            let message = format!(
                "the call did not get its turn within the {time:?} of Limits::time: its tenant has its share of the \
                 {limit} calls that Limits::concurrent_calls allows at once, or all are taken; make fewer calls at \
                 once, or raise Limits::concurrent_calls"
            );
            let usage = Usage { waited: start.elapsed(), ..Usage::default() };
            return Err(Error { cause: Cause::Limit { limit: "concurrent_calls", message }, usage });
        };
        let mut courier = Courier::new(Arc::clone(&self.host), Arc::clone(&self.account), deadline);
        courier.usage.waited = start.elapsed();
        let mut store = State::store(self.host.instance.engine(), courier);
        // A component may run code already when it is instantiated.
        let instance = timeout_at(deadline, self.host.instance.instantiate_async(&mut store)).await;
        let guest =
            instance.map(|instance| instance.and_then(|i| Ok((i, self.host.indices.load(&mut store, &i)?))));
        match guest {
            Ok(Ok((instance, guest))) => Ok(Call { store, instance, guest, deadline, _place: place }),
            Ok(Err(error)) => Err(failed(&store, store.data().cause(&error))),
            Err(_) => Err(failed(&store, out_of_time(limits))),
        }
    }
}

impl Call {
    /// The end of a call: its value or why there is none, and what it took.
    fn end<T>(
        &self,
        called: Result<wasmtime::Result<Result<T, types::Error>>, Elapsed>,
    ) -> Result<Answer<T>, Error> {
        match called {
            Ok(Ok(Ok(value))) => Ok(Answer { value, usage: self.store.data().courier.usage }),
            Ok(Ok(Err(error))) => Err(self.failed(Cause::Connector(Box::new(error)))),
            Ok(Err(error)) => Err(self.failed(self.store.data().cause(&error))),
            Err(_) => Err(self.failed(out_of_time(self.store.data().courier.limits()))),
        }
    }

    fn failed(&self, cause: Cause) -> Error {
        failed(&self.store, cause)
    }
}

fn failed(store: &Store<State>, cause: Cause) -> Error {
    Error { cause, usage: store.data().courier.usage }
}

fn out_of_time(limits: &Limits) -> Cause {
    stopped("time", "it took more than", format!("{:?}", limits.time))
}

impl Shared {
    pub(crate) fn key(&self) -> Arc<Secret> {
        Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Raises the revision that a request asks for to the tenant's.
    pub(crate) fn raise_revision(&self, headers: &mut HeaderMap) {
        let Some(revision) = &self.revision else { return };
        let asked = headers.get_all(REVISION).iter().filter_map(|value| value.to_str().ok()).max();
        if asked.unwrap_or_default() < revision.as_str()
            && let Ok(value) = HeaderValue::from_str(revision.as_str())
        {
            headers.insert(REVISION, value);
        }
    }

    pub(crate) fn note_retirement(&self, headers: &HeaderMap) {
        self.retirement.note(headers, &self.name);
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("name", &self.account.name).field("key", &self.account.key()).finish()
    }
}
