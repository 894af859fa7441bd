//! Guests that misbehave on purpose, one behaviour each (`host-test/hostile`): what is meant to stop them
//! does, and nothing else suffers.

use crate::canary::{self, KEY};
use crate::component::{artifact, built, cache};
use crate::suite::{Case, block_on, case};
use crate::{lock, servers};
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, Response};
use klaviyo_host::types::{Code, Identifier, Profile};
use klaviyo_host::{
    Answer, Attempt, AttemptError, Bounds, Cause, Connector, ConnectorBuilder, Egress, Error, Limit, Limits,
    LoadError, Pace, Secret, Tenant, Transport,
};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// All of them.
pub const CASES: &[Case] = &[
    case("spin", "Limits::cpu, and a call that computes leaves the thread to others", spin),
    case("spin-long", "Limits::time", spin_long),
    case("spin-between", "Limits::cpu, of all stretches together", spin_between),
    case("start", "Limits::time, before the call itself", start),
    case("grow-memory", "Limits::memory", grow_memory),
    case("grow-table", "Limits::table_elements", grow_table),
    case("recurse", "Limits::stack", recurse),
    case("flood", "Limits::requests", flood),
    case("denied-flood", "Limits::requests, of requests that are denied", denied_flood),
    case("large-body", "Limits::request_bytes", large_body),
    case("large-header", "Limits::header_bytes, of a header", large_header),
    case("many-headers", "Limits::header_bytes, of 25,000 headers", many_headers),
    case("large-url", "Limits::header_bytes, of an address", large_url),
    case("hand-over", "Limits::hostcall_fuel", hand_over),
    case("get", "Limits::time, on a server that never answers", wait),
    case("get-crowd", "Limits::concurrent_calls", crowd),
    case("get-large-answer", "Limits::response_bytes, whatever the transport does", large_answer),
    case("trap", "a trap ends its own call and no other", trap),
    case("remember", "nothing is left of one call in the next", remember),
    case("bad-result", "a result outside of the memory is a trap", bad_result),
    case("bad-text", "text that is not UTF-8 is a trap", bad_text),
    case("header-injection", "no line end in a header's value", || {
        denied("header-injection", "the header x-note has characters that no header may have")
    }),
    case("header-name-injection", "no line end in its name", || {
        denied("header-name-injection", "is not the name of a header")
    }),
    case("scheme-injection", "no line end before the key", || {
        denied("scheme-injection", "is not a single word")
    }),
    case("own-authorization", "Authorization is the host's", || {
        denied("own-authorization", "the header authorization is the host's")
    }),
    case("own-host", "Host is the host's", || denied("own-host", "the header host is the host's")),
    case("own-length", "Content-Length is the host's", || {
        denied("own-length", "the header content-length is the host's")
    }),
    case("plain-http", "Egress: https only", || {
        denied("plain-http", "requests to http://a.klaviyo.com:80 are not allowed")
    }),
    case("other-host", "Egress: no other host", || {
        denied("other-host", "requests to https://evil.example:443 are not allowed")
    }),
    case("other-port", "Egress: no other port", || {
        denied("other-port", "requests to https://a.klaviyo.com:8443 are not allowed")
    }),
    case("other-scheme", "Egress: nothing but http and https", || denied("other-scheme", "has no host")),
    case("user-information", "Egress: no user information", || {
        denied("user-information", "has user information in it")
    }),
    case("ip-address", "Egress: no address", || {
        denied("ip-address", "requests to https://169.254.169.254:443 are not allowed")
    }),
    case("odd-ip-address", "Egress: no address in disguise", || {
        denied("odd-ip-address", "is not written in its normal form")
    }),
    case("backslash", "Egress: no URL that can be read in two ways", || {
        denied("backslash", "is not written in its normal form")
    }),
    case("private-name", "Egress: no name of a private address", private_name),
    case("follow-redirect", "Egress: no redirect to another host", follow_redirect),
    case("mirror", "the key is not in the guest's memory, even if the server sends it back", mirror),
    case("more-imports", "a component with more imports is not loaded", more_imports),
    case("two-memories", "Limits::components, when it is loaded", two_memories),
];

