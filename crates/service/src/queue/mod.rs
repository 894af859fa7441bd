//! What is kept in JetStream.
//!
//! | name | kind | holds | for how long |
//! |---|---|---|---|
//! | `KLAVIYO_OPT_INS` | work-queue stream, `klaviyo.opt-ins.<account>` | opt-ins, and opt-outs, that wait | until they are acknowledged |
//! | `KLAVIYO_DEAD` | stream, `klaviyo.dead.<account>.<digest>` | dead letters | until they are retried or dropped |
//! | `klaviyo-outcomes` | bucket | what became of each opt-in | a week |
//! | `klaviyo-leases` | bucket | who works on which account | ten seconds, and renewed |
//! | `klaviyo-workers` | bucket | the workers that live | ten seconds, and renewed |
//! | `klaviyo-signatures` | bucket | signatures that front doors have seen | ten minutes |
//!
//! What does not exist is made, with one replica; what exists is used as it is, so that an operator can make it, or
//! change it, otherwise.
//!
//! Whatever NATS does, or does not do, everything that is asked of it ends in time: see [`within`].

mod account_queue;
mod address;
mod dead_letter;
mod entry;
mod health;
mod lease;
mod record;
mod version;

pub use account_queue::{AccountQueue, Backlog, Delivery, MAX_BATCH};
pub use dead_letter::{DeadLetter, DeadLetterBody};
pub use entry::QueueEntry;
pub use lease::{Lease, Workers};
pub(crate) use record::Record;

use crate::account::Account;
use crate::key::OptInKey;
use crate::outcome::Outcome;
use async_nats::Client;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, CreateStreamError};
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, Stream};
use async_nats::{ConnectOptions, HeaderMap, connection};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream as streams};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::warn;

const OPT_INS: &str = "KLAVIYO_OPT_INS";
const OPT_INS_SUBJECT: &str = "klaviyo.opt-ins";
const DEAD: &str = "KLAVIYO_DEAD";
const DEAD_SUBJECT: &str = "klaviyo.dead";
/// How long JetStream itself drops a second opt-in with the same id. Later ones are found by their outcomes.
const DUPLICATES: Duration = Duration::from_secs(10 * 60);
/// How long an outcome can be asked for.
pub(crate) const OUTCOMES: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a worker, and its hold of an account, outlives it.
const LEASE: Duration = Duration::from_secs(10);
/// How long a signature is remembered: as long as its time stamp can be taken for a new one, and longer.
const SIGNATURES: Duration = Duration::from_secs(10 * 60);
/// How long NATS may take for anything but [`Queue::put`].
const ANSWER: Duration = Duration::from_secs(5);
/// How long it may take to acknowledge all opt-ins of one put.
const PUT: Duration = Duration::from_secs(10);
/// How often a silent connection is tried; after three times it counts as broken.
const PING: Duration = Duration::from_secs(5);
/// How many opt-ins of one put are on their way to JetStream at once.
const PUT_AT_ONCE: usize = 256;
/// How many of all puts together. The client lets 5,000 messages wait for their acknowledgement, and would wait for a
/// place among them without end.
const PUT_PERMITS: usize = 2_048;
/// How many outcomes, and dead letters, of all accounts: what is left are places for leases, which do not wait behind them.
const OUTCOME_PERMITS: usize = 1_024;
/// What waiting opt-ins may take of JetStream's store where the stream is made: two and a half million of 400 bytes. A
/// stream without a bound would take the room that outcomes and leases need to empty it.
pub const OPT_INS_BYTES: u64 = 1 << 30;

/// How to reach NATS.
#[derive(Clone, Debug)]
pub struct Nats {
    /// Such as `nats://127.0.0.1:4222` or `tls://USER:PASSWORD@nats:4222`, or several with commas. What a name or a password
    /// has beside letters and digits is percent-encoded.
    pub url: String,
    /// A file with credentials.
    pub credentials: Option<PathBuf>,
    /// A file with the certificates (PEM) that the server's is checked with; without one they are the system's.
    pub ca: Option<PathBuf>,
    /// Who connects.
    pub role: Role,
    /// What waiting opt-ins may take of JetStream's store, in bytes, if their stream is to be made:
    /// [`OPT_INS_BYTES`], say.
    pub opt_ins_bytes: u64,
}

