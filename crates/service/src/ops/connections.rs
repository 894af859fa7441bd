//! The open connections, and which of them is closed for a new one.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// How long a connection counts as new: the time for a signed request to arrive.
const NEW: Duration = Duration::from_secs(1);

/// The connections of a listener.
pub(super) struct Connections {
    most: usize,
    begun: Instant,
    open: Mutex<Open>,
    /// Notified when a connection has ended, or is no longer in use.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Open {
    next: u64,
    all: BTreeMap<u64, Connection>,
}

/// The connection of a request. A [`Listener`](super::Listener) adds it to the extensions of the request.
#[derive(Clone, Debug)]
pub struct Connection(Arc<ConnectionState>);

#[derive(Debug)]
struct ConnectionState {
    /// When the listener began. The times below are counted from then.
    begun: Instant,
    opened: Instant,
    /// When a byte was read or written the last time, in microseconds.
    progress: AtomicU64,
    is_known: AtomicBool,
    in_use: AtomicUsize,
    closed: Notify,
    changed: Arc<Notify>,
}

/// Keeps a connection from being closed for a new one.
#[derive(Debug)]
#[must_use = "the connection may be closed for a new one when this is dropped"]
pub struct InUse(Connection);

/// An open connection. Dropping it frees its place.
pub(super) struct Member {
    connections: Arc<Connections>,
    number: u64,
    pub(super) connection: Connection,
}

impl Connection {
    /// Marks the connection as used by a signed request, until the result is dropped. From now on it counts
    /// as known: strangers' connections are closed before it.
    pub fn in_use(&self) -> InUse {
        self.0.is_known.store(true, Ordering::Relaxed);
        self.0.in_use.fetch_add(1, Ordering::Relaxed);
        InUse(self.clone())
    }

    /// Notes that a byte was read or written.
    pub(super) fn progressed(&self) {
        let now = u64::try_from(self.0.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.0.progress.store(now, Ordering::Relaxed);
    }

    /// When the connection was opened.
    pub(super) fn opened(&self) -> Instant {
        self.0.opened
    }

    /// Returns when the connection is too old. A request that is being worked on ends first, and its answer
    /// gets the grace.
    pub(super) async fn outlived(&self, age: Duration, grace: Duration) {
        const LOOK: Duration = Duration::from_secs(1);
        sleep(age + grace).await;
        while self.is_in_use() {
            while self.is_in_use() {
                sleep(LOOK).await;
            }
            sleep(grace).await;
        }
    }

    fn is_in_use(&self) -> bool {
        self.0.in_use.load(Ordering::Relaxed) > 0
    }

    fn is_known(&self) -> bool {
        self.0.is_known.load(Ordering::Relaxed)
    }

    /// The connection with the least worth is closed first. Known idle ones keep up to half of the places:
    /// strangers do not displace them, and they do not keep out new connections.
    fn worth(&self, too_many_known: bool) -> (Worth, u64) {
        let worth = match (self.is_known(), too_many_known) {
            (true, true) => Worth::OneOfTooMany,
            (true, false) => Worth::Known,
            (false, _) if self.0.opened.elapsed() < NEW => Worth::New,
            (false, _) => Worth::Stranger,
        };
        (worth, self.0.progress.load(Ordering::Relaxed))
    }
}

/// The worth of a connection that is not in use.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// It had time for a signed request, and none came.
    Stranger,
    /// It is known, and so are more than half of the places.
    OneOfTooMany,
    /// It was opened a moment ago.
    New,
    /// A signed request has come on it.
    Known,
}

impl Drop for InUse {
    fn drop(&mut self) {
        let Connection(state) = &self.0;
        // It was the door's turn until now, so its silence begins here.
        self.0.progressed();
        state.in_use.fetch_sub(1, Ordering::Relaxed);
        state.changed.notify_one();
    }
}

impl Connections {
    /// At most so many connections at once.
    pub(super) fn new(most: usize) -> Arc<Self> {
        let (open, changed) = (Mutex::default(), Arc::new(Notify::new()));
        Arc::new(Self { most: most.max(1), begun: Instant::now(), open, changed })
    }

