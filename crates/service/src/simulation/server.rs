//! JetStream without a server: streams, consumers and buckets, as far as the queue uses them. It is held against a real
//! server by `contract.rs`.

use super::true_time;
use crate::queue::broker::{BucketEntry, ConsumerState, Pull, StreamState, Written};
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID};
use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// How far back what a killed server has not written can reach.
const UNWRITTEN: Duration = Duration::from_secs(2);
/// The header of the mark of a deleted entry.
const KV_OPERATION: &str = "KV-Operation";
/// What JetStream stores beside subject and payload.
const OVERHEAD: usize = 32;

/// A server with JetStream.
pub(crate) struct Server {
    state: Mutex<State>,
    /// Something has changed that a pull may wait for.
    pub(super) changed: Notify,
    /// A message was acknowledged.
    pub(super) acknowledged: Notify,
}

/// What a server keeps, and whether it runs.
pub(crate) struct State {
    streams: BTreeMap<String, StreamData>,
    listeners: Vec<(String, mpsc::UnboundedSender<()>)>,
    /// How often it was started.
    starts: u32,
    is_up: bool,
    /// How far its clock is ahead.
    ahead: time::Duration,
}

struct StreamData {
    config: Config,
    messages: BTreeMap<u64, StreamMessage>,
    last: u64,
    /// The sequences of message ids, and when they were written.
    ids: BTreeMap<String, (u64, Instant)>,
    consumers: BTreeMap<String, ConsumerData>,
    /// What acknowledgements have removed lately.
    removed: VecDeque<(Instant, StreamMessage)>,
}

struct ConsumerData {
    config: pull::Config,
    now: Progress,
    /// What it was lately, until when.
    before: VecDeque<(Instant, Progress)>,
}

/// How far a consumer is.
#[derive(Clone, Default)]
struct Progress {
    /// The first sequence that it has not delivered.
    next: u64,
    /// What is delivered and not acknowledged.
    pending: BTreeMap<u64, Pending>,
}

#[derive(Clone, Copy)]
struct Pending {
    /// When it is delivered again.
    due: Instant,
    deliveries: i64,
}

/// A message for a client, with how often it was delivered and how many are left.
pub(super) struct Given {
    pub(super) message: StreamMessage,
    pub(super) deliveries: i64,
    pub(super) left: u64,
}

/// What a killed server has not written of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritten {
    /// It has written everything.
    Nothing,
    /// The consumers are older than the stream.
    Consumers,
    /// The stream is older than its consumers: it has messages that are acknowledged.
    Removals,
    /// Both are older.
    Both,
}

/// Why a message was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NoStream,
    OtherSequence,
    Full,
}