/// A NATS of one's own on this machine.
impl Default for Nats {
    fn default() -> Self {
        let url = "nats://127.0.0.1:4222".to_owned();
        Self { url, credentials: None, ca: None, role: Role::Operator, opt_ins_bytes: OPT_INS_BYTES }
    }
}

/// Who is at the queue. What NATS answers each of them has subjects of its own, so that the users of a NATS can be kept
/// from reading what others are answered: opt-ins, for one, which workers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A front door; its answers are below `_INBOX.klaviyo-door`.
    Door,
    /// A worker; `_INBOX.klaviyo-worker`.
    Worker,
    /// Who looks after the queue; `_INBOX.klaviyo-operator`.
    Operator,
}

impl Role {
    const fn inbox(self) -> &'static str {
        match self {
            Self::Door => "_INBOX.klaviyo-door",
            Self::Worker => "_INBOX.klaviyo-worker",
            Self::Operator => "_INBOX.klaviyo-operator",
        }
    }
}

/// The queue, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Queue {
    context: Context,
    opt_ins: Stream,
    dead: Stream,
    outcomes: Store,
    leases: Store,
    workers: Store,
    signatures: Store,
    /// Bytes of waiting opt-ins, where the server cannot be told to refuse more.
    bound: Option<u64>,
    put_permits: Arc<Semaphore>,
    outcome_permits: Arc<Semaphore>,
}

/// What failed at the queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The file with the credentials cannot be read.
    #[error("cannot read the credentials for NATS in {}", .0.display())]
    Credentials(PathBuf, #[source] std::io::Error),
    /// The file with the certificates cannot be read.
    #[error("cannot read the certificates for NATS in {}", .0.display())]
    Certificates(PathBuf, #[source] std::io::Error),
    /// The address is none. It is not repeated: there can be a password in it.
    #[error("the address of NATS cannot be read; write nats://127.0.0.1:4222, say, or several with commas")]
    Address,
    /// NATS does not answer there.
    #[error("cannot connect to NATS at {0}; is it running there, and are the credentials right?")]
    Connect(String, #[source] Box<dyn Error + Send + Sync>),
    /// JetStream is off, or a stream or a bucket cannot be made.
    #[error(
        "cannot make or open {0} in JetStream; is it on (nats-server -js), allowed for this user, and has it room for \
         --queue-bytes?"
    )]
    SetUp(&'static str, #[source] Box<dyn Error + Send + Sync>),
    /// The stream of opt-ins takes no more.
    #[error(
        "the stream KLAVIYO_OPT_INS is full; let workers empty it, or give it more room (max_bytes, or --queue-bytes)"
    )]
    Full,
    /// There is no connection now.
    #[error("there is no connection to NATS at the moment")]
    Away,
    /// Nothing of a put was tried, for this reason.
    #[error(transparent)]
    Refused(Arc<QueueError>),
    /// The outcome of an opt-in is nothing that this version knows.
    #[error("the outcome of {0} cannot be read; a newer version has written it, perhaps: update this one")]
    Unreadable(OptInKey),
    /// NATS has not answered in time. Whether it did what it was asked for is not known.
    #[error("NATS did not {0} in time")]
    TimedOut(&'static str),
    /// JetStream did not do what it was asked for.
    #[error("JetStream did not {0}")]
    Failed(&'static str, #[source] Box<dyn Error + Send + Sync>),
}

/// What became of an opt-in that was put into the queue: it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its place in the stream.
    pub sequence: u64,
    /// It was there already.
    pub duplicate: bool,
}

/// The opt-ins in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many of each account wait or are under way.
    pub accounts: BTreeMap<Account, usize>,
    /// How many messages there are of each subject that is no account's. No worker takes them.
    pub strays: BTreeMap<String, usize>,
}

impl Waiting {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.strays.is_empty()
    }

    /// How many wait or are under way, of all accounts.
    #[must_use]
    pub fn total(&self) -> usize {
        self.accounts.values().sum()
    }
}

/// Waits for NATS until a time, and not at all without a connection: the client would keep what it is to send, and send
/// it when NATS is back, though nobody waits for that any more.
async fn until<F: Future>(
    client: &Client,
    what: &'static str,
    end: Instant,
    answer: F,
) -> Result<F::Output, QueueError> {
    if client.connection_state() != connection::State::Connected {
        return Err(QueueError::Away);
    }
    timeout_at(end, answer).await.map_err(|_| QueueError::TimedOut(what))
}

