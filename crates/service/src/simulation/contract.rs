//! What the queue relies on of JetStream, asked of a real server and of the simulated one: the simulation is worth as
//! much as the two agree.

use crate::queue::broker::{Broker, Bucket, BucketEntry, Consumer, Delivered, MessageStream, Pull};
use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};
use bytes::Bytes;
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The real server keeps these times by its own clock, and the machine may be busy: a step of the test that has to
/// come in time has seconds for it.
const ACK_WAIT: Duration = Duration::from_secs(6);
/// How long a stream remembers an id, and an entry its age.
const WINDOW: Duration = Duration::from_secs(6);
/// After this, a window is over.
const AFTER_WINDOW: Duration = Duration::from_secs(8);
/// Longer than any answer takes.
const LONG: Duration = Duration::from_secs(30);

/// Everything.
async fn keeps_the_contract(broker: Arc<dyn Broker>) {
    let broker = broker.as_ref();
    tokio::join!(
        messages_are_written_once(broker),
        a_message_is_delivered_until_it_is_acknowledged(broker),
        a_consumer_that_is_made_anew_begins_with_what_is_left(broker),
        a_scan_takes_nothing(broker),
        an_entry_is_written_over_the_one_that_is_known(broker),
    );
}

/// A stream as a lane has it.
async fn lane(broker: &dyn Broker, name: &str) -> Arc<dyn MessageStream> {
    let config = Config {
        name: name.to_owned(),
        subjects: vec![format!("{name}.*")],
        retention: RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        max_bytes: 4_000,
        duplicate_window: WINDOW,
        allow_direct: true,
        ..Config::default()
    };
    broker.open_stream(config).await.unwrap()
}

async fn write(broker: &dyn Broker, subject: &str, id: &str, payload: &str) -> (u64, bool) {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, id);
    let written = broker.publish(subject.to_owned(), headers, Bytes::from(payload.to_owned())).await.unwrap();
    (written.sequence, written.is_duplicate)
}

async fn consumer(stream: &dyn MessageStream, subject: &str) -> Arc<dyn Consumer> {
    consumer_described(stream, subject, "made first").await
}

