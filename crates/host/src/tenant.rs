//! One Klaviyo account, and how its calls are made: a permit, a sandbox, the call, and the trace of it.

use crate::access::Access;
use crate::account::{AccountId, AccountState};
use crate::clock::CallClock;
use crate::connector::{Connector, ConnectorInner};
use crate::credentials::Credentials;
use crate::engine::{Running, Ticker};
use crate::error::{Answer, Cause, Error};
use crate::fair::FairPermit;
use crate::json::{Given, Prepared};
use crate::limits::Limit;
use crate::outbound::OutboundHttp;
use crate::pace::{MinuteUse, Pace, Pacer};
use crate::revision::Revision;
use crate::sandbox::CallState;
use crate::types::ContractError;
use crate::usage::{Meter, Usage};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::field::Empty;
use tracing::{Instrument, error, info, info_span};
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance};

/// How long the end of a program waits for new tokens: longer than the token endpoint may take.
const SETTLING: Duration = Duration::from_secs(20);
/// How much larger a result may be as JSON than as the component returns it.
const JSON_FACTOR: usize = 4;

/// One Klaviyo account: its credentials, its pace, its share of
/// [`Limits::concurrent_calls`](crate::Limits::concurrent_calls), and the lists that it has found. Make one
/// for each account and keep it: all calls share what it has learnt about the account's rates. Cloning it is
/// cheap.
#[derive(Clone)]
pub struct Tenant {
    connector: Arc<ConnectorInner>,
    pub(crate) account: Arc<AccountState>,
    meter: Option<Meter>,
}

/// Settings of a [`Tenant`].
pub struct TenantBuilder {
    connector: Arc<ConnectorInner>,
    account: AccountState,
}

impl TenantBuilder {
    /// The name of the tenant in logs and traces. Default: empty.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.account.name = name.into();
        self
    }

    /// The oldest API revision to ask for. It replaces an older one of an operation, and never a later one.
    /// Default: that of each operation.
    #[must_use]
    pub fn revision(mut self, revision: Revision) -> Self {
        self.account.revision = Some(revision);
        self
    }

    /// Which functions may be called. Default: all but `api.call`.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.account.access = access;
        self
    }

    /// How fast requests go out. Default: [`Pace::published`].
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.account.pacer = Pacer::new(pace);
        self
    }

    /// The tenant.
    #[must_use]
    pub fn build(self) -> Tenant {
        Tenant { connector: self.connector, account: Arc::new(self.account), meter: None }
    }
}

/// One call, from its turn to its end.
struct Call {
    store: Store<CallState>,
    instance: Instance,
    clock: Arc<CallClock>,
    _running: Option<Running>,
    /// Dropped after the store, so that the place is free only when the sandbox is.
    _permit: FairPermit<AccountId>,
}

impl Tenant {
    /// A tenant with this key, or with other credentials.
    #[must_use]
    pub fn new(connector: &Connector, credentials: impl Credentials) -> Self {
        Self::builder(connector, credentials).build()
    }

    /// A tenant with settings of its own.
    #[must_use]
    pub fn builder(connector: &Connector, credentials: impl Credentials) -> TenantBuilder {
        TenantBuilder { connector: Arc::clone(&connector.inner), account: AccountState::new(credentials) }
    }

    /// The same tenant; `meter` counts what the calls of this clone use, failed calls included.
    #[must_use]
    pub fn metered(&self, meter: Meter) -> Self {
        Self { meter: Some(meter), ..self.clone() }
    }

    /// How much of Klaviyo's rates the account has used in the last minute, at the endpoint that is nearest to its limit.
    /// None: no request of the last minute, or no pace.
    #[must_use]
    pub fn busiest_minute(&self) -> Option<MinuteUse> {
        self.account.pacer.busiest_minute()
    }

    /// Replaces the key or other credentials. Every later attempt is sent with the new ones, also that of a call that
    /// is already running.
    pub fn set_credentials(&self, credentials: impl Credentials) {
        self.account.set_credentials(credentials);
    }

    /// Waits until nothing of the account is under way that the end of the process would lose, such as a new refresh
    /// token. A program that uses [`OAuth`](crate::oauth::OAuth) asks for it before it ends. It takes 20 seconds at most.
    pub async fn settled(&self) {
        let credentials = self.account.credentials();
        if timeout(SETTLING, credentials.settled()).await.is_err() {
            let account = self.account.name.as_str();
            error!(account, "new tokens are not kept yet; if the process ends now, connect the account anew");
        }
    }

    /// Calls a function of the contract by its name, such as `contacts.opt-in`, with JSON for its arguments:
    /// for a platform whose users choose the action at run time. The value is what the function returns when
    /// it succeeds.
    ///
    /// A record is an object with the names of the contract (a missing field is null, or the empty list), a
    /// variant `{"case": payload}` or `"case"`, an enum a string, an option the value or null. Arguments that are left
    /// out at the end are null. Every call reads the lists that it needs: only [`Tenant::find_list`] remembers
    /// them.
    ///
    /// The functions of other interfaces that the component exports, when it is composed with code of a
    /// tenant's, have names such as `shop:code/automation@1.0.0#welcome`, and arguments of the types that the
    /// contract uses. Whatever they return is the value, a result as `{"ok": …}` or `{"err": …}`.
    ///
    /// # Errors
    /// As the function; [`Cause::Denied`] when [`Access`] does not allow it; [`Cause::Arguments`] when there is no such
    /// function, or the arguments are not of its types.
    pub async fn call(&self, function: &str, arguments: &[Value]) -> Result<Answer<Value>, Error> {
        self.call_with(function, Given::InOrder(arguments)).await
    }

