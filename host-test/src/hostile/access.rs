//! What a guest may ask for, and under which name.

use super::guest::{Recorder, call_with, failed_with, load, small};
use crate::suite::block_on;
use anyhow::{Result, ensure};
use klaviyo_host::types::Code;
use klaviyo_host::{Access, ApiAccess, Connector};

pub(super) fn other_function() -> Result<()> {
    // Both functions may be called for this tenant.
    denied(
        "other-function",
        Access::default().api(ApiAccess::all()),
        "the request is for another function (api.call)",
    )
}

pub(super) fn api_paths() -> Result<()> {
    denied("api-paths", Access::default(), "Access::api would allow it")?;
    for api in [ApiAccess::read(), ApiAccess::all()] {
        let access = Access::default().api(api.below(["/api/events"])?);
        denied("api-paths", access, "it is not below /api")?;
    }
    Ok(())
}

/// All requests of the guest are denied, and the last one for this reason.
fn denied(name: &str, access: Access, reason: &str) -> Result<()> {
    let recorder = Recorder::default();
    let connector = load(name, Connector::builder().limits(small()).transport(recorder.clone()))?;
    let called = block_on(call_with(&connector, access))?;
    ensure!(recorder.sent() == 0, "it was sent: {:?}", recorder.sent.lock());
    failed_with(called, Code::Denied, reason)
}
