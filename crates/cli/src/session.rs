//! The account, ready for calls.

use crate::account::Account;
use crate::component;
use crate::exchange::{Tap, Watch};
use crate::failure::Failure;
use crate::key::{self, Key};
use crate::output;
use crate::verbose::Verbose;
use klaviyo_host::{Egress, HttpTransport, Limits, Pace, Secret, Tenant, Transport, Usage};
use serde_json::Value;
use std::sync::Arc;

/// What is wrong with an endpoint that is not on this machine and not https, and what to do.
pub(crate) const IN_CLEAR: &str =
    "the key and all contacts go there in clear, for everybody on the way to read";
pub(crate) const USE_HTTPS: &str = "use https:// for an endpoint that is not on this machine";

/// One account, and what the calls in it have used.
pub(crate) struct Session {
    tenant: Tenant,
    usage: Usage,
}

impl Session {
    pub(crate) fn open(account: &Account) -> Result<Self, Failure> {
        let key = key::read(account)?;
        // One call at a time: the memory for more need not be set aside.
        let limits = Limits { concurrent_calls: 1, ..Limits::default() };
        Self::with(account, key, limits, None)
    }

    /// With somebody who watches the exchanges.
    pub(crate) fn with(
        account: &Account,
        key: Key,
        limits: Limits,
        watch: Option<Arc<dyn Watch>>,
    ) -> Result<Self, Failure> {
        if let Some((found, fix)) = key.exposure() {
            output::warn(&format!("{found}; {fix}"));
        }
        let mut tap = transport(account, &limits)?;
        if let Some(watch) = watch {
            tap = tap.watched_by(watch);
        }
        Self::over(account, key.secret, limits, tap, Pace::published())
    }

    /// Over a transport of one's own.
    pub(crate) fn over(
        account: &Account,
        key: Secret,
        limits: Limits,
        transport: impl Transport,
        pace: Pace,
    ) -> Result<Self, Failure> {
        let connector = component::load(account, egress(account), limits, transport)?;
        let mut tenant = Tenant::builder(&connector, key).pace(pace);
        if let Some(revision) = &account.revision {
            tenant = tenant.revision(revision.clone());
        }
        Ok(Self { tenant: tenant.build(), usage: Usage::default() })
    }

    /// The account, for typed calls. What they use is told to [`Session::used`].
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Counts what a typed call has used.
    pub(crate) fn used(&mut self, usage: Usage) {
        add(&mut self.usage, usage);
    }

    /// Calls a function of the contract.
    pub(crate) async fn call(&mut self, function: &str, arguments: &[Value]) -> Result<Value, Failure> {
        let (result, usage) = match self.tenant.call(function, arguments).await {
            Ok(answer) => (Ok(answer.value), answer.usage),
            Err(error) => {
                let usage = error.usage;
                let mut failure = Failure::from(error);
                if self.usage.requests > 0 {
                    // By this call, that is: the list has been looked for.
                    let message = &mut failure.error.message;
                    *message = message.replace("(nothing was sent)", "(nothing was changed)");
                }
                (Err(failure), usage)
            }
        };
        self.used(usage);
        result
    }

    /// What all calls have used.
    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }
}

/// Adds what a call has used to what others have.
pub(crate) fn add(all: &mut Usage, usage: Usage) {
    all.requests += usage.requests;
    all.attempts += usage.attempts;
    all.sent_bytes += usage.sent_bytes;
    all.received_bytes += usage.received_bytes;
    all.waited += usage.waited;
}

/// What sends the requests of an account, after a warning if that gives the key away.
pub(crate) fn transport(account: &Account, limits: &Limits) -> Result<Tap, Failure> {
    if let Some(endpoint) = account.endpoint.as_ref().filter(|endpoint| endpoint.is_in_clear()) {
        output::warn(&format!("{}: {IN_CLEAR}; {USE_HTTPS}", endpoint.url));
    }
    let http = HttpTransport::new(&egress(account), limits).map_err(klaviyo_host::LoadError::from)?;
    let tap = Tap::new(http);
    Ok(if account.verbose { tap.watched_by(Arc::new(Verbose)) } else { tap })
}

fn egress(account: &Account) -> Egress {
    account.endpoint.as_ref().map_or_else(Egress::default, |endpoint| endpoint.egress.clone())
}
