//! Connections that cannot be made, break, or are not to be trusted.

use super::lookup::{answer, call, connect, failed, limits, lookup, nobody, succeeded, tenant};
use super::server::{Reply, Server};
use crate::suite::block_on;
use anyhow::{Context, Result, ensure};
use klaviyo_host::Limits;
use klaviyo_host::types::{Code, NewProfile};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(super) const TRUNCATED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{\"data\":[";

pub(super) const GARBAGE: &str = "HTTP/9.9 OK 200\r\n\r\n";

pub(super) fn short() -> String {
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":[".to_owned()
}

pub(super) fn refused() -> Result<()> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    failed(lookup(&format!("http://127.0.0.1:{port}"))?, Code::Connection, 2)
}

pub(super) fn unreachable() -> Result<()> {
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
    // Loading takes long when the component is not in the cache yet.
    let connector = connect(&format!("http://{address}"), limits)?;
    let started = Instant::now();
    let called = block_on(call(&connector))?;
    ensure!(started.elapsed() < Duration::from_secs(8), "it took {:?}", started.elapsed());
    failed(called, Code::Connection, 2)
}

/// A connection that breaks is an error of its own kind, and the request is repeated.
pub(super) fn broken(respond: &'static (dyn Fn() -> Reply + Sync)) -> Result<()> {
    let server = Server::start(|_| respond())?;
    failed(lookup(&server.url())?, Code::Connection, 2)?;
    ensure!(server.requests() == 2, "{} requests came", server.requests());
    let server =
        Server::start(|request| if request.number == 0 { respond() } else { Reply::bytes(&nobody()) })?;
    succeeded(lookup(&server.url())?, 2)
}

pub(super) fn certificate() -> Result<()> {
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

pub(super) fn no_tls() -> Result<()> {
    let server = Server::start(|_| Reply::bytes(&nobody()))?;
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

pub(super) fn reset_after_write() -> Result<()> {
    const CONFLICT: &str =
        r#"{"errors":[{"status":409,"code":"duplicate_profile","meta":{"duplicate_profile_id":"01X"}}]}"#;
    let server = Server::start(|request| match request.number {
        0 => Reply::reset(""),
        _ => Reply::bytes(&answer("409 Conflict", "content-type: application/vnd.api+json\r\n", CONFLICT)),
    })?;
    let connector = connect(&server.url(), limits())?;
    let profile = NewProfile { email: Some("priya@example.com".to_owned()), ..NewProfile::default() };
    let created = block_on(async { Ok(tenant(&connector)?.create(&profile).await?) })?;
    ensure!(created.usage.attempts == 2, "{created:?}");
    ensure!(created.value == klaviyo_host::types::Creation::Existing("01X".to_owned()), "{created:?}");
    Ok(())
}

pub(super) fn closed_between() -> Result<()> {
    // Kept open as far as the answer says, and then closed.
    let server = Server::start(|_| Reply::bytes(&nobody()))?;
    let connector = connect(&server.url(), limits())?;
    block_on(async {
        for _ in 0..3 {
            call(&connector).await??;
        }
        Ok(())
    })
}
