//! The bodies of requests whose signature is not checked yet.
//!
//! Anybody can send one, so all of them together have a bound. When it is reached, the body that has been
//! arriving for the longest time is dropped, so that a caller who sends quickly gets through.

use super::reply::Rejection;
use crate::ops::Connection;
use axum::extract::Request;
use futures_util::StreamExt;
use http::StatusCode;
use klaviyo_host::types::Code;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

/// The largest body of a request with opt-ins or opt-outs, in bytes.
pub(super) const SIGNED: usize = 1 << 20;
/// The largest notification of WhatsApp, in bytes. Meta sends several in one, and repeats a refused one for
/// days.
pub(super) const NOTIFICATION: usize = 4 << 20;

/// All bodies that arrive at a door.
pub(super) struct Bodies {
    /// The most bytes that they may have together.
    most: usize,
    time: Duration,
    pause: Duration,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    bytes_in_use: usize,
    next: u64,
    /// The bodies that are arriving, in the order in which they began.
    arriving: BTreeMap<u64, PartialBody>,
}

/// The part of a body that has arrived.
struct PartialBody {
    bytes: Vec<u8>,
    given_up: Arc<Notify>,
}

/// A body that is arriving.
struct ArrivingBody {
    bodies: Arc<Bodies>,
    number: u64,
    given_up: Arc<Notify>,
}

/// A body that has arrived. It counts until it is dropped.
pub(super) struct Body {
    bodies: Arc<Bodies>,
    bytes: Vec<u8>,
    connection: Option<Connection>,
}

#[derive(Debug, PartialEq, Eq)]
enum BodyError {
    TooLarge { largest: usize },
    GivenUp,
}

impl Bodies {
    /// Bodies of at most so many bytes together. Each has to arrive within `time`, without a pause that is
    /// longer than `pause`.
    pub(super) fn new(most: usize, time: Duration, pause: Duration) -> Arc<Self> {
        Arc::new(Self { most, time, pause, table: Mutex::default() })
    }

    /// Reads the body of a request, which may have so many bytes.
    pub(super) async fn read(self: &Arc<Self>, request: Request, largest: usize) -> Result<Body, Rejection> {
        let connection = request.extensions().get().cloned();
        let mut chunks = request.into_body().into_data_stream();
        let (arriving, end) = (self.begin(), Instant::now() + self.time);
        loop {
            let next = timeout_at(end, timeout(self.pause, chunks.next()));
            let next = tokio::select! {
                () = arriving.given_up.notified() => return Err(BodyError::GivenUp.into()),
                next = next => next,
            };
            match next {
                Ok(Ok(Some(Ok(chunk)))) => self.append(arriving.number, &chunk, largest)?,
                Ok(Ok(Some(Err(_)))) => {
                    let message = "the body cannot be read";
                    return Err(Rejection::new(StatusCode::BAD_REQUEST, Code::Connection.as_str(), message));
                }
                Ok(Ok(None)) => return Ok(arriving.complete(connection)?),
                Ok(Err(_)) => {
                    return Err(late(format!("nothing came of the body for {} s", self.pause.as_secs_f64())));
                }
                Err(_) => {
                    return Err(late(format!("the body did not come within {} s", self.time.as_secs_f64())));
                }
            }
        }
    }

    /// The empty body of a request without one.
    pub(super) fn empty(self: &Arc<Self>, connection: Option<Connection>) -> Body {
        Body { bodies: Arc::clone(self), bytes: Vec::new(), connection }
    }

    fn begin(self: &Arc<Self>) -> ArrivingBody {
        let (mut table, given_up) = (self.table.lock(), Arc::new(Notify::new()));
        let number = table.next;
        table.next += 1;
        table.arriving.insert(number, PartialBody { bytes: Vec::new(), given_up: Arc::clone(&given_up) });
        drop(table);
        ArrivingBody { bodies: Arc::clone(self), number, given_up }
    }

    fn append(&self, number: u64, chunk: &[u8], largest: usize) -> Result<(), BodyError> {
        let mut table = self.table.lock();
        let part = table.arriving.get(&number).ok_or(BodyError::GivenUp)?;
        let (length, before) = (part.bytes.len(), part.bytes.capacity());
        let needed = length + chunk.len();
        if needed > largest {
            return Err(BodyError::TooLarge { largest });
        }
        // A vector would grow in the same way, but the growth has to be known before.
        let capacity = if needed > before { needed.max(2 * before).min(largest) } else { before };
        table.make_room(capacity - before, self.most);
        let part = table.arriving.get_mut(&number).ok_or(BodyError::GivenUp)?;
        part.bytes.reserve_exact(capacity - length);
        part.bytes.extend_from_slice(chunk);
        let grown = part.bytes.capacity() - before;
        table.bytes_in_use += grown;
        Ok(())
    }
}

impl Table {
    /// Drops bodies until there is room for so many more bytes.
    fn make_room(&mut self, more: usize, most: usize) {
        while self.bytes_in_use + more > most
            && let Some((_, part)) = self.arriving.pop_first()
        {
            self.bytes_in_use -= part.bytes.capacity();
            part.given_up.notify_one();
        }
    }
}

