//! The streams and buckets in JetStream: their names and settings.

use super::broker::{Broker, Bucket, MessageStream};
use super::error::{ANSWER, QueueError};
use super::lane::Lane;
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub(super) const OPT_INS: &str = "KLAVIYO_OPT_INS";
pub(super) const OPT_OUTS: &str = "KLAVIYO_OPT_OUTS";
pub(super) const EVENTS: &str = "KLAVIYO_EVENTS";
pub(super) const REPLIES: &str = "KLAVIYO_REPLIES";
const DEAD: &str = "KLAVIYO_DEAD";
pub(super) const DEAD_SUBJECT: &str = "klaviyo.dead";
const CHANGES_DEAD: &str = "KLAVIYO_CHANGES_DEAD";
pub(super) const CHANGES_DEAD_SUBJECT: &str = "klaviyo.changes-dead";
/// The end of the subject of a change that was refused and is to be sent again.
pub(super) const CHANGES_RETRY: &str = "retry";
/// The wakes of feeds. No stream has them.
pub(super) const CHANGES_SUBJECT: &str = "klaviyo.changes";
/// How long JetStream itself drops a second opt-in with the same id. Later ones are found by their outcomes.
const DUPLICATES: Duration = Duration::from_secs(10 * 60);

/// The same for buckets, which have no use for it; it may not be longer than entries stay.
const WINDOW: Duration = Duration::from_secs(120);

/// Opens the stream of a lane, or makes it with this bound in bytes; none for no bound.
pub(super) async fn open_lane(
    broker: &dyn Broker,
    lane: Lane,
    max_bytes: Option<u64>,
) -> Result<Arc<dyn MessageStream>, QueueError> {
    let what = match lane {
        Lane::OptOuts => "opt-outs that wait to be brought to Klaviyo, and words that take them back",
        Lane::OptIns => "opt-ins that wait to be brought to Klaviyo",
        Lane::Events => "delivery events that wait to be brought to Klaviyo",
        Lane::Replies => "replies that wait to be sent by WhatsApp",
    };
    let config = stream::Config {
        name: lane.stream().to_owned(),
        description: Some(what.to_owned()),
        subjects: vec![lane.subject("*")],
        retention: RetentionPolicy::WorkQueue,
        // A full stream refuses new messages, and loses none.
        discard: DiscardPolicy::New,
        max_bytes: max_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        duplicate_window: DUPLICATES,
        allow_direct: true,
        ..stream::Config::default()
    };
    open_stream(broker, lane.stream(), config).await
}

/// Opens the stream of dead letters, or makes it.
pub(super) async fn open_dead_letters(broker: &dyn Broker) -> Result<Arc<dyn MessageStream>, QueueError> {
    let config = stream::Config {
        name: DEAD.to_owned(),
        description: Some("opt-ins that could not be done".to_owned()),
        subjects: vec![format!("{DEAD_SUBJECT}.*.*")],
        // A dead letter that is written twice replaces itself.
        max_messages_per_subject: 1,
        // If an operator sets a bound, a full stream refuses new dead letters, and loses none.
        discard: DiscardPolicy::New,
        allow_direct: true,
        ..stream::Config::default()
    };
    open_stream(broker, DEAD, config).await
}

/// Opens the stream of the dead letters of changes, or makes it.
pub(super) async fn open_changes_dead(broker: &dyn Broker) -> Result<Arc<dyn MessageStream>, QueueError> {
    let config = stream::Config {
        name: CHANGES_DEAD.to_owned(),
        description: Some("changes that their destination refused".to_owned()),
        subjects: vec![
            format!("{CHANGES_DEAD_SUBJECT}.*.*"),
            format!("{CHANGES_DEAD_SUBJECT}.*.*.{CHANGES_RETRY}"),
        ],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_direct: true,
        ..stream::Config::default()
    };
    open_stream(broker, CHANGES_DEAD, config).await
}

async fn open_stream(
    broker: &dyn Broker,
    name: &'static str,
    config: stream::Config,
) -> Result<Arc<dyn MessageStream>, QueueError> {
    let opened = timeout(ANSWER, broker.open_stream(config)).await;
    opened
        .map_err(|_| QueueError::TimedOut("make or open a stream"))?
        .map_err(|error| QueueError::SetUp(name, error))
}

/// Opens a bucket, or makes its stream. Without an age, entries stay. The client could make it, but first asks for something that a server
/// of version 2.9, which Debian 12 has, does not tell.
pub(super) async fn open_bucket(
    broker: &dyn Broker,
    name: &'static str,
    max_age: Duration,
) -> Result<Arc<dyn Bucket>, QueueError> {
    let config = stream::Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        max_age,
        duplicate_window: if max_age.is_zero() { WINDOW } else { max_age.min(WINDOW) },
        discard: DiscardPolicy::New,
        deny_delete: true,
        allow_rollup: true,
        allow_direct: true,
        ..stream::Config::default()
    };
    open_stream(broker, name, config).await?;
    let bucket = timeout(ANSWER, broker.open_bucket(name)).await;
    bucket
        .map_err(|_| QueueError::TimedOut("make or open a stream"))?
        .map_err(|error| QueueError::SetUp(name, error))
}
