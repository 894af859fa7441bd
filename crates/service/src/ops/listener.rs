//! A listener whose connections are bounded in number, memory and time.

use super::connections::{Connections, Member};
use super::progress::ProgressStream;
use crate::metrics::labels::{Labels, REASON};
use axum::Router;
use http::Request;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// The largest headers of a request together, and the bytes that are read or written at once, in bytes.
const BUFFER: usize = 16 << 10;
/// The system's buffer for a connection in each direction, in bytes, so that callers who do not read do not
/// fill its memory. Linux doubles it for its own use.
const SYSTEM_BUFFER: u32 = 64 << 10;
/// How many connections the system completes before this process accepts them.
const BACKLOG: u32 = 1_024;

/// The limits of a listener's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    /// How many are open at once. For one more, the one without progress for the longest time is closed.
    pub connections: usize,
    /// The time for the headers of a request. A connection may be without a request for as long.
    pub headers: Duration,
    /// The time in which the caller has to read a byte of an answer.
    pub writing: Duration,
    /// How long a connection is kept for more requests. After that and [`ListenerSettings::grace`] it is
    /// closed.
    pub age: Duration,
    /// The time for requests that are under way when the shutdown begins.
    pub grace: Duration,
}

impl Default for ListenerSettings {
    fn default() -> Self {
        Self {
            connections: 1_024,
            headers: Duration::from_secs(10),
            writing: Duration::from_secs(10),
            age: Duration::from_secs(5 * 60),
            grace: Duration::from_secs(30),
        }
    }
}

/// A listening port.
pub struct Listener {
    socket: TcpListener,
    settings: ListenerSettings,
    metrics: ListenerMetrics,
}

#[derive(Clone, Default)]
struct ListenerMetrics {
    open: Gauge,
    /// By the label `reason`.
    closed: Family<Labels<1>, Counter>,
}

impl ListenerMetrics {
    fn closed(&self, reason: &'static str) {
        self.closed.get_or_create(&[(REASON, reason)]).inc();
    }
}

impl Listener {
    /// Listens at an address. Port 0 stands for any free one.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn bind(address: SocketAddr, settings: ListenerSettings) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Allows a service to be restarted at once.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        // Accepted connections have the settings of the listener.
        socket.set_send_buffer_size(SYSTEM_BUFFER)?;
        socket.set_recv_buffer_size(SYSTEM_BUFFER)?;
        socket.bind(address)?;
        Ok(Self { socket: socket.listen(BACKLOG)?, settings, metrics: ListenerMetrics::default() })
    }

    /// Counts the connections in the metrics of a door.
    #[must_use]
    pub fn counted(self, registry: &mut Registry) -> Self {
        let ListenerMetrics { open, closed } = &self.metrics;
        registry.register("klaviyo_door_connections", "Connections that are open", open.clone());
        registry.register(
            "klaviyo_door_connections_closed",
            "Connections that were closed before they ended, by why",
            closed.clone(),
        );
        self
    }

    /// The address.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `shutdown`. Then it accepts no more connections, and waits for
    /// [`ListenerSettings::grace`] until the requests that are under way have ended.
    pub async fn serve(self, router: Router, shutdown: impl Future<Output = ()>) {
        let Self { socket, settings, metrics } = self;
        let (connections, graceful) = (Connections::new(settings.connections), GracefulShutdown::new());
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&socket, &connections, &metrics) => accepted,
            };
            let Some((stream, member)) = accepted else { continue };
            // Answers are short, so each is sent at once.
            let _ = stream.set_nodelay(true);
            serve(stream, member, &router, &settings, &metrics, &graceful);
        }
        drop(socket);
        if timeout(settings.grace, graceful.shutdown()).await.is_err() {
            warn!("some requests have not ended in {} s; they are broken off", settings.grace.as_secs());
        }
    }
}

/// Accepts a connection. If there are too many, another one is closed for it.
async fn accept(
    socket: &TcpListener,
    connections: &Arc<Connections>,
    metrics: &ListenerMetrics,
) -> Option<(TcpStream, Member)> {
    match socket.accept().await {
        Ok((stream, _)) => loop {
            if let Some((member, closed_another)) = connections.enter() {
                if closed_another {
                    metrics.closed("full");
                }
                return Some((stream, member));
            }
            // All are in use, so one of them has to end.
            connections.changed().await;
        },
        Err(error) => {
            // There may be too many open files. Closing a connection frees one.
            warn!(%error, "cannot accept a connection; is the limit on open files too low?");
            if connections.close_one() {
                metrics.closed("full");
            }
            sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Serves one connection, in a task of its own.
fn serve(
    stream: TcpStream,
    member: Member,
    router: &Router,
    settings: &ListenerSettings,
    metrics: &ListenerMetrics,
    graceful: &GracefulShutdown,
) {
    let connection = member.connection.clone();
    let stream = ProgressStream::new(stream, connection.clone(), settings.writing);
    let (router, age) = (TowerToHyperService::new(router.clone()), settings.age);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        let (answer, opened) = (router.call(request), connection.opened());
        async move {
            let mut response = answer.await?;
            if opened.elapsed() >= age {
                // The header comes with an answer, so that no request is sent on a connection that has just
                // been closed.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.headers).max_buf_size(BUFFER);
    let served = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
    let (age, grace, metrics) = (settings.age, settings.grace, metrics.clone());
    metrics.open.inc();
    tokio::spawn(async move {
        tokio::select! {
            ended = served => {
                if let Err(error) = ended {
                    if is_stalled(&error) {
                        metrics.closed("not read");
                    }
                    debug!(error = &error as &dyn Error, "a connection ended");
                }
            }
            () = member.connection.outlived(age, grace) => metrics.closed("too old"),
            () = member.closed() => debug!("a connection was closed for a new one"),
        }
        drop(member);
        metrics.open.dec();
    });
}

/// Whether a connection ended because the caller did not read its answers.
fn is_stalled(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
}
