//! What is kept in JetStream.
//!
//! | name | kind | holds | for how long |
//! |---|---|---|---|
//! | `KLAVIYO_OPT_INS` | work-queue stream, `klaviyo.opt-ins.<account>` | opt-ins that wait | until they are acknowledged |
//! | `KLAVIYO_DEAD` | stream, `klaviyo.dead.<account>.<digest>` | dead letters | until they are retried or dropped |
//! | `klaviyo-outcomes` | bucket | what became of each opt-in | a week |
//! | `klaviyo-leases` | bucket | who works on which account | ten seconds, and renewed |
//! | `klaviyo-workers` | bucket | the workers that live | ten seconds, and renewed |
//! | `klaviyo-signatures` | bucket | signatures that front doors have seen | ten minutes |
//!
//! What does not exist is made, with one replica; what exists is used as it is, so that an operator can make it, or
//! change it, otherwise.

mod dead;
mod lease;
mod waiting;

pub use dead::{Dead, Letter};
pub use lease::{Lease, Workers};
pub use waiting::{AccountQueue, MOST, Taken};

use crate::account::Account;
use crate::opt_in::{Key, OptIn};
use crate::outcome::Outcome;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, CreateStreamError};
use async_nats::jetstream::kv::{self, Operation, Store};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, Stream};
use async_nats::{ConnectOptions, HeaderMap, connection};
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

const OPT_INS: &str = "KLAVIYO_OPT_INS";
const OPT_INS_SUBJECT: &str = "klaviyo.opt-ins";
const DEAD: &str = "KLAVIYO_DEAD";
const DEAD_SUBJECT: &str = "klaviyo.dead";
/// How long JetStream itself drops a second opt-in with the same id. Later ones are found by their outcomes.
const DUPLICATES: Duration = Duration::from_secs(10 * 60);
/// How long an outcome can be asked for.
const OUTCOMES: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a worker, and its hold of an account, outlives it.
const LEASE: Duration = Duration::from_secs(10);
/// How long a signature is remembered: as long as its time stamp can be taken for a new one, and longer.
const SIGNATURES: Duration = Duration::from_secs(10 * 60);
/// How long JetStream may take to acknowledge.
const ANSWER: Duration = Duration::from_secs(10);

/// How to reach NATS.
#[derive(Clone, Debug)]
pub struct Nats {
    /// Such as `nats://127.0.0.1:4222`, or several with commas.
    pub url: String,
    /// A file with credentials.
    pub credentials: Option<PathBuf>,
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
}