/// Waits for NATS as long as it may take.
async fn within<F: Future>(client: &Client, what: &'static str, answer: F) -> Result<F::Output, QueueError> {
    until(client, what, Instant::now() + ANSWER, answer).await
}

/// The same, where any error is a failure.
async fn ask<T, E: Into<Box<dyn Error + Send + Sync>>>(
    client: &Client,
    what: &'static str,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, QueueError> {
    within(client, what, answer).await?.map_err(failed(what))
}

/// Makes an error of one of NATS' many.
fn failed<E: Into<Box<dyn Error + Send + Sync>>>(what: &'static str) -> impl FnOnce(E) -> QueueError {
    move |error| QueueError::Failed(what, error.into())
}

impl Queue {
    /// Connects, and makes what is missing. A connection that breaks later is made again by itself.
    ///
    /// # Errors
    /// When NATS is not there, or has no JetStream.
    pub async fn connect(nats: &Nats) -> Result<Self, QueueError> {
        let mut options = ConnectOptions::new()
            .name("klaviyo")
            .connection_timeout(Duration::from_secs(5))
            .ping_interval(PING)
            .custom_inbox_prefix(nats.role.inbox());
        if let Some(file) = &nats.credentials {
            let failed = |error| QueueError::Credentials(file.clone(), error);
            let text = std::fs::read_to_string(file).map_err(failed)?;
            options = options.credentials(&text).map_err(failed)?;
        }
        if let Some(file) = &nats.ca {
            // The client reads it whenever it connects, and does not say which file it could not read.
            let failed = |error| QueueError::Certificates(file.clone(), error);
            std::fs::File::open(file).map_err(failed)?;
            options = options.add_root_certificates(file.clone());
        }
        let servers = address::servers(&nats.url)?;
        let shown = address::shown(&servers);
        let failed = |error: async_nats::ConnectError| QueueError::Connect(shown, error.into());
        let options = address::signed_in(&servers, options);
        let client = options.connect(servers).await.map_err(failed)?;
        let version = client.server_info().version;
        if let Some(doubt) = version::doubt(&version) {
            warn!(version, "{doubt}");
        }
        let context = ContextBuilder::new().timeout(ANSWER).ack_timeout(PUT).build(client);
        Self::open(context, nats.opt_ins_bytes).await
    }

    async fn open(context: Context, opt_ins_bytes: u64) -> Result<Self, QueueError> {
        let loses = version::loses_at_max_bytes(&context.client().server_info().version);
        let bound = loses.then_some(opt_ins_bytes);
        let opt_ins = stream::Config {
            name: OPT_INS.to_owned(),
            description: Some("opt-ins that wait to be brought to Klaviyo".to_owned()),
            subjects: vec![format!("{OPT_INS_SUBJECT}.*")],
            retention: RetentionPolicy::WorkQueue,
            // A stream that is full refuses what is new, and loses nothing that it has.
            discard: DiscardPolicy::New,
            max_bytes: bound.map_or_else(|| i64::try_from(opt_ins_bytes).unwrap_or(i64::MAX), |_| -1),
            duplicate_window: DUPLICATES,
            allow_direct: true,
            ..stream::Config::default()
        };
        let dead = stream::Config {
            name: DEAD.to_owned(),
            description: Some("opt-ins that could not be done".to_owned()),
            subjects: vec![format!("{DEAD_SUBJECT}.*.*")],
            // So that writing a letter twice is writing it once.
            max_messages_per_subject: 1,
            // Letters are not lost for others where an operator sets a bound.
            discard: DiscardPolicy::New,
            allow_direct: true,
            ..stream::Config::default()
        };
        let opt_ins = stream(&context, OPT_INS, opt_ins).await?;
        let dead = stream(&context, DEAD, dead).await?;
        let stream::Config { max_bytes, .. } = opt_ins.cached_info().config;
        if max_bytes <= 0 && !loses {
            warn!(
                "the stream {OPT_INS} has no max_bytes: opt-ins that wait can take the room that workers need to empty it"
            );
        }
        if max_bytes > 0 && loses {
            warn!(
                "NATS before 2.10 loses the oldest opt-ins at max_bytes; take it from the stream {OPT_INS}"
            );
        }
        Ok(Self {
            outcomes: bucket(&context, "klaviyo-outcomes", OUTCOMES).await?,
            leases: bucket(&context, "klaviyo-leases", LEASE).await?,
            workers: bucket(&context, "klaviyo-workers", LEASE).await?,
            signatures: bucket(&context, "klaviyo-signatures", SIGNATURES).await?,
            bound,
            put_permits: Arc::new(Semaphore::new(PUT_PERMITS)),
            outcome_permits: Arc::new(Semaphore::new(OUTCOME_PERMITS)),
            context,
            opt_ins,
            dead,
        })
    }

