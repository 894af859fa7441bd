//! The account ready for calls: its key, the component, the transport, and what its settings have to do with a failure.

use crate::account::Account;
use crate::component;
use crate::context::Context;
use crate::credential::{self, Credential};
use crate::dry_run::DryTransport;
use crate::exchange::{ObservedTransport, Observer};
use crate::failure::Failure;
use crate::notices;
use crate::output::{self, Output};
use crate::runtime;
use crate::verbose::Verbose;
use klaviyo_host::types::Code;
use klaviyo_host::{
    Access, Connector, Credentials, Egress, HttpTransport, Limits, LoadError, Pace, Secret, Tenant,
    TenantBuilder, Transport,
};
use std::sync::Arc;

/// What is wrong with an endpoint elsewhere that has no https, and what to do about it.
pub(crate) const IN_CLEAR: &str =
    "the key and all contacts go there in clear, for everybody on the way to read";
pub(crate) const USE_HTTPS: &str = "use https:// for an endpoint that is not on this machine";

/// Runs a command that makes calls in the account, one after the other.
pub(crate) fn in_account(
    context: &Context,
    calls: impl AsyncFnOnce(&Tenant) -> Result<Output, Failure>,
) -> Result<Output, Failure> {
    with_access(context, Access::default(), calls)
}

/// The same for a command that may call other functions than all but `api.call`.
pub(crate) fn with_access(
    context: &Context,
    access: Access,
    calls: impl AsyncFnOnce(&Tenant) -> Result<Output, Failure>,
) -> Result<Output, Failure> {
    let account = context.account()?;
    notices::print();
    runtime::on_this_thread(async {
        let credential = warned(Credential::read(&account)?);
        // Sets no memory aside for more calls.
        let limits = Limits { concurrent_calls: 1, ..Limits::default() };
        let transport = transport(&account, &limits)?;
        let connector = connector(&account, limits, transport)?;
        let tenant = tenant(&account, credential, &connector, access);
        let outcome = calls(&tenant.metered(context.meter.clone())).await;
        tenant.settled().await;
        outcome.map_err(|failure| account.explain(failure))
    })
}

/// The account with its key or installation, over HTTP. `observer` sees each exchange. Who opens it waits for
/// [`Tenant::settled`] at the end.
pub(crate) fn open(
    account: &Account,
    credential: Credential,
    limits: Limits,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Tenant, Failure> {
    let credential = warned(credential);
    let mut transport = transport(account, &limits)?;
    if let Some(observer) = observer {
        transport = transport.observed_by(observer);
    }
    let connector = connector(account, limits, transport)?;
    Ok(tenant(account, credential, &connector, Access::default()))
}

/// The same, after a warning if others can read its file.
fn warned(credential: Credential) -> Credential {
    if let Some((found, fix)) = credential.exposure() {
        output::warn(&format!("{found}; {fix}"));
    }
    credential
}

/// The account for the tools of a client, which may call what `access` allows. Of a dry run the transport sends no more
/// than requests that read.
pub(crate) fn tools(
    account: &Account,
    credential: Credential,
    limits: Limits,
    access: Access,
    dry_run: bool,
) -> Result<Tenant, Failure> {
    let credential = warned(credential);
    let transport = transport(account, &limits)?;
    let connector = if dry_run {
        connector(account, limits, DryTransport(transport))
    } else {
        connector(account, limits, transport)
    }?;
    Ok(tenant(account, credential, &connector, access))
}

/// The account over a transport of the caller's.
pub(crate) fn over(
    account: &Account,
    key: Secret,
    limits: Limits,
    transport: impl Transport,
    pace: Pace,
) -> Result<Tenant, Failure> {
    Ok(builder(account, &connector(account, limits, transport)?, key).pace(pace).build())
}

fn connector(account: &Account, limits: Limits, transport: impl Transport) -> Result<Connector, Failure> {
    component::load(account, egress(account), limits, transport, None)
}

fn tenant(account: &Account, credential: Credential, connector: &Connector, access: Access) -> Tenant {
    builder(account, connector, credential.credentials(connector)).access(access).build()
}

fn builder(account: &Account, connector: &Connector, credentials: impl Credentials) -> TenantBuilder {
    let tenant = Tenant::builder(connector, credentials);
    match &account.revision {
        Some(revision) => tenant.revision(revision.clone()),
        None => tenant,
    }
}

/// The transport for an account, after a warning if it gives the key away.
pub(crate) fn transport(account: &Account, limits: &Limits) -> Result<ObservedTransport, Failure> {
    transport_shown_by(account, limits, Arc::new(Verbose))
}

/// The same; with `--verbose` this observer shows the exchanges.
pub(crate) fn transport_shown_by(
    account: &Account,
    limits: &Limits,
    observer: Arc<dyn Observer>,
) -> Result<ObservedTransport, Failure> {
    if let Some(endpoint) = account.endpoint.as_ref().filter(|endpoint| endpoint.is_in_clear()) {
        output::warn(&format!("{}: {IN_CLEAR}; {USE_HTTPS}", endpoint.url));
    }
    let http = HttpTransport::new(&egress(account), limits).map_err(LoadError::from)?;
    let transport = ObservedTransport::new(http);
    Ok(if account.verbose { transport.observed_by(observer) } else { transport })
}

/// Where requests of the account may go.
pub(crate) fn egress(account: &Account) -> Egress {
    account.endpoint.as_ref().map_or_else(Egress::default, |endpoint| endpoint.egress.clone())
}

impl Account {
    /// Adds to the failure of a call what the account's settings have to do with it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match (failure.error.code, &self.endpoint) {
            (Code::Unauthenticated, _) => {
                let (what, source) = (credential::kind(self), credential::source(self));
                failure.hint(format!(
                    "the {what} came from {source}; `klaviyo-connector doctor` looks at it more closely"
                ))
            }
            (Code::Forbidden, _) => {
                let what = credential::kind(self);
                failure.hint(format!(
                    "`klaviyo-connector doctor` shows which scopes the {what} has and which it lacks"
                ))
            }
            (Code::Retired, _) => failure.hint("raise it with --revision, such as --revision 2026-07-15"),
            (Code::Connection | Code::Timeout, Some(endpoint)) => failure.hint(format!(
                "requests went to {} (--endpoint or KLAVIYO_ENDPOINT); is it running there?",
                endpoint.url
            )),
            (Code::Blocked | Code::Malformed | Code::Connection, _) => {
                failure.hint("--verbose shows what was sent and what came back")
            }
            _ => failure,
        }
    }
}