/// The files are named as the cases are, up to what follows in the name.
fn guest(name: &str) -> PathBuf {
    artifact().with_file_name("hostile").join(format!("{name}.wasm"))
}

fn load(name: &str, builder: ConnectorBuilder) -> Result<Connector> {
    Ok(builder.cache(cache()).load(built(guest(name))?)?)
}

type Called = Result<Answer<Option<Profile>>, Error>;

/// Calls the guest. Whatever it returns, the key is not in it.
async fn call(connector: &Connector) -> Result<Called> {
    let tenant = Tenant::builder(connector, Secret::new(KEY)?).pace(Pace::unlimited()).build();
    let called = tenant.lookup(&Identifier::Id("01X".to_owned())).await;
    canary::check(&format!("{called:?} {tenant:?}"))?;
    if let Err(error) = &called {
        canary::check(&error.to_string())?;
    }
    Ok(called)
}

/// Keeps what was sent, and answers all of it alike.
#[derive(Clone, Default)]
struct Recorder {
    sent: Arc<Mutex<Vec<Request<Bytes>>>>,
    answer: Option<Bytes>,
    silent: bool,
}

impl Recorder {
    fn sent(&self) -> usize {
        lock(&self.sent).len()
    }
}

impl Transport for Recorder {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        lock(&self.sent).push(request);
        Box::pin(async {
            if self.silent {
                std::future::pending::<()>().await;
            }
            Ok::<_, AttemptError>(Response::new(self.answer.clone().unwrap_or_default()))
        })
    }
}

/// Runs a guest with these limits, against an upstream that answers.
fn with(name: &str, limits: Limits) -> Result<(Called, Recorder)> {
    let recorder = Recorder::default();
    let connector = load(name, Connector::builder().limits(limits).transport(recorder.clone()))?;
    Ok((block_on(call(&connector))?, recorder))
}

fn small() -> Limits {
    Limits { concurrent_calls: 2, ..Limits::default() }
}