    fn client(&self) -> Client {
        self.context.client()
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.context.client().connection_state() == connection::State::Connected
    }

    /// Puts opt-ins into the queue, as they are written there ([`OptIn::to_json`](crate::opt_in::OptIn::to_json)).
    /// Tells of each, in the same order, whether it is written. One that failed may be written all the same, when it is
    /// not known what JetStream did; to put it again is safe. It takes ten seconds at most.
    pub async fn put(&self, opt_ins: Vec<(OptInKey, Bytes)>) -> Vec<Result<Accepted, QueueError>> {
        let end = Instant::now() + PUT;
        if self.bound.is_some()
            && let Err(full) = self.has_room(end).await
        {
            let full = Arc::new(full);
            return opt_ins.iter().map(|_| Err(QueueError::Refused(Arc::clone(&full)))).collect();
        }
        streams::iter(opt_ins)
            .map(|(key, opt_in)| async move { self.publish(&key, &key.to_string(), opt_in, end).await })
            .buffered(PUT_AT_ONCE)
            .collect()
            .await
    }

    /// Fails where the stream of opt-ins is full.
    async fn has_room(&self, end: Instant) -> Result<(), QueueError> {
        let what = "tell of the opt-ins";
        let info = until(&self.client(), what, end, self.opt_ins.get_info()).await?.map_err(failed(what))?;
        if self.is_full(&info) { Err(QueueError::Full) } else { Ok(()) }
    }

    async fn publish(
        &self,
        key: &OptInKey,
        message_id: &str,
        opt_in: Bytes,
        end: Instant,
    ) -> Result<Accepted, QueueError> {
        let subject = format!("{OPT_INS_SUBJECT}.{}", key.account);
        let message = PublishMessage::build().payload(opt_in).message_id(message_id);
        let published = async {
            // It is never closed.
            let _turn = self.put_permits.acquire().await;
            self.context.send_publish(subject, message).await?.await
        };
        let what = "acknowledge an opt-in";
        let written = until(&self.client(), what, end, published).await?.map_err(failed(what))?;
        Ok(Accepted { sequence: written.sequence, duplicate: written.duplicate })
    }