/// What failed at the queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The file with the credentials cannot be read.
    #[error("cannot read the credentials for NATS in {}", .0.display())]
    Credentials(PathBuf, #[source] std::io::Error),
    /// The address is none, or NATS does not answer there.
    #[error("cannot connect to NATS at {0}; is it running there, and are the credentials right?")]
    Connect(String, #[source] Box<dyn Error + Send + Sync>),
    /// JetStream is off, or a stream or a bucket cannot be made.
    #[error("cannot make or open {0} in JetStream; is it on (nats-server -js), and allowed for this user?")]
    SetUp(&'static str, #[source] Box<dyn Error + Send + Sync>),
    /// There is no connection now.
    #[error("there is no connection to NATS at the moment")]
    Away,
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
        let mut options = ConnectOptions::new().name("klaviyo").connection_timeout(Duration::from_secs(5));
        if let Some(file) = &nats.credentials {
            let failed = |error| QueueError::Credentials(file.clone(), error);
            let text = std::fs::read_to_string(file).map_err(failed)?;
            options = options.credentials(&text).map_err(failed)?;
        }
        let failed = |error: async_nats::ConnectError| QueueError::Connect(shown(&nats.url), error.into());
        let servers: Vec<&str> = nats.url.split(',').collect();
        let client = options.connect(servers).await.map_err(failed)?;
        let context = ContextBuilder::new().timeout(ANSWER).ack_timeout(ANSWER).build(client);
        Self::open(context).await
    }

    async fn open(context: Context) -> Result<Self, QueueError> {
        let opt_ins = stream::Config {
            name: OPT_INS.to_owned(),
            description: Some("opt-ins that wait to be brought to Klaviyo".to_owned()),
            subjects: vec![format!("{OPT_INS_SUBJECT}.*")],
            retention: RetentionPolicy::WorkQueue,
            // A stream that is full refuses what is new, and loses nothing that it has.
            discard: DiscardPolicy::New,
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
            allow_direct: true,
            ..stream::Config::default()
        };
        let set_up = |what| move |error: CreateStreamError| QueueError::SetUp(what, error.into());
        let opt_ins = context.get_or_create_stream(opt_ins).await.map_err(set_up(OPT_INS))?;
        let dead = context.get_or_create_stream(dead).await.map_err(set_up(DEAD))?;
        Ok(Self {
            outcomes: bucket(&context, "klaviyo-outcomes", OUTCOMES).await?,
            leases: bucket(&context, "klaviyo-leases", LEASE).await?,
            workers: bucket(&context, "klaviyo-workers", LEASE).await?,
            signatures: bucket(&context, "klaviyo-signatures", SIGNATURES).await?,
            context,
            opt_ins,
            dead,
        })
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.context.client().connection_state() == connection::State::Connected
    }

    /// Puts opt-ins into the queue. All of them are written when it returns; when it fails, some may be.
    ///
    /// # Errors
    /// When JetStream did not acknowledge one of them: it may not be written.
    pub async fn put(&self, opt_ins: &[(Key, OptIn)]) -> Result<Vec<Accepted>, QueueError> {
        // The client would keep them, and send them when NATS is back, though nobody waits for that any more.
        if !self.is_connected() {
            return Err(QueueError::Away);
        }
        let mut under_way = Vec::with_capacity(opt_ins.len());
        for (key, opt_in) in opt_ins {
            under_way.push(self.publish(key, &key.to_string(), opt_in.to_json().into()).await?);
        }
        let mut accepted = Vec::with_capacity(under_way.len());
        for answer in under_way {
            let written = answer.await.map_err(failed("acknowledge an opt-in"))?;
            accepted.push(Accepted { sequence: written.sequence, duplicate: written.duplicate });
        }
        Ok(accepted)
    }

    async fn publish(
        &self,
        key: &Key,
        message_id: &str,
        opt_in: Bytes,
    ) -> Result<async_nats::jetstream::context::PublishAckFuture, QueueError> {
        let subject = format!("{OPT_INS_SUBJECT}.{}", key.account);
        let message = PublishMessage::build().payload(opt_in).message_id(message_id);
        self.context.send_publish(subject, message).await.map_err(failed("take an opt-in"))
    }

    /// What became of an opt-in that was accepted at this place in the stream. None: it is not known, or no longer.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn outcome(&self, key: &Key, sequence: u64) -> Result<Option<Outcome>, QueueError> {
        if let Some((outcome, _)) = self.settled(key).await? {
            return Ok(Some(outcome));
        }
        if self.waits(key, sequence).await? {
            return Ok(Some(Outcome::Waiting));
        }
        // It may have been done between the two questions.
        Ok(self.settled(key).await?.map(|(outcome, _)| outcome))
    }

    /// Whether the message at this place is this opt-in.
    async fn waits(&self, key: &Key, sequence: u64) -> Result<bool, QueueError> {
        use async_nats::jetstream::stream::RawMessageErrorKind;
        match self.opt_ins.get_raw_message(sequence).await {
            Ok(message) => Ok(is_about(&message.headers, key)),
            Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(false),
            Err(error) => Err(failed("find an opt-in")(error)),
        }
    }

    /// The outcome of an opt-in, and its revision.
    pub(crate) async fn settled(&self, key: &Key) -> Result<Option<(Outcome, u64)>, QueueError> {
        let entry = self.outcomes.entry(key.to_string()).await.map_err(failed("find an outcome"))?;
        let Some(entry) = entry.filter(|entry| entry.operation == Operation::Put) else { return Ok(None) };
        let outcome =
            serde_json::from_slice(&entry.value).map_err(failed("have an outcome that can be read"))?;
        Ok(Some((outcome, entry.revision)))
    }

    /// Writes the outcome of an opt-in, if it has none but the one of this revision (0: none at all). Otherwise
    /// somebody else has settled it; that is false.
    pub(crate) async fn settle(
        &self,
        key: &Key,
        outcome: &Outcome,
        revision: u64,
    ) -> Result<bool, QueueError> {
        let value = serde_json::to_vec(outcome).map_err(failed("get an outcome that can be written"))?;
        match self.outcomes.update(key.to_string(), value.into(), revision).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => Ok(false),
            Err(error) => Err(failed("keep an outcome")(error)),
        }
    }

    /// Whether a signature is seen for the first time, by any front door.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn first_use(&self, signature: &str) -> Result<bool, QueueError> {
        // A signature is base64, with characters that a key may not have.
        let key = Key::new(&Account::default(), signature).to_string();
        match self.signatures.update(key, Bytes::new(), 0).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => Ok(false),
            Err(error) => Err(failed("remember a signature")(error)),
        }
    }

    /// How many opt-ins of each account wait or are under way.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn waiting(&self) -> Result<BTreeMap<Account, usize>, QueueError> {
        let account = |subject: &str| subject.rsplit('.').next().and_then(|name| name.parse().ok());
        let counts = counts(&self.opt_ins, format!("{OPT_INS_SUBJECT}.*")).await?;
        Ok(counts.into_iter().filter_map(|(subject, count)| Some((account(&subject)?, count))).collect())
    }

    /// The opt-ins of one account.
    ///
    /// # Errors
    /// When its consumer cannot be made.
    pub async fn account(&self, account: &Account) -> Result<AccountQueue, QueueError> {
        AccountQueue::open(self.context.client(), self.opt_ins.clone(), account).await
    }
}

/// How many messages there are of each subject.
async fn counts(stream: &Stream, subjects: String) -> Result<Vec<(String, usize)>, QueueError> {
    let counts = stream.info_with_subjects(subjects).await.map_err(failed("count the opt-ins"))?;
    counts.try_collect().await.map_err(failed("count the opt-ins"))
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
    context.get_or_create_stream(config).await.map_err(|error| QueueError::SetUp(name, error.into()))?;
    context.get_key_value(name).await.map_err(|error| QueueError::SetUp(name, error.into()))
}

/// Whether a message's id is this key, or made of it.
fn is_about(headers: &HeaderMap, key: &Key) -> bool {
    let id = headers.get(async_nats::header::NATS_MESSAGE_ID).map(|id| id.as_str());
    let key = key.to_string();
    id.and_then(|id| id.strip_prefix(&key)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An address without the password in it.
fn shown(url: &str) -> String {
    url.split(',')
        .map(|server| match server.rsplit_once('@') {
            Some((_, host)) => format!("…@{host}"),
            None => server.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        assert_eq!(shown("nats://user:canary@one:4222,two:4222"), "…@one:4222,two:4222");
    }
}
