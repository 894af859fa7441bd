//! What a guest leaves to the host and to other calls.

use super::guest::{GuestResult, Recorder, call, guest, load, small, with};
use crate::component::composed;
use crate::suite::block_on;
use anyhow::{Context, Result, bail, ensure};
use klaviyo_host::{Cause, Connector, Error, LoadError};

pub(super) fn trapped(called: GuestResult) -> Result<()> {
    match called {
        Err(Error { cause: Cause::Trap(_), .. }) => Ok(()),
        other => bail!("expected a trap, got {other:?}"),
    }
}

pub(super) fn trap() -> Result<()> {
    let recorder = Recorder::default();
    let connector = load("trap", Connector::builder().limits(small()).transport(recorder.clone()))?;
    block_on(async {
        // More often than there are places: a trap gives its place back.
        for times in 1..=10 {
            trapped(call(&connector).await?)?;
            ensure!(recorder.sent() == times, "call {times} did not run");
        }
        Ok(())
    })
}

pub(super) fn remember() -> Result<()> {
    let connector = load("remember", Connector::builder().limits(small()).transport(Recorder::default()))?;
    block_on(async {
        for _ in 0..10 {
            call(&connector).await?.context("an earlier call has left a mark")?;
        }
        Ok(())
    })
}

pub(super) fn bad_result() -> Result<()> {
    trapped(with("bad-result", small())?.0)
}

pub(super) fn bad_text() -> Result<()> {
    let (called, recorder) = with("bad-text", small())?;
    ensure!(recorder.sent() == 0, "it was sent");
    trapped(called)
}

pub(super) fn more_imports() -> Result<()> {
    match Connector::builder().limits(small()).load(guest("more-imports")) {
        Err(LoadError::Imports(names)) => {
            let expected = ["wasi:cli/environment@0.2.0", "wasi:sockets/tcp@0.2.0", "secrets"];
            ensure!(names == expected, "it named {names:?}");
        }
        Err(other) => return Err(other.into()),
        Ok(_) => bail!("it was loaded"),
    }
    // It does not fit the limits either, and what it imports is the reason to tell.
    match Connector::builder().load(composed()) {
        Err(LoadError::Imports(names)) if names.iter().any(|name| name.starts_with("wasi:http/")) => Ok(()),
        Err(other) => Err(other.into()),
        Ok(_) => bail!("klaviyo-wasi.wasm was loaded"),
    }
}
