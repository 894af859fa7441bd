//! Servers that misbehave, on real sockets: whatever they send, or do not, the connector returns a value or an error
//! in time, and a request is repeated only where that is right.

use crate::canary::{self, KEY};
use crate::component::{artifact, built, cache};
use crate::lock;
use crate::suite::{Case, block_on, case};
use anyhow::{Context, Result, bail, ensure};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use klaviyo_host::types::{Code, Identifier, NewProfile, Profile};
use klaviyo_host::{Answer as Returned, Connector, Egress, Error, Limits, Pace, Secret, Tenant};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// All of them.
pub const CASES: &[Case] = &[
    case("refused", "connection; repeated up to Limits::attempts", refused),
    case("unreachable", "timeout of Limits::connect", unreachable),
    case("reset before", "connection; repeated", || broken(&|| Answer::reset(""))),
    case("reset in mid-body", "connection; repeated", || broken(&|| Answer::reset(&short()))),
    case("closed before", "connection; repeated", || broken(&|| Answer::Close)),
    case("short body", "connection; repeated", || broken(&|| Answer::bytes(&short()))),
    case("truncated chunk", "connection; repeated", || broken(&|| Answer::bytes(TRUNCATED))),
    case("garbage status line", "connection; repeated", || broken(&|| Answer::bytes(GARBAGE))),
    case("garbage bytes", "connection; repeated", || broken(&|| Answer::Bytes(vec![0xff; 512]))),
    case("no headers", "Limits::attempt", || stalled("")),
    case("slow headers", "Limits::attempt", slow_headers),
    case("slow body", "Limits::attempt", slow_body),
    case("endless 1xx", "Limits::attempt", endless_informational),
    case("endless body", "Limits::response_bytes; not repeated", endless_body),
    case("announced large body", "Limits::response_bytes; not repeated", announced),
    case("large headers", "Limits::header_bytes; not repeated", || large_headers(20_000)),
    case("huge headers", "Limits::header_bytes; not repeated", || large_headers(2_000_000)),
    case("many headers", "Limits::header_bytes; not repeated", many_headers),
    case("body longer than told", "read to the length that was told", long_body),
    case("100 and 103 first", "1xx is not the answer", informational),
    case("gzip unasked", "no coding that was not asked for", gzip),
    case("redirect", "not followed", redirect),
    case("untrusted certificate", "no TLS without a trusted certificate", certificate),
    case("no TLS on a TLS port", "connection", no_tls),
    case("429", "repeated after a pause", || recovers("429 Too Many Requests", "", 0.5)),
    case("429, seconds", "not before Retry-After", || {
        recovers("429 Too Many Requests", "retry-after: 1\r\n", 1.0)
    }),
    case("429, date", "not before Retry-After", retry_date),
    case("429, an hour", "told at once when there is no time to wait", retry_much_later),
    case("429, always", "Limits::attempts", || gives_up("429 Too Many Requests", Code::RateLimited)),
    case("502", "repeated", || recovers("502 Bad Gateway", "", 0.5)),
    case("503", "repeated", || recovers("503 Service Unavailable", "", 0.5)),
    case("504", "repeated", || recovers("504 Gateway Timeout", "", 0.5)),
    case("524", "repeated", || recovers("524 A Timeout Occurred", "", 0.5)),
    case("503, always", "Limits::attempts", || gives_up("503 Service Unavailable", Code::Unavailable)),
    case("500", "not repeated", || once("500 Internal Server Error", Code::Unavailable)),
    case("an edge's page", "not repeated, and not taken for a scope", || {
        once("403 Forbidden", Code::Blocked)
    }),
    case("reset after a write", "the second answer, 409, is `existing`", reset_after_write),
    case("closed between calls", "the next call connects again", closed_between),
    case("slow for one", "other calls are not held up", slow_for_one),
    case("paced for one", "Limits::concurrent_calls: 300 calls of one leave places to others", paced_for_one),
];

