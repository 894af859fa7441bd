//! The connection of one process to the simulated JetStream.

use super::network::Fate;
use super::process::Process;
use super::server::{Given, Refused, State};
use crate::queue::broker::{
    Acker, Answer, Broker, BrokerError, Bucket, BucketEntry, Connection, Consumer, ConsumerState, Delivered,
    MessageStream, Pull, StreamState, Written,
};
use async_nats::HeaderMap;
use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use std::future::pending;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

impl Process {
    /// Asks the server. The request is carried out even if nobody waits for its answer.
    async fn ask<T: Send + 'static>(
        &self,
        what: String,
        answer: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> T {
        let what = format!("{} {what}", self.name);
        let Fate { there, back, is_lost, is_unanswered } = self.network.fate(&what);
        if !self.sends(&what) || is_lost {
            self.network.note(&format!("lost: {what}"));
            return pending().await;
        }
        let (sender, answered) = oneshot::channel();
        let own = self.clone();
        tokio::spawn(async move {
            sleep(there).await;
            let answer = {
                let mut state = own.server.state();
                state.is_up().then(|| answer(&mut state))
            };
            let Some(answer) = answer else { return own.network.note(&format!("nobody is there: {what}")) };
            own.network.note(&what);
            own.server.changed.notify_waiters();
            sleep(back).await;
            if is_unanswered {
                return own.network.note(&format!("unanswered: {what}"));
            }
            // Nobody may wait any more.
            let _ = sender.send(answer);
        });
        match answered.await {
            Ok(answer) if !self.is_dead() => answer,
            _ => pending().await,
        }
    }
}

impl Connection for Process {
    fn is_connected(&self) -> bool {
        !self.is_dead() && self.server.state().is_up()
    }
}

fn refused(refused: Refused) -> BrokerError {
    format!("{refused:?}").into()
}

/// What a bucket answers about an entry: another revision is no failure.
fn revision(written: Result<Written, Refused>) -> Result<Option<u64>, BrokerError> {
    match written {
        Ok(written) => Ok(Some(written.sequence)),
        Err(Refused::OtherSequence) => Ok(None),
        Err(other) => Err(refused(other)),
    }
}

impl Broker for Process {
    fn version(&self) -> String {
        "2.15.0".to_owned()
    }

    fn server_id(&self) -> String {
        self.server.state().id()
    }

    fn open_stream(&self, config: Config) -> Answer<'_, Arc<dyn MessageStream>> {
        Box::pin(async move {
            let opened = self.ask(format!("opens {}", config.name), |state| state.open_stream(config)).await;
            let stream = SimulatedStream { process: self.clone(), config: opened };
            Ok(Arc::new(stream) as Arc<dyn MessageStream>)
        })
    }

    fn open_bucket(&self, name: &str) -> Answer<'_, Arc<dyn Bucket>> {
        let config = Config { name: format!("KV_{name}"), ..Config::default() };
        let stream = SimulatedStream { process: self.clone(), config };
        let bucket = SimulatedBucket { prefix: format!("$KV.{name}."), stream };
        Box::pin(async move { Ok(Arc::new(bucket) as Arc<dyn Bucket>) })
    }

    fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Answer<'_, Written, PublishError> {
        Box::pin(async move {
            let what = format!("publishes to {subject}");
            let written = self.ask(what, move |state| state.publish(&subject, headers, payload)).await;
            written.map_err(|refused| {
                let kind = match refused {
                    Refused::NoStream => PublishErrorKind::StreamNotFound,
                    Refused::OtherSequence => PublishErrorKind::WrongLastSequence,
                    Refused::Full => PublishErrorKind::Other,
                };
                PublishError::new(kind)
            })
        })
    }

    fn notify(&self, subject: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let what = format!("notifies {subject}");
            self.ask(what, move |state| state.notify(&subject)).await;
            Ok(())
        })
    }

    fn listen(&self, subject: String) -> Answer<'_, BoxStream<'static, ()>> {
        Box::pin(async move {
            let what = format!("listens to {subject}");
            let receiver = self.ask(what, move |state| state.listen(subject)).await;
            let next = async |mut receiver: tokio::sync::mpsc::UnboundedReceiver<()>| {
                Some((receiver.recv().await?, receiver))
            };
            Ok(stream::unfold(receiver, next).boxed())
        })
    }
}

#[derive(Clone, Debug)]
struct SimulatedStream {
    process: Process,
    config: Config,
}

impl SimulatedStream {
    async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        answer: impl FnOnce(&mut State, &str) -> T + Send + 'static,
    ) -> T {
        let name = self.config.name.clone();
        self.process.ask(format!("{what} {name}"), move |state| answer(state, &name)).await
    }
}

