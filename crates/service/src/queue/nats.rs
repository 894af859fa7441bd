//! JetStream as a server of NATS has it, by its client.

use super::broker::{
    Acker, Answer, Broker, BrokerError, Bucket, BucketEntry, Connection, Consumer, ConsumerState, Delivered,
    MessageStream, Pull, StreamState, Written,
};
use async_nats::jetstream::consumer::{self, pull};
use async_nats::jetstream::context::{ConsumerInfoErrorKind, PublishError};
use async_nats::jetstream::kv::{CreateErrorKind, Operation, Store, UpdateErrorKind};
use async_nats::jetstream::message::{Acker as NatsAcker, StreamMessage};
use async_nats::jetstream::stream::{
    self, DeleteMessageErrorKind, RawMessageError, RawMessageErrorKind, Stream,
};
use async_nats::jetstream::{AckKind, Context, Message};
use async_nats::{Client, HeaderMap, connection};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use std::sync::Arc;

impl Connection for Client {
    fn is_connected(&self) -> bool {
        self.connection_state() == connection::State::Connected
    }
}

impl Connection for Context {
    fn is_connected(&self) -> bool {
        self.client().is_connected()
    }
}

impl Broker for Context {
    fn version(&self) -> String {
        self.client().server_info().version
    }

    fn server_id(&self) -> String {
        self.client().server_info().server_id
    }

    fn open_stream(&self, config: stream::Config) -> Answer<'_, Arc<dyn MessageStream>> {
        Box::pin(
            async move { Ok(Arc::new(self.get_or_create_stream(config).await?) as Arc<dyn MessageStream>) },
        )
    }

    fn open_bucket(&self, name: &str) -> Answer<'_, Arc<dyn Bucket>> {
        let name = name.to_owned();
        Box::pin(async move { Ok(Arc::new(self.get_key_value(name).await?) as Arc<dyn Bucket>) })
    }

    fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Answer<'_, Written, PublishError> {
        Box::pin(async move {
            let written = self.publish_with_headers(subject, headers, payload).await?.await?;
            Ok(Written { sequence: written.sequence, is_duplicate: written.duplicate })
        })
    }

    fn notify(&self, subject: String) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.client().publish(subject, Bytes::new()).await?) })
    }

    fn listen(&self, subject: String) -> Answer<'_, BoxStream<'static, ()>> {
        Box::pin(async move { Ok(self.client().subscribe(subject).await?.map(drop).boxed()) })
    }
}

/// A message that is not there is no failure.
fn found(message: Result<StreamMessage, RawMessageError>) -> Result<Option<StreamMessage>, BrokerError> {
    match message {
        Ok(message) => Ok(Some(message)),
        Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl MessageStream for Stream {
    fn config(&self) -> &stream::Config {
        &self.cached_info().config
    }

    fn state(&self) -> Answer<'_, StreamState> {
        Box::pin(async move {
            let stream::Info { config, state, .. } = self.get_info().await?;
            Ok(StreamState {
                max_bytes: config.max_bytes,
                max_messages: config.max_messages,
                bytes: state.bytes,
                messages: state.messages,
                first_sequence: state.first_sequence,
                last_sequence: state.last_sequence,
                first_timestamp: state.first_timestamp,
            })
        })
    }

    fn subjects(&self, filter: String) -> Answer<'_, Vec<(String, usize)>> {
        Box::pin(async move { Ok(self.info_with_subjects(filter).await?.try_collect().await?) })
    }

    fn at(&self, sequence: u64) -> Answer<'_, Option<StreamMessage>> {
        Box::pin(async move { found(self.get_raw_message(sequence).await) })
    }

    fn first_of(&self, subject: String, from: u64) -> Answer<'_, Option<StreamMessage>> {
        Box::pin(async move { found(self.get_first_raw_message_by_subject(subject, from).await) })
    }

    fn last_of(&self, subject: String) -> Answer<'_, Option<StreamMessage>> {
        Box::pin(async move { found(self.get_last_raw_message_by_subject(&subject).await) })
    }

    fn delete(&self, sequence: u64) -> Answer<'_, bool> {
        Box::pin(async move {
            match self.delete_message(sequence).await {
                Ok(_) => Ok(true),
                Err(error) if matches!(error.kind(), DeleteMessageErrorKind::JetStream(_)) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn purge_below(&self, subject: String, sequence: u64) -> Answer<'_, u64> {
        Box::pin(async move { Ok(self.purge().filter(subject).sequence(sequence).await?.purged) })
    }

    fn open_consumer(&self, config: pull::Config) -> Answer<'_, Arc<dyn Consumer>> {
        Box::pin(async move {
            let consumer = match config.durable_name.clone() {
                Some(name) => self.get_or_create_consumer(&name, config).await?,
                None => self.create_consumer(config).await?,
            };
            Ok(Arc::new(consumer) as Arc<dyn Consumer>)
        })
    }

    fn delete_consumer(&self, name: String) -> Answer<'_, ()> {
        Box::pin(async move { Ok(Self::delete_consumer(self, &name).await.map(drop)?) })
    }
}