async fn consumer_described(
    stream: &dyn MessageStream,
    subject: &str,
    description: &str,
) -> Arc<dyn Consumer> {
    let config = pull::Config {
        durable_name: Some("worker".to_owned()),
        description: Some(description.to_owned()),
        filter_subject: subject.to_owned(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_deliver: -1,
        ..pull::Config::default()
    };
    stream.open_consumer(config).await.unwrap()
}

/// What a pull gives.
async fn pulled(
    consumer: &dyn Consumer,
    most: usize,
    bytes: Option<usize>,
    wait: Option<Duration>,
) -> Vec<Delivered> {
    let given = consumer.pull(Pull { most, bytes, patience: wait }).await.unwrap();
    let given = given.map(|delivered| delivered.map_err(|error| panic!("{error}")).unwrap());
    timeout(LONG, given.collect()).await.unwrap()
}

fn seen(given: &[Delivered]) -> Vec<(u64, i64)> {
    given.iter().map(|given| (given.sequence, given.deliveries)).collect()
}

async fn messages_are_written_once(broker: &dyn Broker) {
    let stream = lane(broker, "once").await;
    assert_eq!(stream.config().max_bytes, 4_000);
    assert_eq!(write(broker, "once.a", "1", "one").await, (1, false));
    assert_eq!(write(broker, "once.a", "1", "another").await, (1, true));
    assert_eq!(write(broker, "once.b", "2", "two").await, (2, false));
    let mut subjects = stream.subjects("once.*".to_owned()).await.unwrap();
    subjects.sort();
    assert_eq!(subjects, [("once.a".to_owned(), 1), ("once.b".to_owned(), 1)]);
    let state = stream.state().await.unwrap();
    assert_eq!((state.messages, state.first_sequence, state.last_sequence), (2, 1, 2));
    // What is removed is remembered.
    assert!(stream.delete(1).await.unwrap() && !stream.delete(1).await.unwrap());
    assert_eq!(write(broker, "once.a", "1", "one").await, (1, true));
    sleep(AFTER_WINDOW).await;
    assert_eq!(write(broker, "once.a", "1", "one").await, (3, false));
    let first = stream.first_of("once.*".to_owned(), 1).await.unwrap().unwrap();
    assert_eq!((first.sequence, first.subject.as_str(), first.payload.as_ref()), (2, "once.b", &b"two"[..]));
    assert_eq!(first.headers.get(NATS_MESSAGE_ID).unwrap().as_str(), "2");
    assert_eq!(stream.first_of("once.b".to_owned(), 3).await.unwrap().map(|first| first.sequence), None);
    assert_eq!(stream.last_of("once.a".to_owned()).await.unwrap().unwrap().sequence, 3);
    assert!(stream.last_of("once.c".to_owned()).await.unwrap().is_none());
    assert!(stream.at(1).await.unwrap().is_none() && stream.at(3).await.unwrap().is_some());
    // A full stream refuses, and loses nothing.
    let large = Bytes::from(vec![b'x'; 3_990]);
    assert!(broker.publish("once.a".to_owned(), HeaderMap::new(), large).await.is_err());
    assert_eq!(stream.state().await.unwrap().messages, 2);
    assert!(broker.publish("nowhere".to_owned(), HeaderMap::new(), Bytes::new()).await.is_err());
}

async fn a_message_is_delivered_until_it_is_acknowledged(broker: &dyn Broker) {
    let stream = lane(broker, "lane").await;
    for n in 1..=4 {
        write(broker, "lane.a", &n.to_string(), "0123456789").await;
    }
    write(broker, "lane.b", "5", "somebody else's").await;
    let consumer = consumer(stream.as_ref(), "lane.a").await;
    let first = pulled(consumer.as_ref(), 1, None, Some(LONG)).await;
    assert_eq!((seen(&first), first[0].pending, first[0].payload.len()), (vec![(1, 1)], 3, 10));
    let rest = pulled(consumer.as_ref(), 10, None, None).await;
    assert_eq!(seen(&rest), [(2, 1), (3, 1), (4, 1)]);
    assert!(pulled(consumer.as_ref(), 10, None, None).await.is_empty());
    let state = consumer.state().await.unwrap().unwrap();
    assert_eq!((state.pending, state.ack_pending), (0, 4));
    // One that is there is opened as it is.
    let opened = consumer_described(stream.as_ref(), "lane.a", "made later").await;
    assert_eq!([consumer.description(), opened.description()], [Some("made first"); 2]);

    first[0].acker.acknowledge(AckKind::Ack).await.unwrap();
    rest[0].acker.acknowledge(AckKind::Nak(None)).await.unwrap();
    rest[1].acker.acknowledge(AckKind::Nak(Some(2 * ACK_WAIT))).await.unwrap();
    let (begun, again) = (Instant::now(), pulled(consumer.as_ref(), 1, None, Some(LONG)).await);
    assert!(seen(&again) == [(2, 2)] && begun.elapsed() < ACK_WAIT / 2);
    // An acknowledged message is gone, and a second acknowledgement changes nothing.
    again[0].acker.acknowledge(AckKind::Ack).await.unwrap();
    rest[0].acker.acknowledge(AckKind::Ack).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(stream.state().await.unwrap().messages, 3);
    assert_eq!(consumer.state().await.unwrap().unwrap().ack_pending, 2);
    // Nobody has answered to 4: it comes when its time is over, and 3 when its delay is.
    let again = pulled(consumer.as_ref(), 1, None, Some(LONG)).await;
    assert_eq!((seen(&again), begun.elapsed() < 2 * ACK_WAIT), (vec![(4, 2)], true));
    // Whoever goes on with it says so.
    for _ in 0..2 {
        sleep(ACK_WAIT / 2).await;
        again[0].acker.acknowledge(AckKind::Progress).await.unwrap();
    }
    let last = pulled(consumer.as_ref(), 1, None, Some(LONG)).await;
    assert_eq!(seen(&last), [(3, 2)]);
    assert!(begun.elapsed() >= 2 * ACK_WAIT - Duration::from_millis(100));
    last[0].acker.acknowledge(AckKind::Ack).await.unwrap();
    again[0].acker.acknowledge(AckKind::Ack).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    let left = stream.subjects("lane.*".to_owned()).await.unwrap();
    assert_eq!(left, [("lane.b".to_owned(), 1)]);
    let (begun, none) =
        (Instant::now(), pulled(consumer.as_ref(), 1, None, Some(Duration::from_secs(1))).await);
    assert!(none.is_empty() && begun.elapsed() >= Duration::from_millis(900));
}

async fn a_consumer_that_is_made_anew_begins_with_what_is_left(broker: &dyn Broker) {
    let stream = lane(broker, "anew").await;
    for n in 1..=3 {
        write(broker, "anew.a", &n.to_string(), "0123456789").await;
    }
    let older = consumer(stream.as_ref(), "anew.a").await;
    let given = pulled(older.as_ref(), 3, None, None).await;
    given[1].acker.acknowledge(AckKind::Ack).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    stream.delete_consumer("worker".to_owned()).await.unwrap();
    assert!(older.state().await.unwrap().is_none());
    let newer = consumer(stream.as_ref(), "anew.a").await;
    // The bytes count for JetStream's own part of a message too, which is less than this.
    assert_eq!(seen(&pulled(newer.as_ref(), 9, Some(100_000), None).await), [(1, 1), (3, 1)]);
    // One that is there is opened as it is.
    let same = consumer(stream.as_ref(), "anew.a").await;
    assert_eq!(same.state().await.unwrap().unwrap().ack_pending, 2);
}

async fn a_scan_takes_nothing(broker: &dyn Broker) {
    let config = Config {
        name: "kept".to_owned(),
        subjects: vec!["kept.*.*".to_owned()],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_direct: true,
        ..Config::default()
    };
    let stream = broker.open_stream(config).await.unwrap();
    for subject in ["kept.a.1", "kept.b.1", "kept.a.2", "kept.a.1"] {
        broker.publish(subject.to_owned(), HeaderMap::new(), Bytes::from("x")).await.unwrap();
    }
    let config = pull::Config {
        filter_subject: "kept.a.*".to_owned(),
        ack_policy: AckPolicy::None,
        inactive_threshold: LONG,
        memory_storage: true,
        ..pull::Config::default()
    };
    let scan = stream.open_consumer(config).await.unwrap();
    assert_eq!(scan.pending_at_first(), 2);
    let page = pulled(scan.as_ref(), 1, None, None).await;
    assert_eq!((seen(&page), page[0].pending), (vec![(3, 1)], 1));
    let page = pulled(scan.as_ref(), 9, None, None).await;
    assert_eq!((seen(&page), page[0].pending, page[0].subject.as_str()), (vec![(4, 1)], 0, "kept.a.1"));
    assert!(pulled(scan.as_ref(), 9, None, None).await.is_empty());
    stream.delete_consumer(scan.name().to_owned()).await.unwrap();
    assert_eq!(stream.state().await.unwrap().messages, 3);
}

async fn an_entry_is_written_over_the_one_that_is_known(broker: &dyn Broker) {
    let config = Config {
        name: "KV_bucket".to_owned(),
        subjects: vec!["$KV.bucket.>".to_owned()],
        max_messages_per_subject: 1,
        max_age: WINDOW,
        duplicate_window: WINDOW,
        discard: DiscardPolicy::New,
        deny_delete: true,
        allow_rollup: true,
        allow_direct: true,
        ..Config::default()
    };
    broker.open_stream(config).await.unwrap();
    let bucket: Arc<dyn Bucket> = broker.open_bucket("bucket").await.unwrap();
    let (key, value) = (|| "a".to_owned(), |text: &'static str| Bytes::from(text));
    assert_eq!(bucket.entry(key()).await.unwrap(), None);
    assert_eq!(bucket.update(key(), value("no"), 1).await.unwrap(), None);
    assert_eq!(bucket.create(key(), value("one")).await.unwrap(), Some(1));
    assert_eq!(bucket.create(key(), value("no")).await.unwrap(), None);
    assert_eq!(bucket.update(key(), value("no"), 7).await.unwrap(), None);
    assert_eq!(bucket.update(key(), value("two"), 1).await.unwrap(), Some(2));
    let entry = bucket.entry(key()).await.unwrap();
    assert_eq!(entry, Some(BucketEntry { value: Some(value("two")), revision: 2 }));
    assert_eq!(bucket.keys().await.unwrap(), ["a"]);
    assert!(bucket.delete(key(), Some(1)).await.is_err());
    bucket.delete(key(), Some(2)).await.unwrap();
    assert_eq!(bucket.entry(key()).await.unwrap(), Some(BucketEntry { value: None, revision: 3 }));
    assert!(bucket.keys().await.unwrap().is_empty());
    // An entry may take the place of a mark, by either way.
    assert_eq!(bucket.create(key(), value("three")).await.unwrap(), Some(4));
    bucket.purge(key()).await.unwrap();
    assert_eq!(bucket.update(key(), value("four"), 5).await.unwrap(), Some(6));
    assert_eq!(bucket.put(key(), value("five")).await.unwrap(), 7);
    let subject = format!("{}a", bucket.prefix());
    assert_eq!(bucket.stream().purge_below(subject.clone(), 7).await.unwrap(), 0);
    assert_eq!(bucket.stream().purge_below(subject, 8).await.unwrap(), 1);
    assert_eq!(bucket.entry(key()).await.unwrap(), None);
    assert_eq!(bucket.update(key(), value("six"), 0).await.unwrap(), Some(8));
    // It ends by itself.
    sleep(AFTER_WINDOW).await;
    assert_eq!(bucket.entry(key()).await.unwrap(), None);
    assert_eq!(bucket.create(key(), value("seven")).await.unwrap(), Some(9));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::begin;
    use crate::simulation::network::Network;
    use crate::simulation::process::Process;
    use crate::simulation::server::Server;

    #[tokio::test(start_paused = true)]
    async fn the_simulated_jetstream_keeps_the_contract() {
        let (server, network) = (Arc::new(Server::start()), Arc::new(Network::new(1)));
        begin();
        keeps_the_contract(Arc::new(Process::new("contract", &server, &network))).await;
    }

    mod on_nats {
        use super::*;
        use async_nats::jetstream;
        use klaviyo_mock::Nats;

        #[tokio::test]
        async fn a_server_keeps_the_contract() {
            for server in Nats::servers() {
                let nats = Nats::start_with(&server.program).unwrap();
                let client = async_nats::connect(nats.url()).await.unwrap();
                keeps_the_contract(Arc::new(jetstream::new(client))).await;
            }
        }
    }
}