const TRUNCATED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{\"data\":[";
const GARBAGE: &str = "HTTP/9.9 OK 200\r\n\r\n";

fn short() -> String {
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":[".to_owned()
}

/// An answer that is in order.
fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn nobody() -> String {
    answer("200 OK", "content-type: application/vnd.api+json\r\n", r#"{"data":[]}"#)
}

/// A request as it came.
pub struct Incoming {
    /// How many came before it.
    pub number: usize,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

/// What a server does after a request. The connection is closed then, unless it is kept.
pub enum Answer {
    /// Closes.
    Close,
    /// Sends bytes.
    Bytes(Vec<u8>),
    /// Sends bytes, and takes the next request.
    Keep(Vec<u8>),
    /// Sends bytes, and breaks the connection with a reset.
    Reset(Vec<u8>),
    /// Sends bytes, then others again and again, each after a pause, until the client has gone.
    Endless(Vec<u8>, Vec<u8>, Duration),
}

impl Answer {
    /// Sends text.
    #[must_use]
    pub fn bytes(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    fn reset(text: &str) -> Self {
        Self::Reset(text.as_bytes().to_vec())
    }
}

/// A server on a loopback port that does as it is told, on a thread for each connection.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Instant>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Starts it. `respond` is asked after each request.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(respond: impl Fn(&Incoming) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (seen, stopped) = (Arc::<Mutex<Vec<Instant>>>::default(), Arc::<AtomicBool>::default());
        let respond = Arc::new(respond);
        let server = Self { address, seen: Arc::clone(&seen), stopped: Arc::clone(&stopped) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, stopped, respond) =
                    (Arc::clone(&seen), Arc::clone(&stopped), Arc::clone(&respond));
                // A client that goes away is not this server's problem.
                std::thread::spawn(move || drop(converse(stream, &seen, &stopped, respond.as_ref())));
            }
        });
        Ok(server)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> usize {
        lock(&self.seen).len()
    }

    /// The time between the first two requests.
    fn pause(&self) -> Option<Duration> {
        match lock(&self.seen).as_slice() {
            [first, second, ..] => Some(*second - *first),
            _ => None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

fn converse(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Instant>>,
    stopped: &AtomicBool,
    respond: &dyn Fn(&Incoming) -> Answer,
) -> std::io::Result<()> {
    while let Some(bytes) = request(&mut stream)? {
        let number = {
            let mut seen = lock(seen);
            seen.push(Instant::now());
            seen.len() - 1
        };
        match respond(&Incoming { number, bytes }) {
            Answer::Keep(bytes) => {
                stream.write_all(&bytes)?;
                continue;
            }
            Answer::Close => {}
            Answer::Bytes(bytes) => stream.write_all(&bytes)?,
            Answer::Reset(bytes) => {
                stream.write_all(&bytes)?;
                // Closing with unread bytes, or without lingering, sends a reset; the latter always does.
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
            Answer::Endless(first, again, pause) => {
                stream.write_all(&first)?;
                while !stopped.load(Ordering::Relaxed) {
                    stream.write_all(&again)?;
                    std::thread::sleep(pause);
                }
            }
        }
        stream.shutdown(Shutdown::Write)?;
        return Ok(());
    }
    Ok(())
}

/// Reads a whole request: its head, and as much of a body as it announces.
fn request(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 65_536];
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if bytes.len() >= end + length.unwrap_or(0) {
                return Ok(Some(bytes));
            }
        }
        match stream.read(&mut piece)? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(piece.get(..read).unwrap_or_default()),
        }
    }
}

fn limits() -> Limits {
    Limits {
        concurrent_calls: 4,
        attempts: 2,
        attempt: Duration::from_millis(700),
        time: Duration::from_secs(10),
        ..Limits::default()
    }
}

fn connect(url: &str, limits: Limits) -> Result<Connector> {
    let file = built(artifact())?;
    Ok(Connector::builder().limits(limits).egress(Egress::endpoint(url)?).cache(cache()).load(file)?)
}

type Called = Result<Returned<Option<Profile>>, Error>;

fn tenant(connector: &Connector) -> Result<Tenant> {
    Ok(Tenant::builder(connector, Secret::new(KEY)?).pace(Pace::unlimited()).build())
}