impl ArrivingBody {
    fn complete(self, connection: Option<Connection>) -> Result<Body, BodyError> {
        let part = self.bodies.table.lock().arriving.remove(&self.number).ok_or(BodyError::GivenUp)?;
        Ok(Body { bodies: Arc::clone(&self.bodies), bytes: part.bytes, connection })
    }
}

impl Drop for ArrivingBody {
    fn drop(&mut self) {
        let mut table = self.bodies.table.lock();
        if let Some(part) = table.arriving.remove(&self.number) {
            table.bytes_in_use -= part.bytes.capacity();
        }
    }
}

impl Body {
    /// The connection by which it came.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// The bytes, which do not count here any more.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bodies.table.lock().bytes_in_use -= self.bytes.capacity();
        std::mem::take(&mut self.bytes)
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.bodies.table.lock().bytes_in_use -= self.bytes.capacity();
    }
}

fn late(message: String) -> Rejection {
    Rejection::new(StatusCode::REQUEST_TIMEOUT, Code::Timeout.as_str(), message)
}

impl From<BodyError> for Rejection {
    fn from(failed: BodyError) -> Self {
        match failed {
            BodyError::TooLarge { largest } => {
                let message = format!("this request may have at most {largest} bytes");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge.as_str(), message)
            }
            BodyError::GivenUp => late(
                "this body was given up for others, since it has been coming for the longest of too many; repeat the \
                 request, and send it faster"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = SIGNED;

    fn bodies(most: usize) -> Arc<Bodies> {
        Bodies::new(most, Duration::from_secs(10), Duration::from_secs(5))
    }

    fn bytes_in_use(bodies: &Bodies) -> usize {
        bodies.table.lock().bytes_in_use
    }

    fn request(body: axum::body::Body) -> Request {
        Request::new(body)
    }

    #[tokio::test(start_paused = true)]
    async fn the_body_that_has_been_coming_for_the_longest_is_given_up_for_a_newer_one() {
        let bodies = bodies(1_000);
        let [first, second, third] = [bodies.begin(), bodies.begin(), bodies.begin()];
        for (arriving, bytes) in [(&first, 400), (&second, 300), (&third, 300)] {
            assert_eq!(bodies.append(arriving.number, &vec![0; bytes], MOST), Ok(()));
        }
        assert_eq!(bytes_in_use(&bodies), 1_000);
        let quick = bodies.read(request(axum::body::Body::from(vec![1; 500])), MOST).await.unwrap();
        assert_eq!((&*quick, bytes_in_use(&bodies)), (&[1; 500][..], 800));
        for (arriving, is_given_up) in [(&first, true), (&second, true), (&third, false)] {
            let notified = timeout(Duration::ZERO, arriving.given_up.notified()).await;
            assert_eq!(notified.is_ok(), is_given_up);
        }
        assert_eq!(bodies.append(first.number, b"x", MOST), Err(BodyError::GivenUp));
        assert_eq!(first.complete(None).err(), Some(BodyError::GivenUp));
        // A whole body is not dropped, and the oldest body may be the one that needs room.
        assert_eq!(bodies.append(third.number, &[0; 300], MOST), Err(BodyError::GivenUp));
        assert_eq!(bytes_in_use(&bodies), 500);
        assert_eq!(quick.into_bytes().len(), 500);
        drop((second, third));
        assert_eq!(bytes_in_use(&bodies), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_come_counts_and_what_was_said_does_not() {
        let bodies = bodies(2 * MOST);
        let all: Vec<ArrivingBody> = (0..1_000).map(|_| bodies.begin()).collect();
        for arriving in &all {
            assert_eq!(bodies.append(arriving.number, b"{", MOST), Ok(()));
        }
        assert!(bytes_in_use(&bodies) <= 1_000 * 8, "{}", bytes_in_use(&bodies));
        for _ in 0..MOST - 1 {
            bodies.append(all[0].number, b"{", MOST).unwrap();
        }
        assert_eq!(bodies.append(all[0].number, b"{", MOST), Err(BodyError::TooLarge { largest: MOST }));
        assert!(bytes_in_use(&bodies) <= MOST + 1_000 * 8, "{}", bytes_in_use(&bodies));
        drop(all);
        assert_eq!(bytes_in_use(&bodies), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_a_time_and_no_pause() {
        let bodies = bodies(MOST);
        for (pause, expected) in [(1, 10), (6, 5)] {
            let begun = Instant::now();
            let slow = futures_util::stream::unfold((), move |()| async move {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                Some((Ok::<_, std::io::Error>("x"), ()))
            });
            let refused = bodies.read(request(axum::body::Body::from_stream(slow)), MOST).await;
            assert_eq!(refused.err().unwrap().status, StatusCode::REQUEST_TIMEOUT);
            assert_eq!(begun.elapsed().as_secs(), expected);
        }
        assert_eq!(bytes_in_use(&bodies), 0);
    }
}
