//! The account, ready for calls.

use crate::args::Account;
use crate::component;
use crate::exchange::{Tap, Watch};
use crate::failure::Failure;
use crate::key::{self, Key};
use crate::verbose::Verbose;
use klaviyo_host::{Egress, HttpTransport, Limits, Tenant, Usage};
use serde_json::Value;
use std::sync::Arc;

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
        let egress =
            account.endpoint.as_ref().map_or_else(Egress::default, |endpoint| endpoint.egress.clone());
        let http = HttpTransport::new(&egress, &limits).map_err(klaviyo_host::LoadError::from)?;
        let mut tap = Tap::new(http);
        if account.verbose {
            tap = tap.watched_by(Arc::new(Verbose));
        }
        if let Some(watch) = watch {
            tap = tap.watched_by(watch);
        }
        let connector = component::load(account, egress, limits, tap)?;
        let mut tenant = Tenant::builder(&connector, key.secret);
        if let Some(revision) = &account.revision {
            tenant = tenant.revision(revision.clone());
        }
        Ok(Self { tenant: tenant.build(), usage: Usage::default() })
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
        self.usage.requests += usage.requests;
        self.usage.attempts += usage.attempts;
        self.usage.sent_bytes += usage.sent_bytes;
        self.usage.received_bytes += usage.received_bytes;
        self.usage.waited += usage.waited;
        result
    }

    /// What all calls have used.
    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }
}
