//! The bodies of requests, before it is known whose they are.
//!
//! Anybody can send one. So what has come of all of them together is bounded, and when it is too much, the body that has been
//! coming for the longest is given up for the one that goes on: whoever sends quickly gets through.

use super::reply::Rejection;
use crate::ops::Connection;
use axum::extract::Request;
use futures_util::StreamExt;
use http::StatusCode;
use klaviyo_host::types::Code;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

/// How large the body of a request with opt-ins may be, in bytes.
pub(super) const OPT_INS: usize = 1 << 20;
/// How large a notification of WhatsApp's may be. Meta sends several in one, and repeats one that is refused for days.
pub(super) const NOTIFICATION: usize = 4 << 20;

/// All bodies that come to a door.
pub(super) struct Bodies {
    /// How many bytes of them there may be.
    most: usize,
    time: Duration,
    pause: Duration,
    state: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    held: usize,
    next: u64,
    /// In the order in which they began.
    coming: BTreeMap<u64, PartialBody>,
}

/// What has come of a body.
struct PartialBody {
    bytes: Vec<u8>,
    given_up: Arc<Notify>,
}

/// A body while it comes.
struct Coming {
    bodies: Arc<Bodies>,
    number: u64,
    given_up: Arc<Notify>,
}

/// A body that has come. It counts until it is dropped.
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
    /// At most so many bytes of them together, each within a time, and without a longer pause.
    pub(super) fn new(most: usize, time: Duration, pause: Duration) -> Arc<Self> {
        Arc::new(Self { most, time, pause, state: Mutex::default() })
    }

    /// Reads a request's body, of so many bytes at most.
    pub(super) async fn read(self: &Arc<Self>, request: Request, largest: usize) -> Result<Body, Rejection> {
        let connection = request.extensions().get().cloned();
        let mut chunks = request.into_body().into_data_stream();
        let (coming, end) = (self.begin(), Instant::now() + self.time);
        loop {
            let next = timeout_at(end, timeout(self.pause, chunks.next()));
            let next = tokio::select! {
                () = coming.given_up.notified() => return Err(BodyError::GivenUp.into()),
                next = next => next,
            };
            match next {
                Ok(Ok(Some(Ok(chunk)))) => self.append(coming.number, &chunk, largest)?,
                Ok(Ok(Some(Err(_)))) => {
                    let message = "the body cannot be read";
                    return Err(Rejection::new(StatusCode::BAD_REQUEST, Code::Connection.as_str(), message));
                }
                Ok(Ok(None)) => return Ok(coming.complete(connection)?),
                Ok(Err(_)) => {
                    return Err(late(format!("nothing came of the body for {} s", self.pause.as_secs_f64())));
                }
                Err(_) => {
                    return Err(late(format!("the body did not come within {} s", self.time.as_secs_f64())));
                }
            }
        }
    }

    /// The body of a request that has none.
    pub(super) fn none(self: &Arc<Self>, connection: Option<Connection>) -> Body {
        Body { bodies: Arc::clone(self), bytes: Vec::new(), connection }
    }

    fn state(&self) -> MutexGuard<'_, Table> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>) -> Coming {
        let (mut state, given_up) = (self.state(), Arc::new(Notify::new()));
        let number = state.next;
        state.next += 1;
        state.coming.insert(number, PartialBody { bytes: Vec::new(), given_up: Arc::clone(&given_up) });
        drop(state);
        Coming { bodies: Arc::clone(self), number, given_up }
    }

    fn append(&self, number: u64, chunk: &[u8], largest: usize) -> Result<(), BodyError> {
        let mut state = self.state();
        let part = state.coming.get(&number).ok_or(BodyError::GivenUp)?;
        let (length, before) = (part.bytes.len(), part.bytes.capacity());
        let needed = length + chunk.len();
        if needed > largest {
            return Err(BodyError::TooLarge { largest });
        }
        // As a vector grows by itself, but known before it does.
        let capacity = if needed > before { needed.max(2 * before).min(largest) } else { before };
        state.make_room(capacity - before, self.most);
        let part = state.coming.get_mut(&number).ok_or(BodyError::GivenUp)?;
        part.bytes.reserve_exact(capacity - length);
        part.bytes.extend_from_slice(chunk);
        let grown = part.bytes.capacity() - before;
        state.held += grown;
        Ok(())
    }
}

