//! What is deployed beside doors and workers: the users of `deploy/nats.conf` and the streams of
//! `deploy/streams`, on each NATS server that there is.

use super::door::{SECRET, ask, post};
use crate::platform::{OK, Platform};
use crate::stage::{LIST, PATIENCE, connect, settings, stage_at, until};
use async_nats::jetstream;
use klaviyo_mock::{Nats, NatsServer};
use klaviyo_service::queue::{self, Queue, Role};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const USERS: [(&str, Role); 3] =
    [("door", Role::Door), ("worker", Role::Worker), ("operator", Role::Operator)];

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// A server with the deployed configuration. The users' passwords are their names.
pub(crate) fn deployed(server: NatsServer, more: &str) -> Nats {
    let text = std::fs::read_to_string(deploy().join("nats.conf")).unwrap();
    let changed = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    let mut config = changed(&changed(&text, "http: 8222", ""), "store_dir: /data", "");
    if server.version.starts_with("2.9.") {
        config = changed(&config, "sync_interval: always", "");
    }
    for (user, _) in USERS {
        config = changed(&config, &format!("$NATS_{}_PASSWORD", user.to_uppercase()), user);
    }
    Nats::start_with_config(server.program, &(config + more)).unwrap()
}

/// The address of the server, with a user.
pub(crate) fn url(nats: &Nats, user: &str) -> String {
    nats.url().replace("://", &format!("://{user}:{user}@"))
}

pub(crate) async fn queue(nats: &Nats, role: Role) -> Arc<Queue> {
    let (user, _) = USERS.into_iter().find(|(_, of)| *of == role).unwrap();
    let nats = queue::Nats { url: url(nats, user), role, ..queue::Nats::default() };
    Arc::new(Queue::connect(&nats).await.unwrap())
}

async fn operator(nats: &Nats) -> jetstream::Context {
    let options =
        async_nats::ConnectOptions::with_user_and_password("operator".to_owned(), "operator".to_owned());
    jetstream::new(options.connect(nats.url()).await.unwrap())
}