/// Fails unless it was this limit.
fn stopped_by(called: Called, expected: Limit) -> Result<()> {
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
fn told(called: Called, code: Code, reason: &str) -> Result<()> {
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

fn spin() -> Result<()> {
    let limits = Limits { cpu: Duration::from_millis(300), ..small() };
    let connector = load("spin", Connector::builder().limits(limits).transport(Recorder::default()))?;
    // On one thread: the other future makes progress only if the guest lets it.
    let mut steps = 0;
    let called = block_on(async {
        let others = async {
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                steps += 1;
            }
        };
        tokio::select! {
            called = call(&connector) => called,
            () = others => bail!("it ended"),
        }
    })?;
    ensure!(steps >= 3, "the others came to {steps} steps");
    stopped_by(called, Limit::Cpu)
}

fn spin_long() -> Result<()> {
    let limits = Limits { cpu: Duration::from_secs(3600), time: Duration::from_millis(200), ..small() };
    stopped_by(with("spin", limits)?.0, Limit::Time)
}

fn spin_between() -> Result<()> {
    let limits = Limits { cpu: Duration::from_millis(200), requests: 100_000, ..small() };
    stopped_by(with("spin-between", limits)?.0, Limit::Cpu)
}

fn start() -> Result<()> {
    let limits = Limits { cpu: Duration::from_secs(3600), time: Duration::from_millis(200), ..small() };
    stopped_by(with("start", limits)?.0, Limit::Time)?;
    stopped_by(with("start", Limits { cpu: Duration::from_millis(200), ..small() })?.0, Limit::Cpu)
}

fn denied_flood() -> Result<()> {
    let (called, recorder) = with("denied-flood", small())?;
    ensure!(recorder.sent() == 0, "it was sent");
    stopped_by(called, Limit::Requests)
}

fn many_headers() -> Result<()> {
    bounded("many-headers", "Limits::header_bytes", None)?;
    // However high the limit is, there are more than a message can have.
    let (called, recorder) = with("many-headers", Limits { header_bytes: 10_000_000, ..small() })?;
    ensure!(recorder.sent() == 0, "it was sent");
    told(called, Code::Denied, "more headers than there can be")
}

fn grow_memory() -> Result<()> {
    stopped_by(with("grow-memory", Limits { memory: 8 << 20, ..small() })?.0, Limit::Memory)
}

fn grow_table() -> Result<()> {
    stopped_by(with("grow-table", Limits { table_elements: 5_000, ..small() })?.0, Limit::TableElements)
}

fn recurse() -> Result<()> {
    stopped_by(with("recurse", small())?.0, Limit::Stack)
}

fn flood() -> Result<()> {
    let (called, recorder) = with("flood", Limits { requests: 25, ..small() })?;
    ensure!(recorder.sent() == 25, "{} requests were sent", recorder.sent());
    told(called, Code::Denied, "Limits::requests")
}

/// Too large by default, and sent when the limit is raised: it is the limit that stops it.
fn bounded(name: &str, setting: &str, raised: Option<Limits>) -> Result<()> {
    let (called, recorder) = with(name, small())?;
    ensure!(recorder.sent() == 0, "it was sent");
    told(called, Code::TooLarge, setting)?;
    let Some(raised) = raised else { return Ok(()) };
    let (called, recorder) = with(name, raised)?;
    ensure!(called.is_ok() && recorder.sent() == 1, "it was not sent when it was allowed: {called:?}");
    Ok(())
}

fn large_body() -> Result<()> {
    bounded("large-body", "Limits::request_bytes", Some(Limits { request_bytes: 6_000_000, ..small() }))
}

fn large_header() -> Result<()> {
    bounded("large-header", "Limits::header_bytes", Some(Limits { header_bytes: 61_000, ..small() }))
}

fn large_url() -> Result<()> {
    bounded("large-url", "Limits::header_bytes", Some(Limits { header_bytes: 61_000, ..small() }))
}

fn hand_over() -> Result<()> {
    let (called, recorder) = with("hand-over", small())?;
    ensure!(recorder.sent() == 0, "it was sent");
    stopped_by(called, Limit::HostcallFuel)?;
    let raised = Limits { hostcall_fuel: 41_000_000, request_bytes: 40_000_000, ..small() };
    let (called, recorder) = with("hand-over", raised)?;
    ensure!(called.is_ok() && recorder.sent() == 1, "it was not sent when it was allowed: {called:?}");
    Ok(())
}

fn wait() -> Result<()> {
    let recorder = Recorder { silent: true, ..Recorder::default() };
    let limits = Limits { time: Duration::from_millis(300), ..small() };
    let connector = load("get", Connector::builder().limits(limits).transport(recorder))?;
    told(block_on(call(&connector))?, Code::Timeout, "Limits::time")
}

fn crowd() -> Result<()> {
    let recorder = Recorder { silent: true, ..Recorder::default() };
    let time = Duration::from_millis(300);
    let limits = Limits { concurrent_calls: 1, time, ..Limits::default() };
    let connector = load("get", Connector::builder().limits(limits).transport(recorder.clone()))?;
    block_on(async {
        let mut first = Box::pin(call(&connector));
        ensure!(tokio::time::timeout(time / 3, &mut first).await.is_err(), "it was answered");
        // The first one is not polled any more, and keeps its place.
        stopped_by(call(&connector).await?, Limit::ConcurrentCalls)?;
        ensure!(recorder.sent() == 1, "the second one has sent something");
        // Given up, it gives its place back.
        drop(first);
        told(call(&connector).await?, Code::Timeout, "Limits::time")?;
        ensure!(recorder.sent() == 2, "there was no place");
        Ok(())
    })
}

fn large_answer() -> Result<()> {
    let answer = Some(Bytes::from(vec![b' '; 2_000_000]));
    let recorder = Recorder { answer, ..Recorder::default() };
    let limits = Limits { response_bytes: 1_000_000, ..small() };
    let connector = load("get", Connector::builder().limits(limits).transport(recorder))?;
    told(block_on(call(&connector))?, Code::TooLarge, "Limits::response_bytes")
}

fn trapped(called: Called) -> Result<()> {
    match called {
        Err(Error { cause: Cause::Trap(_), .. }) => Ok(()),
        other => bail!("expected a trap, got {other:?}"),
    }
}

fn trap() -> Result<()> {
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

fn remember() -> Result<()> {
    let connector = load("remember", Connector::builder().limits(small()).transport(Recorder::default()))?;
    block_on(async {
        for _ in 0..10 {
            call(&connector).await?.context("an earlier call has left a mark")?;
        }
        Ok(())
    })
}

fn bad_result() -> Result<()> {
    trapped(with("bad-result", small())?.0)
}

fn bad_text() -> Result<()> {
    let (called, recorder) = with("bad-text", small())?;
    ensure!(recorder.sent() == 0, "it was sent");
    trapped(called)
}

/// Denied for this reason, and nothing was sent.
fn denied(name: &str, reason: &str) -> Result<()> {
    let (called, recorder) = with(name, small())?;
    ensure!(recorder.sent() == 0, "it was sent: {:?}", lock(&recorder.sent));
    told(called, Code::Denied, reason)
}

fn private_name() -> Result<()> {
    // Allowed by name and port: it is the address that is refused. Nobody listens there.
    let egress = || Egress::parse(["https://localhost:8443"]);
    let connector = load("private-name", Connector::builder().limits(small()).egress(egress()?))?;
    told(block_on(call(&connector))?, Code::Denied, "Egress::allow_private_addresses")?;
    let allowed = Connector::builder()
        .limits(Limits { attempts: 1, ..small() })
        .egress(egress()?.allow_private_addresses());
    told(block_on(call(&load("private-name", allowed)?))?, Code::Connection, "tcp connect error")
}

fn follow_redirect() -> Result<()> {
    let target = servers::Server::start(|_| servers::Answer::Close)?;
    let location = format!("location: {}/api/lists/", target.url());
    let server = servers::Server::start(move |_| {
        servers::Answer::bytes(&format!("HTTP/1.1 302 Found\r\n{location}\r\ncontent-length: 0\r\n\r\n"))
    })?;
    let builder = Connector::builder().limits(small()).egress(Egress::endpoint(&server.url())?);
    told(block_on(call(&load("follow-redirect", builder)?))?, Code::Denied, "Egress")?;
    ensure!(server.requests() == 1 && target.requests() == 0, "the redirect was followed");
    Ok(())
}

fn mirror() -> Result<()> {
    // A server that sends back what it got, as header and as body, twice.
    let server = servers::Server::start(|request| {
        let text = String::from_utf8_lossy(&request.bytes).replace(['\r', '\n'], " ");
        servers::Answer::bytes(&format!(
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
    let bodies = lock(&bodies);
    let memory = bodies.last().context("the guest sent nothing")?;
    let has = |needle: &[u8]| memory.windows(needle.len()).any(|window| window == needle);
    ensure!(memory.len() >= 2 * 65_536 && has(b"Klaviyo-API-Key ***"), "what came back is not in the memory");
    ensure!(!has(KEY.as_bytes()), "the key is in the guest's memory");
    Ok(())
}

/// Keeps the bodies that the guest sends.
struct Mirrored {
    inner: klaviyo_host::HttpTransport,
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Transport for Mirrored {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        lock(&self.bodies).push(request.body().clone());
        self.inner.send(request, bounds)
    }
}

fn more_imports() -> Result<()> {
    match Connector::builder().limits(small()).load(guest("more-imports")) {
        Err(LoadError::Imports(names)) => {
            let expected = ["wasi:cli/environment@0.2.0", "wasi:sockets/tcp@0.2.0", "secrets"];
            ensure!(names == expected, "it named {names:?}");
            Ok(())
        }
        Err(other) => Err(other.into()),
        Ok(_) => bail!("it was loaded"),
    }
}

fn two_memories() -> Result<()> {
    let load = |components| {
        let limits = Limits { components, ..small() };
        Connector::builder().limits(limits).load(guest("two-memories"))
    };
    match (load(1), load(2)) {
        // With room for both, it is what it exports that is missing.
        (Err(LoadError::Compile(_)), Err(LoadError::Exports(_))) => Ok(()),
        (one, two) => bail!("with one: {one:?}; with two: {two:?}"),
    }
}
