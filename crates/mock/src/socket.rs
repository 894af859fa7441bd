//! TCP connections that a fault can reset, cut off or fill with bytes.

use crate::reply::Reply;
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use http::Response;
use parking_lot::Mutex;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Accepts connections that a fault can end.
pub struct Listener(pub(crate) TcpListener);

/// A connection.
pub struct Socket {
    stream: TcpStream,
    line: Line,
}

/// The part of a connection that a request can reach.
#[derive(Clone, Debug, Default)]
pub struct Line(Arc<Mutex<Option<Break>>>);

/// How a connection ends.
#[derive(Debug)]
struct Break {
    /// The bytes that are sent instead of the answer.
    bytes: Vec<u8>,
    sent: usize,
    /// Whether the connection is reset rather than closed.
    reset: bool,
}

impl Line {
    /// Sends a reply: the answer to return, or, where the connection is to break, one that nobody will see.
    #[must_use]
    pub fn send(&self, reply: Reply) -> Response<Vec<u8>> {
        match reply {
            Reply::Answer(message) => return message,
            Reply::Reset => self.reset(),
            Reply::Truncated(bytes) | Reply::NotHttp(bytes) => self.close_after(bytes),
        }
        Response::default()
    }

    /// Sends these bytes instead of the next answer, and closes the connection.
    fn close_after(&self, bytes: Vec<u8>) {
        self.set(Break { bytes, sent: 0, reset: false });
    }

    /// Resets the connection instead of the next answer.
    fn reset(&self) {
        self.set(Break { bytes: Vec::new(), sent: 0, reset: true });
    }

    fn set(&self, end: Break) {
        *self.0.lock() = Some(end);
    }
}

impl axum::serve::Listener for Listener {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    // Answers are small, and clients wait for them. A failure only makes them slower.
                    let _ = stream.set_nodelay(true);
                    return (Socket { stream, line: Line::default() }, address);
                }
                // There is no free file descriptor, or the client has gone: try again later.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Listener>> for Line {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().line.clone()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, line } = &mut *self;
        let mut end = line.0.lock();
        let Some(end) = end.as_mut() else { return Pin::new(stream).poll_write(cx, bytes) };
        while let Some(rest) = end.bytes.get(end.sent..).filter(|rest| !rest.is_empty()) {
            end.sent += ready!(Pin::new(&mut *stream).poll_write(cx, rest))?;
        }
        if end.reset {
            stream.set_zero_linger()?;
        }
        // The server drops the connection then, which closes or resets it.
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