impl Table {
    /// Gives up bodies, until so many bytes more may be held.
    fn make_room(&mut self, more: usize, most: usize) {
        while self.held + more > most
            && let Some((_, part)) = self.coming.pop_first()
        {
            self.held -= part.bytes.capacity();
            part.given_up.notify_one();
        }
    }
}

impl Coming {
    fn complete(self, connection: Option<Connection>) -> Result<Body, BodyError> {
        let part = self.bodies.state().coming.remove(&self.number).ok_or(BodyError::GivenUp)?;
        Ok(Body { bodies: Arc::clone(&self.bodies), bytes: part.bytes, connection })
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let mut state = self.bodies.state();
        if let Some(part) = state.coming.remove(&self.number) {
            state.held -= part.bytes.capacity();
        }
    }
}

impl Body {
    /// By which connection it came.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Its bytes, which no longer count here.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bodies.state().held -= self.bytes.capacity();
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
        self.bodies.state().held -= self.bytes.capacity();
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

    const MOST: usize = OPT_INS;

    fn bodies(most: usize) -> Arc<Bodies> {
        Bodies::new(most, Duration::from_secs(10), Duration::from_secs(5))
    }

    fn held(bodies: &Bodies) -> usize {
        bodies.state().held
    }

    fn request(body: axum::body::Body) -> Request {
        Request::new(body)
    }

    #[tokio::test(start_paused = true)]
    async fn the_body_that_has_been_coming_for_the_longest_is_given_up_for_a_newer_one() {
        let bodies = bodies(1_000);
        let [first, second, third] = [bodies.begin(), bodies.begin(), bodies.begin()];
        for (coming, bytes) in [(&first, 400), (&second, 300), (&third, 300)] {
            assert_eq!(bodies.append(coming.number, &vec![0; bytes], MOST), Ok(()));
        }
        assert_eq!(held(&bodies), 1_000);
        let quick = bodies.read(request(axum::body::Body::from(vec![1; 500])), MOST).await.unwrap();
        assert_eq!((&*quick, held(&bodies)), (&[1; 500][..], 800));
        for (coming, is_given_up) in [(&first, true), (&second, true), (&third, false)] {
            let told = timeout(Duration::ZERO, coming.given_up.notified()).await;
            assert_eq!(told.is_ok(), is_given_up);
        }
        assert_eq!(bodies.append(first.number, b"x", MOST), Err(BodyError::GivenUp));
        assert_eq!(first.complete(None).err(), Some(BodyError::GivenUp));
        // What has come whole is not given up, and the oldest may be the one that wants more.
        assert_eq!(bodies.append(third.number, &[0; 300], MOST), Err(BodyError::GivenUp));
        assert_eq!(held(&bodies), 500);
        assert_eq!(quick.into_bytes().len(), 500);
        drop((second, third));
        assert_eq!(held(&bodies), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_come_counts_and_what_was_said_does_not() {
        let bodies = bodies(2 * MOST);
        let all: Vec<Coming> = (0..1_000).map(|_| bodies.begin()).collect();
        for coming in &all {
            assert_eq!(bodies.append(coming.number, b"{", MOST), Ok(()));
        }
        assert!(held(&bodies) <= 1_000 * 8, "{}", held(&bodies));
        for _ in 0..MOST - 1 {
            bodies.append(all[0].number, b"{", MOST).unwrap();
        }
        assert_eq!(bodies.append(all[0].number, b"{", MOST), Err(BodyError::TooLarge { largest: MOST }));
        assert!(held(&bodies) <= MOST + 1_000 * 8, "{}", held(&bodies));
        drop(all);
        assert_eq!(held(&bodies), 0);
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
            assert_eq!(refused.err().unwrap().status(), StatusCode::REQUEST_TIMEOUT);
            assert_eq!(begun.elapsed().as_secs(), expected);
        }
        assert_eq!(held(&bodies), 0);
    }
}