impl Server {
    pub(crate) fn start() -> Self {
        let state = State {
            streams: BTreeMap::new(),
            listeners: Vec::new(),
            starts: 1,
            is_up: true,
            ahead: time::Duration::ZERO,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), acknowledged: Notify::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Kills it. `unwritten` tells for each stream what is not written.
    pub(crate) fn kill(&self, unwritten: impl Fn(&str) -> Unwritten) {
        let mut state = self.state.lock();
        state.is_up = false;
        state.listeners.clear();
        for (name, stream) in &mut state.streams {
            stream.lose(unwritten(name));
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Starts it after a kill.
    pub(crate) fn restart(&self) {
        let mut state = self.state.lock();
        state.is_up = true;
        state.starts += 1;
        drop(state);
        self.changed.notify_waiters();
    }
}

impl State {
    /// The time by its clock.
    fn now(&self) -> OffsetDateTime {
        true_time().map_or_else(OffsetDateTime::now_utc, |now| now + self.ahead)
    }

    /// Its clock jumps.
    pub(super) fn jump(&mut self, by: time::Duration) {
        self.ahead += by;
    }

    /// Bounds the bytes of a stream from now on; none for no bound. Returns the bound that it had.
    pub(super) fn set_max_bytes(&mut self, name: &str, most: impl FnOnce(u64) -> i64) -> Option<i64> {
        let stream = self.streams.get_mut(name)?;
        let most = most(stream.messages.values().map(size).sum());
        Some(std::mem::replace(&mut stream.config.max_bytes, most))
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_up
    }

    pub(super) fn id(&self) -> String {
        format!("SIMULATED-{}", self.starts)
    }

    pub(super) fn open_stream(&mut self, config: Config) -> Config {
        let stream = self.streams.entry(config.name.clone()).or_insert_with(|| StreamData {
            config,
            messages: BTreeMap::new(),
            last: 0,
            ids: BTreeMap::new(),
            consumers: BTreeMap::new(),
            removed: VecDeque::new(),
        });
        stream.config.clone()
    }

    fn stream(&mut self, name: &str) -> Option<&mut StreamData> {
        let now = self.now();
        let stream = self.streams.get_mut(name)?;
        stream.expire(now);
        Some(stream)
    }

    /// Writes a message to the stream of its subject.
    pub(super) fn publish(
        &mut self,
        subject: &str,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Written, Refused> {
        let is_its =
            |stream: &&mut StreamData| stream.config.subjects.iter().any(|filter| fits(filter, subject));
        let now = self.now();
        let stream = self.streams.values_mut().find(is_its).ok_or(Refused::NoStream)?;
        stream.expire(now);
        stream.write(subject, headers, payload, now)
    }

    pub(super) fn stream_state(&mut self, name: &str) -> Option<StreamState> {
        let now = self.now();
        let stream = self.stream(name)?;
        let first = stream.messages.first_key_value();
        Some(StreamState {
            max_bytes: stream.config.max_bytes,
            max_messages: stream.config.max_messages,
            bytes: stream.messages.values().map(size).sum(),
            messages: stream.messages.len() as u64,
            first_sequence: first.map_or(stream.last + 1, |(sequence, _)| *sequence),
            last_sequence: stream.last,
            first_timestamp: first.map_or(now, |(_, message)| message.time),
        })
    }

    pub(super) fn subjects(&mut self, name: &str, filter: &str) -> Option<Vec<(String, usize)>> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for message in self.stream(name)?.of(filter) {
            *counts.entry(message.subject.to_string()).or_default() += 1;
        }
        Some(counts.into_iter().collect())
    }

    pub(super) fn at(&mut self, name: &str, sequence: u64) -> Option<StreamMessage> {
        self.stream(name)?.messages.get(&sequence).cloned()
    }

    pub(super) fn first_of(&mut self, name: &str, filter: &str, from: u64) -> Option<StreamMessage> {
        self.stream(name)?.of(filter).find(|message| message.sequence >= from).cloned()
    }

    pub(super) fn last_of(&mut self, name: &str, filter: &str) -> Option<StreamMessage> {
        self.stream(name)?.of(filter).last().cloned()
    }

    /// Whether a stream has a message whose id begins with this.
    pub(super) fn has_id(&mut self, name: &str, id: &str) -> bool {
        let is_its = |message: &StreamMessage| {
            message.headers.get(NATS_MESSAGE_ID).is_some_and(|own| own.as_str().starts_with(id))
        };
        self.stream(name).is_some_and(|stream| stream.messages.values().any(is_its))
    }

    pub(super) fn delete(&mut self, name: &str, sequence: u64) -> bool {
        self.stream(name).is_some_and(|stream| stream.messages.remove(&sequence).is_some())
    }

    pub(super) fn purge_below(&mut self, name: &str, filter: &str, sequence: u64) -> u64 {
        let Some(stream) = self.stream(name) else { return 0 };
        let before = stream.messages.len();
        stream.messages.retain(|of, message| *of >= sequence || !fits(filter, &message.subject));
        (before - stream.messages.len()) as u64
    }

    /// Opens a consumer under a name as it is, or makes it. Returns its description, and how many messages it has to deliver.
    pub(super) fn open_consumer(
        &mut self,
        stream: &str,
        name: &str,
        config: pull::Config,
    ) -> (Option<String>, u64) {
        let Some(stream) = self.stream(stream) else { return (None, 0) };
        let opened = stream.consumers.entry(name.to_owned()).or_insert_with(|| ConsumerData {
            config,
            now: Progress { next: 1, pending: BTreeMap::new() },
            before: VecDeque::new(),
        });
        let description = opened.config.description.clone();
        (description, stream.consumer_state(name).map_or(0, |state| state.pending))
    }

    pub(super) fn consumer_state(&mut self, stream: &str, name: &str) -> Option<ConsumerState> {
        self.stream(stream)?.consumer_state(name)
    }

    pub(super) fn delete_consumer(&mut self, stream: &str, name: &str) -> bool {
        self.stream(stream).is_some_and(|stream| stream.consumers.remove(name).is_some())
    }

    /// What a consumer has to deliver now. None: there is no such consumer.
    pub(super) fn pull(&mut self, stream: &str, name: &str, pull: &Pull) -> Option<Vec<Given>> {
        self.stream(stream)?.pull(name, pull)
    }

    /// When a consumer has to deliver something again.
    pub(super) fn next_due(&mut self, stream: &str, name: &str) -> Option<Instant> {
        let consumer = self.stream(stream)?.consumers.get(name)?;
        consumer.now.pending.values().map(|pending| pending.due).min()
    }

    pub(super) fn acknowledge(&mut self, stream: &str, name: &str, sequence: u64, kind: AckKind) {
        if let Some(stream) = self.stream(stream) {
            stream.acknowledge(name, sequence, kind);
        }
    }

    pub(super) fn listen(&mut self, subject: String) -> mpsc::UnboundedReceiver<()> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.listeners.push((subject, sender));
        receiver
    }

    pub(super) fn notify(&mut self, subject: &str) {
        self.listeners.retain(|(of, sender)| of != subject || sender.send(()).is_ok());
    }
}

/// A bucket is a stream with one message for each subject.
impl State {
    pub(super) fn entry(&mut self, stream: &str, subject: &str) -> Option<BucketEntry> {
        let message = self.last_of(stream, subject)?;
        let is_mark = message.headers.get(KV_OPERATION).is_some();
        let value = (!is_mark).then(|| message.payload.clone());
        Some(BucketEntry { value, revision: message.sequence })
    }

    pub(super) fn keys(&mut self, stream: &str, prefix: &str) -> Vec<String> {
        let Some(stream) = self.stream(stream) else { return Vec::new() };
        let live = stream.messages.values().filter(|message| message.headers.get(KV_OPERATION).is_none());
        live.filter_map(|message| message.subject.strip_prefix(prefix).map(str::to_owned)).collect()
    }

    /// Writes an entry, over the one of a revision if one is given.
    pub(super) fn put(
        &mut self,
        subject: &str,
        value: Bytes,
        revision: Option<u64>,
    ) -> Result<Written, Refused> {
        self.publish(subject, expecting(revision), value)
    }

    /// Writes an entry where none is, or the mark of one.
    pub(super) fn create(&mut self, stream: &str, subject: &str, value: Bytes) -> Result<Written, Refused> {
        match self.entry(stream, subject) {
            Some(BucketEntry { value: Some(_), .. }) => Err(Refused::OtherSequence),
            Some(BucketEntry { value: None, revision }) => self.put(subject, value, Some(revision)),
            None => self.put(subject, value, Some(0)),
        }
    }

    /// Leaves a mark in place of an entry.
    pub(super) fn mark(&mut self, subject: &str, revision: Option<u64>) -> Result<Written, Refused> {
        let mut headers = expecting(revision);
        headers.insert(KV_OPERATION, "DEL");
        self.publish(subject, headers, Bytes::new())
    }
}

fn expecting(revision: Option<u64>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(revision) = revision {
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(revision));
    }
    headers
}

impl StreamData {
    /// Removes what is too old.
    fn expire(&mut self, now: OffsetDateTime) {
        let max_age = self.config.max_age;
        if !max_age.is_zero() {
            self.messages.retain(|_, message| message.time + max_age > now);
        }
    }