/// Looks somebody up. Whatever happens, the key is not in it.
async fn call(connector: &Connector) -> Result<Called> {
    let called = tenant(connector)?.lookup(&Identifier::Email("priya@example.com".to_owned())).await;
    canary::check(&format!("{called:?}"))?;
    if let Err(error) = &called {
        canary::check(&error.to_string())?;
    }
    Ok(called)
}

fn lookup(url: &str) -> Result<Called> {
    block_on(call(&connect(url, limits())?))
}

/// Fails unless the call did, with this code after so many attempts.
fn failed(called: Called, code: Code, attempts: u32) -> Result<()> {
    match called {
        Err(error) if error.code() == code && error.usage.attempts == attempts => Ok(()),
        other => bail!("expected {} after {attempts} attempts, got {other:?}", code.as_str()),
    }
}

/// Fails unless the call came to nobody's profile after so many attempts.
fn succeeded(called: Called, attempts: u32) -> Result<()> {
    match called {
        Ok(answer) if answer.value.is_none() && answer.usage.attempts == attempts => Ok(()),
        other => bail!("expected none after {attempts} attempts, got {other:?}"),
    }
}

fn refused() -> Result<()> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    failed(lookup(&format!("http://127.0.0.1:{port}"))?, Code::Connection, 2)
}

fn unreachable() -> Result<()> {
    // A queue of connections that is full: the next one gets no answer at all.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>()?.into())?;
    socket.listen(0)?;
    let address = socket.local_addr()?.as_socket().context("it has an address")?;
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
    }
    let limits = Limits { connect: Duration::from_millis(200), attempt: Duration::from_secs(30), ..limits() };
    let started = Instant::now();
    let called = block_on(call(&connect(&format!("http://{address}"), limits)?))?;
    ensure!(started.elapsed() < Duration::from_secs(8), "it took {:?}", started.elapsed());
    failed(called, Code::Connection, 2)
}

/// A connection that breaks is an error of its own kind, and the request is repeated.
fn broken(respond: &'static (dyn Fn() -> Answer + Sync)) -> Result<()> {
    let server = Server::start(|_| respond())?;
    failed(lookup(&server.url())?, Code::Connection, 2)?;
    ensure!(server.requests() == 2, "{} requests came", server.requests());
    let server =
        Server::start(|request| if request.number == 0 { respond() } else { Answer::bytes(&nobody()) })?;
    succeeded(lookup(&server.url())?, 2)
}

fn slowly(first: &str, again: &str, pause: Duration) -> Result<Server> {
    let (first, again) = (first.as_bytes().to_vec(), again.as_bytes().to_vec());
    Server::start(move |_| Answer::Endless(first.clone(), again.clone(), pause))
}

fn stalled(first: &str) -> Result<()> {
    let server = slowly(first, "", Duration::from_millis(50))?;
    failed(lookup(&server.url())?, Code::Timeout, 2)
}

fn slow_headers() -> Result<()> {
    let server = slowly("HTTP/1.1 200 OK\r\n", "x-slow: 1\r\n", Duration::from_millis(50))?;
    failed(lookup(&server.url())?, Code::Timeout, 2)
}

fn slow_body() -> Result<()> {
    let server = slowly("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", " ", Duration::from_millis(50))?;
    failed(lookup(&server.url())?, Code::Timeout, 2)
}

fn endless_informational() -> Result<()> {
    let server = slowly("", "HTTP/1.1 103 Early Hints\r\n\r\n", Duration::from_millis(5))?;
    failed(lookup(&server.url())?, Code::Timeout, 2)
}