    /// Runs an action of the catalogue: [`Tenant::call`] with one object that has the arguments by their names, as the
    /// schemas of [`Actions`](crate::actions::Actions) describe it. An argument that is an option may be absent; one that
    /// the action does not have is refused.
    ///
    /// ```no_run
    /// # async fn run(tenant: klaviyo_host::Tenant) -> Result<(), klaviyo_host::Error> {
    /// let arguments = serde_json::json!({ "contact": { "email": "priya@example.com" }, "list": "Y6nRLr" });
    /// let receipt = tenant.run_action("contacts.opt-in", &arguments).await?.value;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tenant::call`]. The error about an argument has a JSON pointer to it.
    pub async fn run_action(&self, action: &str, arguments: &Value) -> Result<Answer<Value>, Error> {
        self.call_with(action, Given::ByName(arguments)).await
    }

    async fn call_with(&self, function: &str, given: Given<'_>) -> Result<Answer<Value>, Error> {
        let call = async {
            let mut call = self.enter(function).await?;
            let prepared = Prepared::with(&call.instance, &mut call.store, function, given);
            let prepared = prepared.map_err(|reason| call.failed(Cause::Arguments(reason)))?;
            let most = self.connector.outbound.limits.hostcall_fuel.saturating_mul(JSON_FACTOR);
            let called = call.clock.limit(prepared.call(&mut call.store, most)).await;
            call.end(called)
        };
        self.traced(function, call).await
    }

    /// Where a function of the contract is in the component, if it has it.
    pub(crate) fn function(&self, name: &str) -> Option<&ComponentExportIndex> {
        self.connector.exports.get(name)
    }

    /// Makes one typed call.
    pub(crate) async fn run<T>(
        &self,
        function: &'static str,
        function_call: impl AsyncFnOnce(
            &Instance,
            &mut Store<CallState>,
        ) -> wasmtime::Result<Result<T, ContractError>>,
    ) -> Result<Answer<T>, Error> {
        let call = async {
            let mut call = self.enter(function).await?;
            let called = call.clock.limit(function_call(&call.instance, &mut call.store)).await;
            call.end(called)
        };
        self.traced(function, call).await
    }

    /// Runs a call in a span of the trace, and counts it.
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

    /// Waits for a permit for this tenant, and instantiates the component for a call of this function.
    async fn enter(&self, function: &str) -> Result<Call, Error> {
        let access = &self.account.access;
        access
            .permit_call(function)
            .map_err(|reason| Error { cause: Cause::Denied(reason), usage: Usage::default() })?;
        let limits = &self.connector.outbound.limits;
        let clock = Arc::new(CallClock::new(limits));
        let place = async |until| timeout_at(until, self.connector.calls.acquire(&self.account.id)).await;
        let (permit, waited) = clock.wait(place).await;
        let usage = Usage { waited, ..Usage::default() };
        let Ok(permit) = permit else {
            return Err(Error { cause: Cause::exceeded(Limit::Wait, limits), usage });
        };
        let running = self.connector.ticker.as_ref().map(Ticker::run);
        let settings = Arc::clone(&self.connector.outbound);
        let http =
            OutboundHttp::new(settings, Arc::clone(&self.account), function, Arc::clone(&clock), usage);
        let mut store = CallState::store(self.connector.instance.engine(), http);
        // A component may run code while it is instantiated, so the limit applies to that too.
        let instance = clock.limit(self.connector.instance.instantiate_async(&mut store)).await;
        match instance {
            Ok(Ok(instance)) => Ok(Call { store, instance, clock, _running: running, _permit: permit }),
            Ok(Err(error)) => Err(failed(&store, store.data().cause(&error))),
            Err(_) => Err(failed(&store, Cause::exceeded(Limit::Time, limits))),
        }
    }
}

impl Call {
    /// What the call returned, or why it failed.
    fn end<T>(
        &self,
        called: Result<wasmtime::Result<Result<T, ContractError>>, Elapsed>,
    ) -> Result<Answer<T>, Error> {
        match called {
            Ok(Ok(Ok(value))) => Ok(Answer { value, usage: self.store.data().http.usage }),
            Ok(Ok(Err(error))) => Err(self.failed(Cause::Connector(Box::new(error)))),
            Ok(Err(error)) => Err(self.failed(self.store.data().cause(&error))),
            Err(_) => Err(self.failed(Cause::exceeded(Limit::Time, self.store.data().http.limits()))),
        }
    }

    fn failed(&self, cause: Cause) -> Error {
        failed(&self.store, cause)
    }
}

fn failed(store: &Store<CallState>, cause: Cause) -> Error {
    Error { cause, usage: store.data().http.usage }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("name", &self.account.name).finish_non_exhaustive()
    }
}
