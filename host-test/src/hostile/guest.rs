//! Loading and calling a guest, and how its call has to end.

use crate::canary::{self, KEY};
use crate::component::{artifact, built, cache};
use crate::suite::block_on;
use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use http::{Request, Response};
use klaviyo_host::types::{Code, Identifier, Profile};
use klaviyo_host::{
    Access, Answer, Attempt, AttemptError, Bounds, Cause, Connector, ConnectorBuilder, Error, Limit, Limits,
    Pace, Secret, Tenant, Transport,
};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;

/// The component of a guest, by the name of its file.
pub(super) fn guest(name: &str) -> PathBuf {
    artifact().with_file_name("hostile").join(format!("{name}.wasm"))
}

pub(super) fn load(name: &str, builder: ConnectorBuilder) -> Result<Connector> {
    Ok(builder.cache(cache()).load(built(guest(name))?)?)
}

pub(super) type GuestResult = Result<Answer<Option<Profile>>, Error>;

/// Calls the guest. Whatever it returns, the key is not in it.
pub(super) async fn call(connector: &Connector) -> Result<GuestResult> {
    call_with(connector, Access::default()).await
}

/// The same for a tenant that may have these functions.
pub(super) async fn call_with(connector: &Connector, access: Access) -> Result<GuestResult> {
    let tenant = Tenant::builder(connector, Secret::new(KEY)?).pace(Pace::unlimited()).access(access).build();
    let called = tenant.lookup(&Identifier::Id("01X".to_owned())).await;
    canary::check(&format!("{called:?} {tenant:?}"))?;
    if let Err(error) = &called {
        canary::check(&error.to_string())?;
    }
    Ok(called)
}

/// Keeps what was sent, and answers all of it alike.
#[derive(Clone, Default)]
pub(super) struct Recorder {
    pub(super) sent: Arc<Mutex<Vec<Request<Bytes>>>>,
    pub(super) answer: Option<Bytes>,
    pub(super) silent: bool,
}

impl Recorder {
    pub(super) fn sent(&self) -> usize {
        self.sent.lock().len()
    }
}

impl Transport for Recorder {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        self.sent.lock().push(request);
        Box::pin(async {
            if self.silent {
                std::future::pending::<()>().await;
            }
            Ok::<_, AttemptError>(Response::new(self.answer.clone().unwrap_or_default()))
        })
    }
}

/// Runs a guest with these limits, against an upstream that answers.
pub(super) fn with(name: &str, limits: Limits) -> Result<(GuestResult, Recorder)> {
    let recorder = Recorder::default();
    let connector = load(name, Connector::builder().limits(limits).transport(recorder.clone()))?;
    Ok((block_on(call(&connector))?, recorder))
}

pub(super) fn small() -> Limits {
    Limits { concurrent_calls: 2, ..Limits::default() }
}

/// Fails unless this limit stopped the call.
pub(super) fn stopped_by(called: GuestResult, expected: Limit) -> Result<()> {
    match called {
        Err(Error { cause: Cause::Limit { limit, message }, .. }) if limit == expected => {
            ensure!(
                message.contains(&format!("Limits::{limit}")),
                "the sentence names no setting: {message}"
            );
            Ok(())
        }
        other => bail!("expected Limits::{expected}, got {other:?}"),
    }
}

/// Fails unless the guest was told by its import: its error has the code that stands for the kind, and its
/// message names the setting or the reason.
pub(super) fn failed_with(called: GuestResult, code: Code, reason: &str) -> Result<()> {
    match called {
        Err(Error { cause: Cause::Connector(error), .. }) if error.code == code => {
            ensure!(
                error.message.contains(reason),
                "the sentence does not say {reason:?}: {}",
                error.message
            );
            Ok(())
        }
        other => bail!("expected {}, got {other:?}", code.as_str()),
    }
}
