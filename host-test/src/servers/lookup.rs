//! A lookup on a server of the test, and how it has to end.

use crate::canary::{self, KEY};
use crate::component::{artifact, built, cache};
use crate::suite::block_on;
use anyhow::{Result, bail};
use klaviyo_host::types::{Code, Identifier, Profile};
use klaviyo_host::{Answer, Connector, Egress, Error, Limits, Pace, Secret, Tenant};
use std::time::Duration;

/// An answer that is in order.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

pub(super) fn nobody() -> String {
    answer("200 OK", "content-type: application/vnd.api+json\r\n", r#"{"data":[]}"#)
}

pub(super) fn limits() -> Limits {
    Limits {
        concurrent_calls: 4,
        attempts: 2,
        attempt: Duration::from_millis(700),
        time: Duration::from_secs(10),
        ..Limits::default()
    }
}

pub(super) fn connect(url: &str, limits: Limits) -> Result<Connector> {
    let file = built(artifact())?;
    Ok(Connector::builder().limits(limits).egress(Egress::endpoint(url)?).cache(cache()).load(file)?)
}

pub(super) type LookupResult = Result<Answer<Option<Profile>>, Error>;

pub(super) fn tenant(connector: &Connector) -> Result<Tenant> {
    Ok(Tenant::builder(connector, Secret::new(KEY)?).pace(Pace::unlimited()).build())
}

/// Looks somebody up. Whatever happens, the key is not in it.
pub(super) async fn call(connector: &Connector) -> Result<LookupResult> {
    let called = tenant(connector)?.lookup(&Identifier::Email("priya@example.com".to_owned())).await;
    canary::check(&format!("{called:?}"))?;
    if let Err(error) = &called {
        canary::check(&error.to_string())?;
    }
    Ok(called)
}

pub(super) fn lookup(url: &str) -> Result<LookupResult> {
    block_on(call(&connect(url, limits())?))
}

/// Fails unless the call did, with this code after so many attempts.
pub(super) fn failed(called: LookupResult, code: Code, attempts: u32) -> Result<()> {
    match called {
        Err(error) if error.code() == code && error.usage.attempts == attempts => Ok(()),
        other => bail!("expected {} after {attempts} attempts, got {other:?}", code.as_str()),
    }
}

/// Fails unless the call came to nobody's profile after so many attempts.
pub(super) fn succeeded(called: LookupResult, attempts: u32) -> Result<()> {
    match called {
        Ok(answer) if answer.value.is_none() && answer.usage.attempts == attempts => Ok(()),
        other => bail!("expected none after {attempts} attempts, got {other:?}"),
    }
}
