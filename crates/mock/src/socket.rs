//! The TCP beneath the server, where connections can be made to break.

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use parking_lot::Mutex;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Accepts connections that can be made to break.
pub(crate) struct Listener(pub(crate) TcpListener);

/// A connection.
pub(crate) struct Socket {
    stream: TcpStream,
    line: Line,
}

/// What a request knows of its connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<Mutex<Option<Break>>>);

/// How a connection ends.
#[derive(Debug)]
struct Break {
    /// What is sent instead of the answer.
    bytes: Vec<u8>,
    sent: usize,
    /// Whether the end is a reset; otherwise the connection closes in order.
    reset: bool,
}

impl Line {
    /// Instead of the next answer the connection sends these bytes, and closes.
    pub(crate) fn close_after(&self, bytes: Vec<u8>) {
        self.set(Break { bytes, sent: 0, reset: false });
    }

    /// Instead of the next answer the connection is reset.
    pub(crate) fn reset(&self) {
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
                    // Answers are small, and clients wait for them. Without this they are merely slower.
                    let _ = stream.set_nodelay(true);
                    return (Socket { stream, line: Line::default() }, address);
                }
                // Nothing but the lack of a file descriptor, or a client that is gone: later there may be
                // one.
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
        // The server drops the connection, and that is what closes or resets it.
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