fn there<T>(found: Option<T>) -> Result<T, BrokerError> {
    found.ok_or_else(|| "there is no such stream".into())
}

impl MessageStream for SimulatedStream {
    fn config(&self) -> &Config {
        &self.config
    }

    fn state(&self) -> Answer<'_, StreamState> {
        Box::pin(async move { there(self.ask("describes", |state, name| state.stream_state(name)).await) })
    }

    fn subjects(&self, filter: String) -> Answer<'_, Vec<(String, usize)>> {
        Box::pin(
            async move { there(self.ask("counts", move |state, name| state.subjects(name, &filter)).await) },
        )
    }

    fn at(&self, sequence: u64) -> Answer<'_, Option<StreamMessage>> {
        Box::pin(async move { Ok(self.ask("reads", move |state, name| state.at(name, sequence)).await) })
    }

    fn first_of(&self, subject: String, from: u64) -> Answer<'_, Option<StreamMessage>> {
        Box::pin(async move {
            Ok(self.ask("reads", move |state, name| state.first_of(name, &subject, from)).await)
        })
    }

    fn last_of(&self, subject: String) -> Answer<'_, Option<StreamMessage>> {
        Box::pin(async move { Ok(self.ask("reads", move |state, name| state.last_of(name, &subject)).await) })
    }

    fn delete(&self, sequence: u64) -> Answer<'_, bool> {
        Box::pin(
            async move { Ok(self.ask("deletes of", move |state, name| state.delete(name, sequence)).await) },
        )
    }

    fn purge_below(&self, subject: String, sequence: u64) -> Answer<'_, u64> {
        Box::pin(async move {
            Ok(self.ask("purges", move |state, name| state.purge_below(name, &subject, sequence)).await)
        })
    }

    fn open_consumer(&self, config: pull::Config) -> Answer<'_, Arc<dyn Consumer>> {
        let scan = || format!("scan-{}-{}", self.process.name, self.process.next());
        let name = config.durable_name.clone().unwrap_or_else(scan);
        Box::pin(async move {
            let own = name.clone();
            let opened = move |state: &mut State, stream: &str| state.open_consumer(stream, &own, config);
            let (description, pending_at_first) = self.ask("opens a consumer of", opened).await;
            let consumer = SimulatedConsumer { stream: self.clone(), name, description, pending_at_first };
            Ok(Arc::new(consumer) as Arc<dyn Consumer>)
        })
    }

    fn delete_consumer(&self, name: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let delete = move |state: &mut State, stream: &str| state.delete_consumer(stream, &name);
            let is_there = self.ask("deletes a consumer of", delete).await;
            if is_there { Ok(()) } else { Err("there is no such consumer".into()) }
        })
    }
}

#[derive(Clone)]
struct SimulatedConsumer {
    stream: SimulatedStream,
    name: String,
    description: Option<String>,
    pending_at_first: u64,
}

impl Consumer for SimulatedConsumer {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn pending_at_first(&self) -> u64 {
        self.pending_at_first
    }

    fn state(&self) -> Answer<'_, Option<ConsumerState>> {
        let name = self.name.clone();
        Box::pin(async move {
            let state = move |state: &mut State, stream: &str| state.consumer_state(stream, &name);
            Ok(self.stream.ask("describes a consumer of", state).await)
        })
    }

    fn pull(&self, pull: Pull) -> Answer<'_, BoxStream<'static, Result<Delivered, BrokerError>>> {
        let own = self.clone();
        Box::pin(async move {
            let pulled = async move { stream::iter(own.pulled(pull).await) };
            Ok(stream::once(pulled).flatten().boxed())
        })
    }
}

impl SimulatedConsumer {
    /// The messages of a pull. The first one is waited for at the server: a pull that was lost ends with its time.
    async fn pulled(self, pull: Pull) -> Vec<Result<Delivered, BrokerError>> {
        let end = Instant::now() + pull.patience.unwrap_or_default();
        let Self { stream: SimulatedStream { process, config }, name, .. } = self;
        let what = format!("{} pulls from {}", process.name, config.name);
        let Fate { there, back, is_lost, is_unanswered } = process.network.fate(&what);
        if !process.sends(&what) || is_lost {
            return pending().await;
        }
        sleep(there).await;
        let given = loop {
            let changed = process.server.changed.notified();
            let answer = {
                let mut state = process.server.state();
                let is_there = state.is_up() && !process.is_dead();
                is_there
                    .then(|| (state.pull(&config.name, &name, &pull), state.next_due(&config.name, &name)))
            };
            let Some((given, due)) = answer else { return pending().await };
            match given {
                None => return vec![Err("there is no such consumer".into())],
                Some(given) if !given.is_empty() || Instant::now() >= end => break given,
                Some(_) => {}
            }
            let until = due.map_or(end, |due| due.min(end));
            tokio::select! {
                biased;
                () = changed => {}
                () = sleep_until(until) => {}
            }
        };
        let sequences: Vec<u64> = given.iter().map(|given| given.message.sequence).collect();
        process.network.note(&format!("{what}: {sequences:?}"));
        sleep(back).await;
        if is_unanswered || process.is_dead() {
            return pending().await;
        }
        given.into_iter().map(|given| Ok(delivered(&process, &config.name, &name, given))).collect()
    }
}

