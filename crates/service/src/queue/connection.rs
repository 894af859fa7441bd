//! A connection to the queue.

use super::broker::{Broker, Bucket, Connection, MessageStream};
use super::error::{ANSWER, QueueError};
use super::lane::{Lane, Lanes};
use super::set_up;
use super::settings::{self, Nats};
use super::version;
use async_nats::ConnectOptions;
use async_nats::jetstream::context::ContextBuilder;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::warn;

/// How long an outcome can be asked for.
pub(crate) const OUTCOMES: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a worker that died counts as alive, and keeps its accounts.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// How long a signature is remembered: longer than its time stamp is valid.
const SIGNATURES: Duration = Duration::from_secs(10 * 60);
/// How long JetStream may take to acknowledge all opt-ins of one put.
pub(super) const PUT: Duration = Duration::from_secs(10);
/// How often a silent connection is tested. After three times without an answer it counts as broken.
const PING: Duration = Duration::from_secs(5);
/// How many opt-ins of all puts are under way at once. The client allows 5,000 messages without an
/// acknowledgement, and waits without end for a place among them.
const PUT_PERMITS: usize = 2_048;
/// How many outcomes and dead letters are under way at once. The rest of the places are for leases, which do
/// not wait then.
const OUTCOME_PERMITS: usize = 1_024;

/// A connection to the queue.
#[derive(Clone, Debug)]
pub struct Queue {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) lanes: Lanes,
    pub(super) dead_letters: Arc<dyn MessageStream>,
    pub(super) outcomes: Arc<dyn Bucket>,
    pub(super) leases: Arc<dyn Bucket>,
    pub(super) workers: Arc<dyn Bucket>,
    pub(super) signatures: Arc<dyn Bucket>,
    pub(super) tokens: Arc<dyn Bucket>,
    pub(super) changes: Arc<dyn Bucket>,
    pub(super) changes_dead: Arc<dyn MessageStream>,
    pub(super) people: Arc<dyn Bucket>,
    pub(super) replies: Arc<dyn Bucket>,
    /// The most bytes of waiting opt-ins, if the server's own bound would lose some.
    pub(super) max_bytes: Option<u64>,
    pub(super) put_permits: Arc<Semaphore>,
    pub(super) outcome_permits: Arc<Semaphore>,
}

impl Queue {
    /// Connects, and makes the streams and buckets that do not exist. A connection that breaks later comes
    /// back by itself.
    ///
    /// # Errors
    /// When NATS is not there, or has no JetStream.
    pub async fn connect(nats: &Nats) -> Result<Self, QueueError> {
        let mut options = ConnectOptions::new()
            .name("klaviyo")
            .connection_timeout(Duration::from_secs(5))
            .ping_interval(PING)
            .custom_inbox_prefix(format!("_INBOX.klaviyo-{}", nats.role));
        if let Some(file) = &nats.credentials {
            let failed = |error| QueueError::Credentials(file.clone(), error);
            let text = std::fs::read_to_string(file).map_err(failed)?;
            options = options.credentials(&text).map_err(failed)?;
        }
        if let Some(file) = &nats.ca {
            // The client reads the file whenever it connects, but its error does not name it.
            let failed = |error| QueueError::Certificates(file.clone(), error);
            std::fs::File::open(file).map_err(failed)?;
            options = options.add_root_certificates(file.clone());
        }
        let servers = settings::servers(&nats.url)?;
        let shown = settings::shown(&servers);
        let failed = |error: async_nats::ConnectError| QueueError::Connect(shown, error.into());
        let options = settings::signed_in(&servers, options);
        let client = options.connect(servers).await.map_err(failed)?;
        let version = client.server_info().version;
        if let Some(doubt) = version::doubt(&version) {
            warn!(version, "{doubt}");
        }
        let context = ContextBuilder::new().timeout(ANSWER).ack_timeout(PUT).build(client);
        Self::open(Arc::new(context), nats.opt_ins_bytes).await
    }

    /// Opens the queue at a broker.
    pub(crate) async fn open(broker: Arc<dyn Broker>, opt_ins_bytes: u64) -> Result<Self, QueueError> {
        let loses = version::loses_at_max_bytes(&broker.version());
        let open = async |lane: Lane| {
            set_up::open_lane(broker.as_ref(), lane, (!loses).then_some(lane.bytes(opt_ins_bytes))).await
        };
        let lanes = Lanes {
            opt_outs: open(Lane::OptOuts).await?,
            opt_ins: open(Lane::OptIns).await?,
            events: open(Lane::Events).await?,
            replies: open(Lane::Replies).await?,
        };
        let dead_letters = set_up::open_dead_letters(broker.as_ref()).await?;
        for lane in Lane::ALL {
            let (stream, max_bytes) = (lane.stream(), lanes.stream(lane).config().max_bytes);
            if max_bytes <= 0 && !loses {
                warn!(
                    "the stream {stream} has no max_bytes: what waits there can take the room that workers need to empty it"
                );
            }
            if max_bytes > 0 && loses {
                warn!(
                    "NATS before 2.10 loses the oldest messages at max_bytes; take it from the stream {stream}"
                );
            }
        }
        Ok(Self {
            outcomes: set_up::open_bucket(broker.as_ref(), "klaviyo-outcomes", OUTCOMES).await?,
            leases: set_up::open_bucket(broker.as_ref(), "klaviyo-leases", LEASE).await?,
            workers: set_up::open_bucket(broker.as_ref(), "klaviyo-workers", LEASE).await?,
            signatures: set_up::open_bucket(broker.as_ref(), "klaviyo-signatures", SIGNATURES).await?,
            tokens: set_up::open_bucket(broker.as_ref(), "klaviyo-oauth", Duration::ZERO).await?,
            changes: set_up::open_bucket(broker.as_ref(), "klaviyo-changes", Duration::ZERO).await?,
            changes_dead: set_up::open_changes_dead(broker.as_ref()).await?,
            people: set_up::open_bucket(broker.as_ref(), "klaviyo-people", Duration::ZERO).await?,
            replies: set_up::open_bucket(broker.as_ref(), "klaviyo-replies", OUTCOMES).await?,
            max_bytes: loses.then_some(opt_ins_bytes),
            put_permits: Arc::new(Semaphore::new(PUT_PERMITS)),
            outcome_permits: Arc::new(Semaphore::new(OUTCOME_PERMITS)),
            broker,
            lanes,
            dead_letters,
        })
    }

    pub(super) fn connection(&self) -> &dyn Connection {
        self.broker.as_ref()
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.broker.is_connected()
    }
}
