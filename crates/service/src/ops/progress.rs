//! A stream that fails when its peer does not read.

use super::connections::Connection;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream that notes its progress. While a write waits, nothing is read: a caller who does not read answers
/// gets no more of them. If a write waits for too long, the stream fails.
pub(super) struct ProgressStream<S> {
    stream: S,
    connection: Connection,
    /// How long a write may wait.
    patience: Duration,
    /// When the waiting write fails; none if no write waits.
    deadline: Option<Pin<Box<Sleep>>>,
    /// The reader that waits for a write.
    reader: Option<Waker>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ProgressStream<S> {
    pub(super) fn new(stream: S, connection: Connection, patience: Duration) -> Self {
        Self { stream, connection, patience, deadline: None, reader: None }
    }

    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else { return self.stalled(context) };
        if written.as_ref().is_ok_and(|bytes| *bytes > 0) {
            self.connection.progressed();
        }
        self.deadline = None;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(written)
    }

    fn stalled(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let patience = self.patience;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        deadline.as_mut().poll(context).map(|()| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "what was written to the connection is not read"))
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ProgressStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.deadline.is_some() {
            this.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.connection.progressed();
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ProgressStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.written(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, bytes);
        this.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::connections::Connections;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_not_read_from_and_ends() {
        let (mut peer, own) = duplex(8);
        let member = Connections::new(1).enter().unwrap().0;
        let mut own = ProgressStream::new(own, member.connection.clone(), PATIENCE);
        peer.write_all(b"question").await.unwrap();
        own.write_all(&[0; 8]).await.unwrap();
        assert!(timeout(Duration::from_secs(9), own.write_all(b"x")).await.is_err());
        // Requests of this peer wait too.
        let mut byte = [0];
        assert!(timeout(Duration::from_millis(1), own.read_exact(&mut byte)).await.is_err());
        let begun = Instant::now();
        let error = own.write_all(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn each_byte_that_is_read_gives_it_time_again() {
        let (mut peer, own) = duplex(8);
        let member = Connections::new(1).enter().unwrap().0;
        let mut own = ProgressStream::new(own, member.connection.clone(), PATIENCE);
        let writing = tokio::spawn(async move { own.write_all(&[0; 16]).await.map(|()| own) });
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            assert_eq!(peer.read_u8().await.unwrap(), 0);
        }
        let mut own = writing.await.unwrap().unwrap();
        // The stream is read from again.
        peer.write_all(b"?").await.unwrap();
        assert_eq!(own.read_u8().await.unwrap(), b'?');
    }
}