fn delivered(process: &Process, stream: &str, consumer: &str, given: Given) -> Delivered {
    let Given { message, deliveries, left } = given;
    let StreamMessage { subject, sequence, headers, payload, time } = message;
    let reply =
        Reply { process: process.clone(), stream: stream.into(), consumer: consumer.into(), sequence };
    Delivered {
        subject: subject.into_string(),
        headers: Some(headers),
        payload,
        sequence,
        deliveries,
        pending: left,
        published: time,
        acker: Box::new(reply),
    }
}

struct Reply {
    process: Process,
    stream: String,
    consumer: String,
    sequence: u64,
}

impl Connection for Reply {
    fn is_connected(&self) -> bool {
        self.process.is_connected()
    }
}

impl Acker for Reply {
    fn acknowledge(&self, kind: AckKind) -> Answer<'_, ()> {
        let Self { process, stream, consumer, sequence } = self;
        let what = format!("{} answers {kind:?} to {sequence} of {stream}", process.name);
        let Fate { there, is_lost, .. } = process.network.fate(&what);
        if process.sends(&what) && !is_lost {
            let (own, stream, consumer, sequence) =
                (process.clone(), stream.clone(), consumer.clone(), *sequence);
            tokio::spawn(async move {
                sleep(there).await;
                let mut state = own.server.state();
                if state.is_up() {
                    state.acknowledge(&stream, &consumer, sequence, kind);
                    drop(state);
                    own.network.note(&what);
                    own.server.changed.notify_waiters();
                    own.server.acknowledged.notify_waiters();
                }
            });
        }
        // The client only writes it to its connection.
        Box::pin(async { Ok(()) })
    }
}

/// The prefix of the bucket of leases.
const LEASES: &str = "$KV.klaviyo-leases.";

#[derive(Debug)]
struct SimulatedBucket {
    stream: SimulatedStream,
    prefix: String,
}

impl SimulatedBucket {
    async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        key: &str,
        answer: impl FnOnce(&mut State, &str, &str) -> T + Send + 'static,
    ) -> T {
        let (stream, subject) = (self.stream.config.name.clone(), format!("{}{key}", self.prefix));
        let what = format!("{what} {subject}");
        self.stream.process.ask(what, move |state| answer(state, &stream, &subject)).await
    }
}

impl Bucket for SimulatedBucket {
    fn stream(&self) -> &dyn MessageStream {
        &self.stream
    }

    fn prefix(&self) -> &str {
        &self.prefix
    }

    fn entry(&self, key: String) -> Answer<'_, Option<BucketEntry>> {
        Box::pin(async move {
            Ok(self.ask("reads", &key, |state, stream, subject| state.entry(stream, subject)).await)
        })
    }

    fn keys(&self) -> Answer<'_, Vec<String>> {
        let prefix = self.prefix.clone();
        Box::pin(async move {
            Ok(self.ask("lists", ">", move |state, stream, _| state.keys(stream, &prefix)).await)
        })
    }

    fn put(&self, key: String, value: Bytes) -> Answer<'_, u64> {
        Box::pin(async move {
            let written = self.ask("puts", &key, |state, _, subject| state.put(subject, value, None)).await;
            Ok(written.map_err(refused)?.sequence)
        })
    }

    fn create(&self, key: String, value: Bytes) -> Answer<'_, Option<u64>> {
        if self.prefix == LEASES {
            self.stream.process.asks_for_lease(&key, &value);
        }
        Box::pin(async move {
            revision(
                self.ask("creates", &key, |state, stream, subject| state.create(stream, subject, value))
                    .await,
            )
        })
    }

    fn update(&self, key: String, value: Bytes, of: u64) -> Answer<'_, Option<u64>> {
        Box::pin(async move {
            revision(
                self.ask("updates", &key, move |state, _, subject| state.put(subject, value, Some(of))).await,
            )
        })
    }

    fn delete(&self, key: String, of: Option<u64>) -> Answer<'_, ()> {
        Box::pin(async move {
            let marked = self.ask("deletes", &key, move |state, _, subject| state.mark(subject, of)).await;
            marked.map(drop).map_err(refused)
        })
    }

    fn purge(&self, key: String) -> Answer<'_, ()> {
        self.delete(key, None)
    }
}