    fn of<'a>(&'a self, filter: &'a str) -> impl Iterator<Item = &'a StreamMessage> {
        self.messages.values().filter(move |message| fits(filter, &message.subject))
    }

    fn write(
        &mut self,
        subject: &str,
        headers: HeaderMap,
        payload: Bytes,
        time: OffsetDateTime,
    ) -> Result<Written, Refused> {
        let (now, window) = (Instant::now(), self.config.duplicate_window);
        self.ids.retain(|_, (_, at)| at.elapsed() < window);
        let id = headers.get(NATS_MESSAGE_ID).map(|id| id.as_str().to_owned());
        if let Some((sequence, _)) = id.as_ref().and_then(|id| self.ids.get(id)) {
            return Ok(Written { sequence: *sequence, is_duplicate: true });
        }
        if let Some(expected) = headers.get(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE) {
            let last = self.of(subject).last().map_or(0, |message| message.sequence);
            if expected.as_str() != last.to_string() {
                return Err(Refused::OtherSequence);
            }
        }
        let sequence = self.last + 1;
        let message = StreamMessage { subject: subject.into(), sequence, headers, payload, time };
        let bytes = self.messages.values().map(size).sum::<u64>() + size(&message);
        if u64::try_from(self.config.max_bytes).is_ok_and(|most| most > 0 && bytes > most) {
            return Err(Refused::Full);
        }
        if self.config.max_messages_per_subject == 1 {
            self.messages.retain(|_, older| older.subject.as_str() != subject);
        }
        self.last = sequence;
        self.messages.insert(sequence, message);
        if let Some(id) = id {
            self.ids.insert(id, (sequence, now));
        }
        Ok(Written { sequence, is_duplicate: false })
    }

    fn consumer_state(&self, name: &str) -> Option<ConsumerState> {
        let ConsumerData { config, now, .. } = self.consumers.get(name)?;
        let left = self.of(&config.filter_subject).filter(|message| message.sequence >= now.next);
        Some(ConsumerState { pending: left.count() as u64, ack_pending: now.pending.len() })
    }

