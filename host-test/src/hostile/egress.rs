//! What a guest may send, and where to.

use super::guest::{call, failed_with, load, small, with};
use crate::canary::KEY;
use crate::servers;
use crate::suite::block_on;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use klaviyo_host::types::Code;
use klaviyo_host::{Attempt, Bounds, Connector, Egress, Limits, Transport};
use parking_lot::Mutex;
use std::sync::Arc;

/// Denied for this reason, and nothing was sent.
pub(super) fn denied(name: &str, reason: &str) -> Result<()> {
    let (called, recorder) = with(name, small())?;
    ensure!(recorder.sent() == 0, "it was sent: {:?}", recorder.sent.lock());
    failed_with(called, Code::Denied, reason)
}

pub(super) fn private_name() -> Result<()> {
    // Allowed by name and port: it is the address that is refused. Nobody listens there.
    let egress = || Egress::parse(["https://localhost:8443"]);
    let connector = load("private-name", Connector::builder().limits(small()).egress(egress()?))?;
    failed_with(block_on(call(&connector))?, Code::Denied, "Egress::allow_private_addresses")?;
    let allowed = Connector::builder()
        .limits(Limits { attempts: 1, ..small() })
        .egress(egress()?.allow_private_addresses());
    failed_with(block_on(call(&load("private-name", allowed)?))?, Code::Connection, "tcp connect error")
}

pub(super) fn follow_redirect() -> Result<()> {
    let target = servers::Server::start(|_| servers::Reply::Close)?;
    let location = format!("location: {}/api/lists/", target.url());
    let server = servers::Server::start(move |_| {
        servers::Reply::bytes(&format!("HTTP/1.1 302 Found\r\n{location}\r\ncontent-length: 0\r\n\r\n"))
    })?;
    let builder = Connector::builder().limits(small()).egress(Egress::endpoint(&server.url())?);
    failed_with(block_on(call(&load("follow-redirect", builder)?))?, Code::Denied, "Egress")?;
    ensure!(server.requests() == 1 && target.requests() == 0, "the redirect was followed");
    Ok(())
}

pub(super) fn mirror() -> Result<()> {
    // A server that sends back what it got, as header and as body, twice.
    let server = servers::Server::start(|request| {
        let text = String::from_utf8_lossy(&request.bytes).replace(['\r', '\n'], " ");
        servers::Reply::bytes(&format!(
            "HTTP/1.1 200 OK\r\nx-echo: {text}\r\ncontent-length: {}\r\n\r\n{text}{text}",
            2 * text.len()
        ))
    })?;
    let recorder = Mirrored {
        inner: klaviyo_host::HttpTransport::new(&Egress::endpoint(&server.url())?, &small())?,
        bodies: Arc::default(),
    };
    let bodies = Arc::clone(&recorder.bodies);
    let builder =
        Connector::builder().limits(small()).egress(Egress::endpoint(&server.url())?).transport(recorder);
    let _ = block_on(call(&load("mirror", builder)?))?;
    let bodies = bodies.lock();
    let memory = bodies.last().context("the guest sent nothing")?;
    let has = |needle: &[u8]| memory.windows(needle.len()).any(|window| window == needle);
    ensure!(memory.len() >= 2 * 65_536 && has(b"Klaviyo-API-Key ***"), "what came back is not in the memory");
    ensure!(!has(KEY.as_bytes()), "the key is in the guest's memory");
    Ok(())
}

/// Keeps the bodies that the guest sends.
pub(super) struct Mirrored {
    inner: klaviyo_host::HttpTransport,
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Transport for Mirrored {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        self.bodies.lock().push(request.body().clone());
        self.inner.send(request, bounds)
    }
}