    /// What became of an opt-in that was accepted at this sequence of the stream. None: none was, or it is not known any
    /// more.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn outcome(&self, key: &OptInKey, sequence: u64) -> Result<Option<Outcome>, QueueError> {
        let record = self.find_record(key).await?;
        if let Some(record) = record.as_ref().filter(|record| record.is_of(sequence)) {
            return Ok(Some(record.outcome.clone()));
        }
        if self.waits(key, sequence).await? {
            // Settled, and there: it was accepted once more, which is noted soon.
            return Ok(Some(record.map_or(Outcome::Waiting, |record| record.outcome)));
        }
        // It may have been done between the two questions.
        let record = self.find_record(key).await?.filter(|record| record.is_of(sequence));
        Ok(record.map(|record| record.outcome))
    }

    /// Whether the message at this sequence is this opt-in, as a front door has written it.
    async fn waits(&self, key: &OptInKey, sequence: u64) -> Result<bool, QueueError> {
        use async_nats::jetstream::stream::RawMessageErrorKind;
        if sequence == 0 {
            // They begin with 1, and JetStream takes this for a question without one.
            return Ok(false);
        }
        match within(&self.client(), "find an opt-in", self.opt_ins.get_raw_message(sequence)).await? {
            Ok(message) => Ok(is_of(&message.headers, key)),
            Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(false),
            Err(error) => Err(failed("find an opt-in")(error)),
        }
    }

    /// Whether any front door remembers this signature: see [`Queue::remember`].
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn remembers(&self, signature: &str) -> Result<bool, QueueError> {
        let entry = self.signatures.entry(remembered_as(signature));
        Ok(ask(&self.client(), "look for a signature", entry).await?.is_some())
    }

    /// Has all front doors remember a signature, for ten minutes.
    ///
    /// # Errors
    /// When JetStream cannot be asked: it may not be remembered.
    pub async fn remember(&self, signature: &str) -> Result<(), QueueError> {
        let put = self.signatures.put(remembered_as(signature), Bytes::new());
        ask(&self.client(), "remember a signature", put).await.map(drop)
    }

    /// Whether the outcomes of an account can be written: as many bytes are, and are taken away again. So Klaviyo is not
    /// asked for what could not be noted then.
    pub(crate) async fn probe_outcomes(&self, account: &Account, bytes: usize) -> Result<(), QueueError> {
        // No opt-in has this key. What is left of it is a mark, which is smaller: so where the bucket is full this
        // cannot be written in its place.
        let key = format!("{account}.proof");
        let room = Bytes::from(vec![b' '; bytes.clamp(PROBE_LEAST, PROBE_MOST)]);
        ask(&self.client(), "keep an outcome", self.outcomes.put(key.as_str(), room)).await?;
        ask(&self.client(), "take a proof away", self.outcomes.purge(key.as_str())).await
    }

    /// How many opt-ins of each account wait or are under way.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn waiting(&self) -> Result<Waiting, QueueError> {
        // Asked for all of them, also where one account is meant: NATS 2.9 that was killed tells of no message where it
        // is asked for a single subject.
        let counts = async {
            let counts = self.opt_ins.info_with_subjects(format!("{OPT_INS_SUBJECT}.*")).await;
            let counts: Vec<(String, usize)> =
                counts.map_err(failed(COUNT))?.try_collect().await.map_err(failed(COUNT))?;
            Ok(counts)
        };
        let mut waiting = Waiting::default();
        for (subject, count) in within(&self.client(), COUNT, counts).await?? {
            match subject.rsplit('.').next().and_then(|name| name.parse().ok()) {
                Some(account) => waiting.accounts.insert(account, count),
                None => waiting.strays.insert(subject, count),
            };
        }
        Ok(waiting)
    }

    /// The opt-ins of one account.
    ///
    /// # Errors
    /// When its consumer cannot be made.
    pub async fn account(&self, account: &Account) -> Result<AccountQueue, QueueError> {
        AccountQueue::open(self.clone(), account).await
    }
}

const COUNT: &str = "count the opt-ins";
/// What is written to see whether outcomes can be: more than the mark that it leaves, and less than a message may have.
const PROBE_LEAST: usize = 1 << 10;
const PROBE_MOST: usize = 512 << 10;

/// Opens a stream; makes it if there is none.
async fn stream(context: &Context, name: &'static str, config: stream::Config) -> Result<Stream, QueueError> {
    let opened = timeout(ANSWER, context.get_or_create_stream(config)).await;
    opened
        .map_err(|_| QueueError::TimedOut("make or open a stream"))?
        .map_err(|error: CreateStreamError| QueueError::SetUp(name, error.into()))
}

/// Opens a bucket; makes its stream if there is none. The client would do so too, but asks first for what a server of
/// version 2.9, which Debian 12 has, does not tell.
async fn bucket(context: &Context, name: &'static str, max_age: Duration) -> Result<Store, QueueError> {
    let config = stream::Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        max_age,
        duplicate_window: max_age.min(Duration::from_secs(120)),
        discard: DiscardPolicy::New,
        deny_delete: true,
        allow_rollup: true,
        allow_direct: true,
        ..stream::Config::default()
    };
    stream(context, name, config).await?;
    let bucket = timeout(ANSWER, context.get_key_value(name)).await;
    bucket
        .map_err(|_| QueueError::TimedOut("make or open a stream"))?
        .map_err(|error| QueueError::SetUp(name, error.into()))
}

/// A signature is base64, with characters that the key of an entry may not have.
fn remembered_as(signature: &str) -> String {
    OptInKey::new(&Account::default(), signature).to_string()
}

/// Whether a message's id is this key. That of a dead letter that was put back has more behind it.
fn is_of(headers: &HeaderMap, key: &OptInKey) -> bool {
    let id = headers.get(async_nats::header::NATS_MESSAGE_ID).map(|id| id.as_str());
    id == Some(key.to_string().as_str())
}