    fn pull(&mut self, name: &str, pull: &Pull) -> Option<Vec<Given>> {
        let now = Instant::now();
        let Self { consumers, messages, .. } = self;
        let ConsumerData { config, now: at, before } = consumers.get_mut(name)?;
        remember(before, at);
        let (mut given, mut bytes) = (Vec::new(), 0);
        while given.len() < pull.most {
            let again = at.pending.iter().filter(|(_, pending)| pending.due <= now);
            let again =
                again.min_by_key(|(_, pending)| pending.due).map(|(sequence, pending)| (*sequence, *pending));
            let (message, deliveries) = if let Some((sequence, pending)) = again {
                let Some(message) = messages.get(&sequence) else {
                    at.pending.remove(&sequence);
                    continue;
                };
                (message, pending.deliveries + 1)
            } else {
                let mut new = messages.range(at.next..).map(|(_, message)| message);
                let Some(message) = new.find(|message| fits(&config.filter_subject, &message.subject)) else {
                    break;
                };
                (message, 1)
            };
            bytes += message.payload.len();
            // The first one is delivered whatever it takes.
            if pull.bytes.is_some_and(|most| bytes > most) && !given.is_empty() {
                break;
            }
            let sequence = message.sequence;
            at.next = at.next.max(sequence + 1);
            if config.ack_policy != AckPolicy::None {
                at.pending.insert(sequence, Pending { due: now + config.ack_wait, deliveries });
            }
            given.push(Given { message: message.clone(), deliveries, left: 0 });
        }
        let left =
            messages.range(at.next..).filter(|(_, message)| fits(&config.filter_subject, &message.subject));
        let (left, count) = (left.count(), given.len());
        for (n, given) in given.iter_mut().enumerate() {
            given.left = (left + count - 1 - n) as u64;
        }
        Some(given)
    }

    fn acknowledge(&mut self, name: &str, sequence: u64, kind: AckKind) {
        let now = Instant::now();
        let Some(consumer) = self.consumers.get_mut(name) else { return };
        let Some(pending) = consumer.now.pending.get(&sequence).copied() else { return };
        remember(&mut consumer.before, &consumer.now);
        let due = match kind {
            AckKind::Ack | AckKind::Term => {
                consumer.now.pending.remove(&sequence);
                if self.config.retention == RetentionPolicy::WorkQueue
                    && let Some(message) = self.messages.remove(&sequence)
                {
                    self.removed.retain(|(at, _)| at.elapsed() < UNWRITTEN);
                    self.removed.push_back((now, message));
                }
                return;
            }
            AckKind::Nak(delay) => now + delay.unwrap_or_default(),
            AckKind::Progress => now + consumer.config.ack_wait,
            AckKind::Next => return,
        };
        consumer.now.pending.insert(sequence, Pending { due, ..pending });
    }

    /// What a kill leaves.
    fn lose(&mut self, unwritten: Unwritten) {
        self.consumers.retain(|_, consumer| consumer.config.durable_name.is_some());
        if matches!(unwritten, Unwritten::Removals | Unwritten::Both) {
            let lately = self.removed.drain(..).filter(|(at, _)| at.elapsed() < UNWRITTEN);
            self.messages.extend(lately.map(|(_, message)| (message.sequence, message)));
        }
        self.removed.clear();
        for consumer in self.consumers.values_mut() {
            let mut before = consumer.before.drain(..).filter(|(at, _)| at.elapsed() < UNWRITTEN);
            if matches!(unwritten, Unwritten::Consumers | Unwritten::Both)
                && let Some((_, older)) = before.next()
            {
                drop(before);
                consumer.now = older;
            }
        }
        // A server reads the ids of the messages that it still has.
        let (messages, ids) = (&self.messages, &mut self.ids);
        ids.retain(|_, (sequence, _)| messages.contains_key(sequence));
    }
}

/// Keeps what a consumer is about to be no more, as long as a kill can bring it back.
fn remember(before: &mut VecDeque<(Instant, Progress)>, now: &Progress) {
    while before.front().is_some_and(|(at, _)| at.elapsed() >= UNWRITTEN) {
        before.pop_front();
    }
    before.push_back((Instant::now(), now.clone()));
}

fn size(message: &StreamMessage) -> u64 {
    (message.subject.len() + message.payload.len() + OVERHEAD) as u64
}

/// Whether a subject is one of a filter's, which may be empty for all.
fn fits(filter: &str, subject: &str) -> bool {
    let (mut wanted, mut tokens) = (filter.split('.'), subject.split('.'));
    if filter.is_empty() {
        return true;
    }
    loop {
        match (wanted.next(), tokens.next()) {
            (None, None) => return true,
            (Some(">"), Some(_)) => return true,
            (Some(wanted), Some(token)) if wanted == "*" || wanted == token => {}
            _ => return false,
        }
    }
}