/// The streams' configurations.
fn streams() -> Vec<Value> {
    let files = std::fs::read_dir(deploy().join("streams")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let streams: Vec<Value> = files
        .map(|file| {
            let stream: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            // The script names each stream by its file.
            assert_eq!(stream["name"], file.file_stem().unwrap().to_str().unwrap());
            stream
        })
        .collect();
    // Of OAuth's tokens too.
    assert_eq!(streams.len(), STREAMS.len() + 1);
    streams
}

pub(crate) async fn make_streams(nats: &Nats) {
    let context = operator(nats).await;
    for stream in streams() {
        let name = stream["name"].as_str().unwrap();
        let answer: Value = context.request(format!("STREAM.CREATE.{name}"), &stream).await.unwrap();
        assert_eq!(answer["error"], Value::Null, "{name}");
    }
}

/// A stream as the server has it.
async fn made(context: &jetstream::Context, name: &str) -> Value {
    let answer: Value = context.request(format!("STREAM.INFO.{name}"), &()).await.unwrap();
    answer["config"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_are_those_that_are_made_without_an_operator_and_all_have_limits() {
    for server in Nats::servers() {
        let (plain, limited) = (Nats::start_with(&server.program).unwrap(), deployed(server, ""));
        connect(&plain).await;
        // Together they fit into the store; otherwise the server would refuse the last ones.
        make_streams(&limited).await;
        let plain = jetstream::new(async_nats::connect(plain.url()).await.unwrap());
        let limited = operator(&limited).await;
        for stream in streams() {
            let name = stream["name"].as_str().unwrap();
            let (mut own, mut deployed) = (made(&plain, name).await, made(&limited, name).await);
            let limit = deployed["max_bytes"].take();
            assert!(limit.as_i64().unwrap() > 0, "{name}");
            own["max_bytes"].take();
            assert_eq!(own, deployed, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_can_do_its_work() {
    for server in Nats::servers() {
        let nats = deployed(server, "");
        make_streams(&nats).await;
        let operator = queue(&nats, Role::Operator).await;
        let (as_door, as_worker) = (queue(&nats, Role::Door).await, queue(&nats, Role::Worker).await);
        let stage = stage_at(nats, operator, &["shop-1"]);
        std::fs::write(stage.keys.path().join("shop-1.signing-secret"), SECRET).unwrap();
        let door = stage.queue_door_at(Arc::clone(&as_door), settings()).await;
        let opt_in = |list: &str| json!({ "account": "shop-1", "list": list, "email": "priya@example.com" });
        let mut ids = Vec::new();
        for (n, list) in [LIST, "no such list"].into_iter().enumerate() {
            let (status, told) = post(&door, &format!("msg_{n}"), &opt_in(list)).await;
            assert_eq!(status, 202, "{told}");
            ids.push(told["id"].as_str().unwrap().to_owned());
        }
        let state = async |id: &str| ask(&door, id).await.1["state"].as_str().unwrap().to_owned();
        assert_eq!(
            (state(&ids[0]).await, state(&ids[1]).await),
            ("waiting".to_owned(), "waiting".to_owned())
        );

        let platform = Platform::start().await;
        let told = json!({ "url": platform.url, "lists": [LIST], "every_seconds": 86_400 });
        std::fs::write(stage.keys.path().join("shop-1.changes"), told.to_string()).unwrap();
        std::fs::write(stage.keys.path().join("shop-1.changes-secret"), SECRET).unwrap();
        platform.answers(|_| Some((422, &[], 0)));

        let worker = stage.worker_at(as_worker);
        until("both have ended", || {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current()
                    .block_on(async { stage.queue.waiting().await.unwrap().is_empty() })
            })
        })
        .await;
        assert_eq!((state(&ids[0]).await, state(&ids[1]).await), ("done".to_owned(), "dead".to_owned()));
        assert_eq!(stage.members("shop-1"), ["priya@example.com"]);
        assert!(worker.health.readiness().ready);

        // The door wakes the feed, and the operator sees and drops what the platform refuses.
        let account = "shop-1".parse().unwrap();
        let mut refused = Vec::new();
        let end = Instant::now() + PATIENCE;
        while refused.is_empty() {
            assert!(Instant::now() < end, "the change is not told");
            as_door.wake_changes(&account).await.unwrap();
            sleep(Duration::from_secs(1)).await;
            refused = stage.queue.changes_dead(Some(&account)).await.unwrap();
        }
        // It has it sent again, and the worker takes it.
        platform.answers(|_| OK);
        let (_, sequence, letter) = &refused[0];
        assert!(stage.queue.retry_change(&account, *sequence, letter).await.unwrap());
        let end = Instant::now() + PATIENCE;
        while stage.queue.changes_dead_letters().await.unwrap() > 0 {
            assert!(Instant::now() < end, "the change is not sent again");
            sleep(Duration::from_millis(100)).await;
        }
        assert!(platform.taken().iter().any(|received| received.id == letter.id));
        assert!(!stage.queue.drop_changes_dead_letter(*sequence).await.unwrap());

        let letters = stage.queue.dead(None).await.unwrap();
        assert_eq!(letters.len(), 1);
        assert_eq!(stage.queue.dead_letter(&letters[0].key).await.unwrap().unwrap().key, letters[0].key);
        stage.queue.retry(&letters[0]).await.unwrap();
        until("it is dead again", || {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current()
                    .block_on(async { stage.queue.dead_letters().await.unwrap() == 1 })
            })
        })
        .await;
        let letters = stage.queue.dead(None).await.unwrap();
        stage.queue.give_up(&letters[0]).await.unwrap();
        assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
        worker.stop().await;
        door.stop().await;
    }
}

/// A connection that gets the server's errors at once.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn greeted(nats: &Nats, greeting: &Value) -> Self {
        let stream = TcpStream::connect(nats.url().strip_prefix("nats://").unwrap()).unwrap();
        let mut connection = Self(BufReader::new(stream));
        assert!(connection.line().starts_with("INFO "));
        connection.write(&format!("CONNECT {greeting}\r\n"));
        connection
    }

    fn of(nats: &Nats, user: &str) -> Self {
        Self::greeted(nats, &json!({ "verbose": false, "headers": true, "user": user, "pass": user }))
    }

    fn write(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The error that answers a command; none if the server accepts it.
    fn is_allowed(&mut self, command: &str) -> bool {
        self.write(&format!("{command}\r\nPING\r\n"));
        let answer = self.line();
        if answer == "PONG" {
            return true;
        }
        assert!(answer.starts_with("-ERR 'Permissions Violation for "), "{command}: {answer}");
        assert_eq!(self.line(), "PONG");
        false
    }
}

const OPT_INS: &str = "KLAVIYO_OPT_INS";
const OPT_OUTS: &str = "KLAVIYO_OPT_OUTS";
const EVENTS: &str = "KLAVIYO_EVENTS";
const DEAD: &str = "KLAVIYO_DEAD";
const REPLIES: &str = "KLAVIYO_REPLIES";
const REPLIED: &str = "KV_klaviyo-replies";
const PEOPLE: &str = "KV_klaviyo-people";
const OUTCOMES: &str = "KV_klaviyo-outcomes";
const LEASES: &str = "KV_klaviyo-leases";
const WORKERS: &str = "KV_klaviyo-workers";
const SIGNATURES: &str = "KV_klaviyo-signatures";
const CHANGES: &str = "KV_klaviyo-changes";
const CHANGES_DEAD: &str = "KLAVIYO_CHANGES_DEAD";
const STREAMS: [&str; 13] = [
    OPT_INS,
    OPT_OUTS,
    EVENTS,
    REPLIES,
    REPLIED,
    DEAD,
    OUTCOMES,
    PEOPLE,
    LEASES,
    WORKERS,
    SIGNATURES,
    CHANGES,
    CHANGES_DEAD,
];
/// The streams that workers take messages from.
const LANES: [&str; 4] = [OPT_INS, OPT_OUTS, EVENTS, REPLIES];
const LANES_AND_WORKERS: [&str; 5] = [OPT_INS, OPT_OUTS, EVENTS, REPLIES, WORKERS];

/// The requests about a stream, and the streams about which a door and a worker may send them.
const ASKED: &[(&str, &[&str], &[&str])] = &[
    ("$JS.API.STREAM.INFO.#", &STREAMS, &STREAMS),
    ("$JS.API.STREAM.CREATE.#", &[], &[]),
    ("$JS.API.STREAM.UPDATE.#", &[], &[]),
    ("$JS.API.STREAM.DELETE.#", &[], &[]),
    ("$JS.API.STREAM.PURGE.#", &[], &[]),
    ("$JS.API.STREAM.SNAPSHOT.#", &[], &[]),
    ("$JS.API.STREAM.RESTORE.#", &[], &[]),
    ("$JS.API.STREAM.MSG.DELETE.#", &[], &[CHANGES_DEAD]),
    ("$JS.API.STREAM.MSG.GET.#", &[OPT_INS, OPT_OUTS], &[OPT_INS, OPT_OUTS, EVENTS, REPLIES, CHANGES_DEAD]),
    ("$JS.API.DIRECT.GET.#", &[], &[]),
    (
        "$JS.API.DIRECT.GET.#.x",
        &[OUTCOMES, SIGNATURES],
        &[OUTCOMES, PEOPLE, REPLIED, LEASES, WORKERS, CHANGES],
    ),
    ("$JS.API.CONSUMER.CREATE.#", &[], &[WORKERS]),
    ("$JS.API.CONSUMER.CREATE.#.x", &[], &LANES_AND_WORKERS),
    ("$JS.API.CONSUMER.CREATE.#.x.y", &[], &LANES_AND_WORKERS),
    ("$JS.API.CONSUMER.DURABLE.CREATE.#.x", &[], &[]),
    ("$JS.API.CONSUMER.DELETE.#.x", &[], &LANES_AND_WORKERS),
    ("$JS.API.CONSUMER.INFO.#.x", &[], &LANES_AND_WORKERS),
    ("$JS.API.CONSUMER.NAMES.#", &[], &[]),
    ("$JS.API.CONSUMER.LIST.#", &[], &[]),
    ("$JS.API.CONSUMER.MSG.NEXT.#.x", &[], &LANES),
    ("$JS.ACK.#.x.1.1.1.1.0", &[], &LANES),
    ("$JS.FC.#.x.y", &[], &[WORKERS]),
];

/// The other subjects, and whether a door and a worker may publish to them.
const WRITTEN: &[(&str, bool, bool)] = &[
    ("klaviyo.opt-ins.shop-1", true, false),
    ("klaviyo.opt-outs.shop-1", true, true),
    ("klaviyo.events.shop-1", true, false),
    ("klaviyo.replies.shop-1", false, true),
    ("klaviyo.dead.shop-1.x", false, true),
    ("klaviyo.changes.shop-1", true, false),
    ("klaviyo.changes-dead.shop-1.x", false, true),
    ("klaviyo.changes-dead.shop-1.x.retry", false, false),
    ("klaviyo.other", false, false),
    ("$KV.klaviyo-changes.shop-1.profiles", false, true),
    ("$KV.klaviyo-outcomes.shop-1.x", false, true),
    ("$KV.klaviyo-people.shop-1.x", false, true),
    ("$KV.klaviyo-replies.shop-1.x", false, true),
    ("$KV.klaviyo-leases.shop-1", false, true),
    ("$KV.klaviyo-workers.x", false, true),
    ("$KV.klaviyo-signatures.x", true, false),
    ("$KV.other.x", false, false),
    ("$JS.API.INFO", false, false),
    ("$JS.API.STREAM.NAMES", false, false),
    ("$JS.API.STREAM.LIST", false, false),
    ("$JS.API.STREAM.CREATE.OTHER", false, false),
    ("$SYS.REQ.SERVER.PING", false, false),
    ("_INBOX.klaviyo-door.x", false, false),
    ("_INBOX.klaviyo-worker.x", false, false),
    ("_INBOX.klaviyo-operator.x", false, false),
];

/// The subjects of subscriptions, and whether a door and a worker may have them.
const HEARD: &[(&str, bool, bool)] = &[
    ("_INBOX.klaviyo-door.x.*", true, false),
    ("_INBOX.klaviyo-worker.x.*", false, true),
    ("_INBOX.klaviyo-operator.x.*", false, false),
    ("_INBOX.>", false, false),
    (">", false, false),
    ("klaviyo.>", false, false),
    ("klaviyo.opt-ins.*", false, false),
    ("klaviyo.dead.*.*", false, false),
    ("klaviyo.changes.*", false, true),
    ("klaviyo.changes-dead.*.*", false, false),
    ("$KV.>", false, false),
    ("$JS.>", false, false),
    ("$SYS.>", false, false),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_user_can_do_more() {
    for server in Nats::servers() {
        let nats = deployed(server, "");
        make_streams(&nats).await;
        let written = |subject: &str| format!("PUB {subject} 0\r\n");
        let (mut door, mut worker) = (Connection::of(&nats, "door"), Connection::of(&nats, "worker"));
        for (subject, of_door, of_worker) in ASKED {
            for stream in STREAMS {
                let command = written(&subject.replace('#', stream));
                assert_eq!(door.is_allowed(&command), of_door.contains(&stream), "door: {command}");
                assert_eq!(worker.is_allowed(&command), of_worker.contains(&stream), "worker: {command}");
            }
        }
        for (subject, of_door, of_worker) in WRITTEN {
            let command = written(subject);
            assert_eq!(door.is_allowed(&command), *of_door, "door: {command}");
            assert_eq!(worker.is_allowed(&command), *of_worker, "worker: {command}");
        }
        for (n, (subject, of_door, of_worker)) in HEARD.iter().enumerate() {
            let command = format!("SUB {subject} {n}");
            assert_eq!(door.is_allowed(&command), *of_door, "door: {command}");
            assert_eq!(worker.is_allowed(&command), *of_worker, "worker: {command}");
        }
        let mut operator = Connection::of(&nats, "operator");
        for subject in [
            "$KV.klaviyo-leases.x",
            "$KV.klaviyo-replies.x",
            "$KV.klaviyo-changes.x",
            "klaviyo.replies.x",
            "$KV.klaviyo-signatures.x",
            "klaviyo.dead.x.y",
            "$SYS.REQ.SERVER.PING",
        ] {
            assert!(!operator.is_allowed(&written(subject)), "{subject}");
        }
        assert!(operator.is_allowed(&written("$KV.klaviyo-people.shop-1.x")));
        for greeting in
            [json!({ "verbose": false }), json!({ "verbose": false, "user": "door", "pass": "worker" })]
        {
            let mut stranger = Connection::greeted(&nats, &greeting);
            stranger.write("PING\r\n");
            assert_eq!(stranger.line(), "-ERR 'Authorization Violation'");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_is_who_the_address_says() {
    let program = Nats::servers().remove(0).program;
    let users = "authorization { users: [{ user: \"shop 1\", password: \"a:b@c/d%\" }] }";
    for (config, user) in
        [(users, "shop%201:a%3Ab%40c%2Fd%25@"), ("authorization { token: \"t:1\" }", "t%3A1@")]
    {
        let nats = Nats::start_with_config(&program, config).unwrap();
        let own = nats.url().replace("://", &format!("://{user}"));
        // No server listens at the first address.
        for (url, is_let_in) in
            [(own.clone(), true), (format!("nats://127.0.0.1:1,{own}"), true), (nats.url(), false)]
        {
            let connected = Queue::connect(&queue::Nats { url, ..queue::Nats::default() }).await;
            assert_eq!(connected.is_ok(), is_let_in, "{connected:?}");
        }
    }
}
