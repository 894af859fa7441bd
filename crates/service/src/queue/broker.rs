//! What the queue asks of JetStream, and nothing else, as traits: NATS does it where the service runs (`nats.rs`), and a
//! simulated broker in the simulation.
//!
//! An answer without a value (`None`) is one that the queue expects: there is no such message, entry or consumer, or
//! somebody else has written the entry. All other failures are errors.

use async_nats::HeaderMap;
use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

pub(crate) type BrokerError = Box<dyn Error + Send + Sync>;
pub(crate) type Answer<'a, T, E = BrokerError> = BoxFuture<'a, Result<T, E>>;

/// The connection of whatever asks.
pub(crate) trait Connection: Send + Sync {
    /// Whether there is a connection now.
    fn is_connected(&self) -> bool;
}

/// A server, or a cluster of them.
pub(crate) trait Broker: Connection + Debug {
    /// The version of the server, such as `2.15.1`.
    fn version(&self) -> String;

    /// The id of the server, which changes whenever it starts.
    fn server_id(&self) -> String;

    /// Opens a stream as it is, or makes it.
    fn open_stream(&self, config: stream::Config) -> Answer<'_, Arc<dyn MessageStream>>;

    /// Opens the bucket of a stream that exists.
    fn open_bucket(&self, name: &str) -> Answer<'_, Arc<dyn Bucket>>;

    /// Publishes a message, and waits until a stream has written it.
    fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Answer<'_, Written, PublishError>;

    /// Publishes an empty message to whoever listens now.
    fn notify(&self, subject: String) -> Answer<'_, ()>;

    /// The messages to a subject from now on.
    fn listen(&self, subject: String) -> Answer<'_, BoxStream<'static, ()>>;
}

/// A message is written to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) sequence: u64,
    /// A message with its id was in the stream already.
    pub(crate) is_duplicate: bool,
}

/// A stream.
pub(crate) trait MessageStream: Debug + Send + Sync {
    /// Its settings when it was opened.
    fn config(&self) -> &stream::Config;

    /// What it has now.
    fn state(&self) -> Answer<'_, StreamState>;

    /// How many messages each subject of a filter has.
    fn subjects(&self, filter: String) -> Answer<'_, Vec<(String, usize)>>;

    /// The message with a sequence.
    fn at(&self, sequence: u64) -> Answer<'_, Option<StreamMessage>>;

    /// The first message of a subject, which may have wildcards, at or after a sequence.
    fn first_of(&self, subject: String, from: u64) -> Answer<'_, Option<StreamMessage>>;

    /// The last message of a subject.
    fn last_of(&self, subject: String) -> Answer<'_, Option<StreamMessage>>;

    /// Deletes a message. False: there is none.
    fn delete(&self, sequence: u64) -> Answer<'_, bool>;

    /// Removes the messages of a subject below a sequence, and returns how many.
    fn purge_below(&self, subject: String, sequence: u64) -> Answer<'_, u64>;

    /// Opens a durable consumer as it is, or makes it; makes one without a name anew.
    fn open_consumer(&self, config: pull::Config) -> Answer<'_, Arc<dyn Consumer>>;

    /// Deletes a consumer.
    fn delete_consumer(&self, name: String) -> Answer<'_, ()>;
}

/// What a stream has.
#[derive(Clone, Debug)]
pub(crate) struct StreamState {
    /// The bound of its bytes; none if this is not positive.
    pub(crate) max_bytes: i64,
    /// The bound of its messages; none if this is not positive.
    pub(crate) max_messages: i64,
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
    pub(crate) first_timestamp: OffsetDateTime,
}

/// A consumer, from which messages are pulled.
pub(crate) trait Consumer: Send + Sync {
    fn name(&self) -> &str;

    /// Its description when it was opened.
    fn description(&self) -> Option<&str>;

    /// How many messages it had to deliver when it was opened.
    fn pending_at_first(&self) -> u64;

    /// What it knows now; none if it is deleted.
    fn state(&self) -> Answer<'_, Option<ConsumerState>>;

    /// Asks for messages. The stream ends when it has them all, or none is left and there is nothing to wait for.
    fn pull(&self, pull: Pull) -> Answer<'_, BoxStream<'static, Result<Delivered, BrokerError>>>;
}

/// How many messages are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pull {
    pub(crate) most: usize,
    /// Their bytes at most.
    pub(crate) bytes: Option<usize>,
    /// How long to wait for the first of them; none not to wait.
    pub(crate) patience: Option<Duration>,
}

/// What a consumer knows.
#[derive(Clone, Debug)]
pub(crate) struct ConsumerState {
    /// How many messages it has not delivered.
    pub(crate) pending: u64,
    /// How many it has delivered that are not acknowledged.
    pub(crate) ack_pending: usize,
}

/// A message that a consumer has delivered.
pub(crate) struct Delivered {
    pub(crate) subject: String,
    pub(crate) headers: Option<HeaderMap>,
    pub(crate) payload: Bytes,
    /// Its sequence in the stream.
    pub(crate) sequence: u64,
    /// How often it was delivered, this delivery included.
    pub(crate) deliveries: i64,
    /// How many messages were left for the consumer then.
    pub(crate) pending: u64,
    /// When it came into the stream.
    pub(crate) published: OffsetDateTime,
    pub(crate) acker: Box<dyn Acker>,
}

/// What becomes of one delivery.
pub(crate) trait Acker: Connection {
    /// Tells the broker, which does not answer.
    fn acknowledge(&self, kind: AckKind) -> Answer<'_, ()>;
}

/// A bucket: the last value of each key.
pub(crate) trait Bucket: Debug + Send + Sync {
    /// The stream that it is made of.
    fn stream(&self) -> &dyn MessageStream;

    /// What the subjects of its entries begin with.
    fn prefix(&self) -> &str;

    /// The entry of a key.
    fn entry(&self, key: String) -> Answer<'_, Option<BucketEntry>>;

    /// The keys that have a value.
    fn keys(&self) -> Answer<'_, Vec<String>>;

    /// Writes an entry, whatever is there. Returns its revision.
    fn put(&self, key: String, value: Bytes) -> Answer<'_, u64>;

    /// Writes an entry where there is none. None: there is one.
    fn create(&self, key: String, value: Bytes) -> Answer<'_, Option<u64>>;

    /// Writes an entry over the one of a revision. None: there is another one.
    fn update(&self, key: String, value: Bytes, revision: u64) -> Answer<'_, Option<u64>>;

    /// Leaves a mark in place of an entry, if it still has the revision where one is given.
    fn delete(&self, key: String, revision: Option<u64>) -> Answer<'_, ()>;

    /// The same, whatever is there, and removes what was there before it.
    fn purge(&self, key: String) -> Answer<'_, ()>;
}

/// What a bucket has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketEntry {
    /// None: it is the mark of an entry that was deleted.
    pub(crate) value: Option<Bytes>,
    pub(crate) revision: u64,
}