impl Consumer for consumer::Consumer<pull::Config> {
    fn name(&self) -> &str {
        &self.cached_info().name
    }

    fn description(&self) -> Option<&str> {
        self.cached_info().config.description.as_deref()
    }

    fn pending_at_first(&self) -> u64 {
        self.cached_info().num_pending
    }

    fn state(&self) -> Answer<'_, Option<ConsumerState>> {
        Box::pin(async move {
            match self.get_info().await {
                Ok(info) => {
                    Ok(Some(ConsumerState { pending: info.num_pending, ack_pending: info.num_ack_pending }))
                }
                Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn pull(&self, pull: Pull) -> Answer<'_, BoxStream<'static, Result<Delivered, BrokerError>>> {
        let Pull { most, bytes, patience } = pull;
        Box::pin(async move {
            // A batch waits, and a fetch does not.
            let pulled = match patience {
                Some(patience) => {
                    let batch = self.batch().max_messages(most).expires(patience);
                    match bytes {
                        Some(bytes) => batch.max_bytes(bytes).messages().await?,
                        None => batch.messages().await?,
                    }
                }
                None => {
                    let fetch = self.fetch().max_messages(most);
                    match bytes {
                        Some(bytes) => fetch.max_bytes(bytes).messages().await?,
                        None => fetch.messages().await?,
                    }
                }
            };
            Ok(pulled.map(|message| delivered(message?)).boxed())
        })
    }
}

fn delivered(message: Message) -> Result<Delivered, BrokerError> {
    let (sequence, deliveries, pending, published) = {
        let info = message.info()?;
        (info.stream_sequence, info.delivered, info.pending, info.published)
    };
    let client = message.context.client();
    let (message, acker) = message.split();
    Ok(Delivered {
        subject: message.subject.into_string(),
        headers: message.headers,
        payload: message.payload,
        sequence,
        deliveries,
        pending,
        published,
        acker: Box::new(Replies { client, acker }),
    })
}

/// What a delivery is answered with.
struct Replies {
    client: Client,
    acker: NatsAcker,
}

impl Connection for Replies {
    fn is_connected(&self) -> bool {
        self.client.is_connected()
    }
}

impl Acker for Replies {
    fn acknowledge(&self, kind: AckKind) -> Answer<'_, ()> {
        Box::pin(self.acker.ack_with(kind))
    }
}

impl Bucket for Store {
    fn stream(&self) -> &dyn MessageStream {
        &self.stream
    }

    fn prefix(&self) -> &str {
        &self.prefix
    }

    fn entry(&self, key: String) -> Answer<'_, Option<BucketEntry>> {
        Box::pin(async move {
            let entry = Self::entry(self, key).await?;
            Ok(entry.map(|entry| BucketEntry {
                value: (entry.operation == Operation::Put).then_some(entry.value),
                revision: entry.revision,
            }))
        })
    }

    fn keys(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async move { Ok(Self::keys(self).await?.try_collect().await?) })
    }

    fn put(&self, key: String, value: Bytes) -> Answer<'_, u64> {
        Box::pin(async move { Ok(Self::put(self, key, value).await?) })
    }

    fn create(&self, key: String, value: Bytes) -> Answer<'_, Option<u64>> {
        Box::pin(async move {
            match Self::create(self, key, value).await {
                Ok(revision) => Ok(Some(revision)),
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn update(&self, key: String, value: Bytes, revision: u64) -> Answer<'_, Option<u64>> {
        Box::pin(async move {
            match Self::update(self, key, value, revision).await {
                Ok(revision) => Ok(Some(revision)),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn delete(&self, key: String, revision: Option<u64>) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.delete_expect_revision(key, revision).await?) })
    }

    fn purge(&self, key: String) -> Answer<'_, ()> {
        Box::pin(async move { Ok(Self::purge(self, key).await?) })
    }
}