fn endless_body() -> Result<()> {
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let server = slowly("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &chunk, Duration::ZERO)?;
    let limits = Limits { attempt: Duration::from_secs(30), ..limits() };
    failed(block_on(call(&connect(&server.url(), limits)?))?, Code::TooLarge, 1)
}

fn announced() -> Result<()> {
    let server = Server::start(|_| Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{"))?;
    failed(lookup(&server.url())?, Code::TooLarge, 1)
}

fn large_headers(bytes: usize) -> Result<()> {
    let text = answer("200 OK", &format!("x-filler: {}\r\n", "x".repeat(bytes)), r#"{"data":[]}"#);
    let server = Server::start(move |_| Answer::bytes(&text))?;
    failed(lookup(&server.url())?, Code::TooLarge, 1)
}

fn many_headers() -> Result<()> {
    let text = answer("200 OK", &"x-filler: x\r\n".repeat(5_000), r#"{"data":[]}"#);
    let server = Server::start(move |_| Answer::bytes(&text))?;
    failed(lookup(&server.url())?, Code::TooLarge, 1)
}

fn long_body() -> Result<()> {
    let server = Server::start(|_| {
        Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"data\":[]}, and more")
    })?;
    succeeded(lookup(&server.url())?, 1)
}

fn informational() -> Result<()> {
    let text =
        format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n{}", nobody());
    let server = Server::start(move |_| Answer::bytes(&text))?;
    succeeded(lookup(&server.url())?, 1)
}

fn gzip() -> Result<()> {
    let server = Server::start(|request| {
        let asked = String::from_utf8_lossy(&request.bytes).to_ascii_lowercase().contains("accept-encoding");
        Answer::bytes(&answer(
            if asked { "500 Asked" } else { "200 OK" },
            "content-encoding: gzip\r\n",
            "bomb",
        ))
    })?;
    failed(lookup(&server.url())?, Code::Other, 1)
}

fn redirect() -> Result<()> {
    let target = Server::start(|_| Answer::Close)?;
    let text = answer("302 Found", &format!("location: {}/api/profiles/\r\n", target.url()), "");
    let server = Server::start(move |_| Answer::bytes(&text))?;
    failed(lookup(&server.url())?, Code::Other, 1)?;
    ensure!(target.requests() == 0, "it was followed");
    Ok(())
}

fn certificate() -> Result<()> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(anyhow::Error::msg)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let config = Arc::new(config);
    let read = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&read);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok(mut connection) = rustls::ServerConnection::new(Arc::clone(&config)) else { return };
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            if tls.read(&mut [0; 1024]).is_ok_and(|read| read > 0) {
                seen.store(true, Ordering::Relaxed);
            }
        }
    });
    failed(lookup(&format!("https://localhost:{port}"))?, Code::Connection, 2)?;
    ensure!(!read.load(Ordering::Relaxed), "a request went to a server that nobody trusts");
    Ok(())
}

fn no_tls() -> Result<()> {
    let server = Server::start(|_| Answer::bytes(&nobody()))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            drop(stream.write_all(nobody().as_bytes()));
        }
    });
    failed(lookup(&format!("https://localhost:{port}"))?, Code::Connection, 2)?;
    ensure!(server.requests() == 0, "another server was asked");
    Ok(())
}

/// A status once, and then an answer.
fn recovers(status: &'static str, headers: &'static str, seconds: f64) -> Result<()> {
    let server = Server::start(move |request| match request.number {
        0 => Answer::bytes(&answer(status, headers, "")),
        _ => Answer::bytes(&nobody()),
    })?;
    let called = lookup(&server.url())?;
    let waited = called.as_ref().map(|answer| answer.usage.waited).unwrap_or_default();
    succeeded(called, 2)?;
    let pause = server.pause().context("there was one request only")?;
    let least = Duration::from_secs_f64(seconds);
    ensure!(pause >= least && waited >= least, "the pause was {pause:?}, told as {waited:?}");
    Ok(())
}

fn retry_date() -> Result<()> {
    let server = Server::start(|request| {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
        match request.number {
            0 => Answer::bytes(&answer("429 Too Many Requests", &format!("retry-after: {date}\r\n"), "")),
            _ => Answer::bytes(&nobody()),
        }
    })?;
    succeeded(lookup(&server.url())?, 2)?;
    // A date has whole seconds.
    let pause = server.pause().context("there was one request only")?;
    ensure!(pause >= Duration::from_millis(1_900), "the pause was {pause:?}");
    Ok(())
}

fn retry_much_later() -> Result<()> {
    let server =
        Server::start(|_| Answer::bytes(&answer("429 Too Many Requests", "retry-after: 3600\r\n", "")))?;
    let called = lookup(&server.url())?;
    let told = called.as_ref().err().and_then(Error::retry_after);
    ensure!(told == Some(Duration::from_secs(3600)), "it was told {told:?}");
    failed(called, Code::RateLimited, 1)
}