    /// Adds a new connection. If there is no place, the one without progress for the longest time is closed
    /// for it, strangers' first. Returns also whether one was closed. None: all are in use.
    pub(super) fn enter(self: &Arc<Self>) -> Option<(Member, bool)> {
        let mut open = self.open.lock();
        let is_full = open.all.len() >= self.most;
        if is_full && !open.close_one(self.most) {
            return None;
        }
        let number = open.next;
        open.next += 1;
        let connection = Connection(Arc::new(ConnectionState {
            begun: self.begun,
            opened: Instant::now(),
            progress: AtomicU64::default(),
            is_known: AtomicBool::default(),
            in_use: AtomicUsize::default(),
            closed: Notify::new(),
            changed: Arc::clone(&self.changed),
        }));
        connection.progressed();
        open.all.insert(number, connection.clone());
        Some((Member { connections: Arc::clone(self), number, connection }, is_full))
    }

    /// Closes the connection that would be closed for a new one. False: all are in use.
    pub(super) fn close_one(&self) -> bool {
        self.open.lock().close_one(self.most)
    }

    /// Returns when there may be a place for a new one.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Open {
    fn close_one(&mut self, most: usize) -> bool {
        let idle = || self.all.iter().filter(|(_, connection)| !connection.is_in_use());
        let known = idle().filter(|(_, connection)| connection.is_known()).count();
        let worth = |connection: &Connection| connection.worth(known > most / 2);
        let number = idle().min_by_key(|(_, connection)| worth(connection)).map(|(number, _)| *number);
        // Its place is free at once, and its task ends soon.
        let closed = number.and_then(|number| self.all.remove(&number));
        closed.is_some_and(|Connection(state)| {
            state.closed.notify_one();
            true
        })
    }
}

impl Member {
    /// Returns when the connection is closed for another one.
    pub(super) async fn closed(&self) {
        self.connection.0.closed.notified().await;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.connections.open.lock().all.remove(&self.number);
        self.connections.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::{advance, timeout};

    async fn is_closed(member: &Member) -> bool {
        timeout(Duration::ZERO, member.closed()).await.is_ok()
    }

    /// All places taken, each a second after the one before.
    async fn full(count: usize) -> (Arc<Connections>, Vec<Member>) {
        let connections = Connections::new(count);
        let mut members = Vec::new();
        for _ in 0..count {
            let (member, closed_another) = connections.enter().unwrap();
            assert!(!closed_another);
            members.push(member);
            advance(Duration::from_secs(1)).await;
        }
        (connections, members)
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_without_progress_for_the_longest_is_closed_for_a_new_one() {
        let (connections, members) = full(3).await;
        members[0].connection.progressed();
        let mut new = Vec::new();
        for expected in [1, 2, 0] {
            assert!(!is_closed(&members[expected]).await);
            let (member, closed_another) = connections.enter().unwrap();
            assert!(closed_another && is_closed(&members[expected]).await, "{expected}");
            new.push(member);
            advance(Duration::from_secs(1)).await;
        }
        // Closed connections free no second place when they end.
        drop(members);
        assert!(connections.enter().unwrap().1 && is_closed(&new[0]).await);
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_go_first_and_who_is_worked_for_stays() {
        let (connections, members) = full(3).await;
        let in_use = members[0].connection.in_use();
        drop(members[1].connection.in_use());
        // The stranger is the one with the latest progress.
        members[2].connection.progressed();
        let new = connections.enter().unwrap().0;
        assert!(is_closed(&members[2]).await);
        let others = [members[1].connection.in_use(), new.connection.in_use()];
        assert!(connections.enter().is_none() && !connections.close_one());
        drop(others);
        timeout(Duration::ZERO, connections.changed()).await.unwrap();
        // Two known connections are idle, and equally long.
        let stranger = connections.enter().unwrap().0;
        assert!(is_closed(&members[1]).await);
        let other = connections.enter().unwrap().0;
        assert!(is_closed(&stranger).await);
        for stays in [&members[0], &new, &other] {
            assert!(!is_closed(stays).await);
        }
        drop(in_use);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_are_known_and_idle_do_not_keep_out_who_has_just_come() {
        let (connections, known) = full(4).await;
        known.iter().for_each(|member| drop(member.connection.in_use()));
        advance(Duration::from_secs(60)).await;
        let mut new = Vec::new();
        for one_of_too_many in &known[..2] {
            new.push(connections.enter().unwrap().0);
            assert!(is_closed(one_of_too_many).await);
        }
        for stays in known[2..].iter().chain(&new) {
            assert!(!is_closed(stays).await);
        }
        // Half of the places have known connections, so the next one to be closed is a new one.
        let (_another, _) = connections.enter().unwrap();
        assert!(is_closed(&new[0]).await);
        for stays in known[2..].iter().chain(&new[1..]) {
            assert!(!is_closed(stays).await);
        }
    }
}