fn gives_up(status: &'static str, code: Code) -> Result<()> {
    let server = Server::start(move |_| Answer::bytes(&answer(status, "", "")))?;
    let limits = Limits { attempts: 3, ..limits() };
    failed(block_on(call(&connect(&server.url(), limits)?))?, code, 3)?;
    ensure!(server.requests() == 3, "{} requests came", server.requests());
    Ok(())
}

fn once(status: &'static str, code: Code) -> Result<()> {
    let server =
        Server::start(move |_| Answer::bytes(&answer(status, "content-type: text/html\r\n", "<html>")))?;
    failed(lookup(&server.url())?, code, 1)?;
    ensure!(server.requests() == 1, "{} requests came", server.requests());
    Ok(())
}

fn reset_after_write() -> Result<()> {
    const CONFLICT: &str =
        r#"{"errors":[{"status":409,"code":"duplicate_profile","meta":{"duplicate_profile_id":"01X"}}]}"#;
    let server = Server::start(|request| match request.number {
        0 => Answer::reset(""),
        _ => Answer::bytes(&answer("409 Conflict", "content-type: application/vnd.api+json\r\n", CONFLICT)),
    })?;
    let connector = connect(&server.url(), limits())?;
    let profile = NewProfile { email: Some("priya@example.com".to_owned()), ..NewProfile::default() };
    let created = block_on(async { Ok(tenant(&connector)?.create(&profile).await?) })?;
    ensure!(created.usage.attempts == 2, "{created:?}");
    ensure!(created.value == klaviyo_host::types::Creation::Existing("01X".to_owned()), "{created:?}");
    Ok(())
}

fn closed_between() -> Result<()> {
    // Kept open as far as the answer says, and then closed.
    let server = Server::start(|_| Answer::bytes(&nobody()))?;
    let connector = connect(&server.url(), limits())?;
    block_on(async {
        for _ in 0..3 {
            call(&connector).await??;
        }
        Ok(())
    })
}

fn slow_for_one() -> Result<()> {
    let server = Server::start(|request| {
        let slow = String::from_utf8_lossy(&request.bytes).contains("slow");
        if slow {
            Answer::Endless(Vec::new(), Vec::new(), Duration::from_millis(50))
        } else {
            Answer::Keep(nobody().into())
        }
    })?;
    let limits = Limits { attempt: Duration::from_secs(3), attempts: 1, ..limits() };
    let connector = connect(&server.url(), limits)?;
    block_on(async {
        let tenant = tenant(&connector)?;
        let by = Identifier::Email("slow@example.com".to_owned());
        let mut slow = Box::pin(tenant.lookup(&by));
        let others = async {
            for _ in 0..50 {
                call(&connector).await??;
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::select! {
            others = others => others,
            slow = &mut slow => bail!("the slow one was first: {slow:?}"),
        }
    })
}

fn paced_for_one() -> Result<()> {
    let server = Server::start(|request| {
        let noisy = String::from_utf8_lossy(&request.bytes).contains("noisy");
        let headers = if noisy { "ratelimit-remaining: 0\r\nratelimit-reset: 25\r\n" } else { "" };
        Answer::Keep(answer("200 OK", headers, r#"{"data":[]}"#).into())
    })?;
    let limits = Limits { time: Duration::from_secs(30), ..limits() };
    let connector = connect(&server.url(), limits)?;
    block_on(async {
        let noisy = Tenant::new(&connector, Secret::new(&format!("{KEY}_noisy"))?);
        let by = Identifier::Email("priya@example.com".to_owned());
        // From its answer on, the tenant has to wait.
        noisy.lookup(&by).await?;
        let mut waiting: FuturesUnordered<_> = (0..300).map(|_| noisy.lookup(&by)).collect();
        let others = async {
            for _ in 0..50 {
                call(&connector).await??;
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::select! {
            biased;
            ended = waiting.next() => bail!("one that has to wait was first: {ended:?}"),
            others = others => others,
        }?;
        ensure!(server.requests() == 51, "{} requests came", server.requests());
        Ok(())
    })
}
