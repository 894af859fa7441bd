//! What the tests play on: a queue, a Klaviyo, and a folder with secrets.

use klaviyo_host::{Connector, Egress, Limits};
use klaviyo_mock::{Account as Simulated, Klaviyo, Nats, Rates, Server};
use klaviyo_stream::door::{Door, Settings};
use klaviyo_stream::ops::{self, Health, Listener};
use klaviyo_stream::opt_in::{Key, OptIn};
use klaviyo_stream::outcome::Outcome;
use klaviyo_stream::queue::{self, Queue};
use klaviyo_stream::secrets::Secrets;
use klaviyo_stream::tenants::Tenants;
use klaviyo_stream::worker::Worker;
use prometheus_client::registry::Registry;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub(crate) const LIST: &str = "Y6nRLr";
/// Longer than anything takes here on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A queue, a Klaviyo, and a folder with keys.
pub(crate) struct Stage {
    pub(crate) nats: Nats,
    pub(crate) klaviyo: Server,
    pub(crate) keys: TempDir,
    pub(crate) queue: Arc<Queue>,
}

pub(crate) struct Running {
    pub(crate) health: Arc<dyn Health>,
    stop: oneshot::Sender<()>,
    work: JoinHandle<()>,
    /// Of a door.
    pub(crate) url: String,
}

impl Running {
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.work.await.unwrap();
    }
}

pub(crate) async fn stage(accounts: &[&str]) -> Stage {
    let nats = Nats::start().unwrap();
    let keys = tempfile::tempdir().unwrap();
    let simulated = |name: &str| {
        let mut account = Simulated::demo();
        account.add_key(&key_of(name), Simulated::SCOPES);
        account
    };
    let mut simulator = Klaviyo::from(simulated(accounts[0]));
    for name in &accounts[1..] {
        simulator = simulator.account(simulated(name));
    }
    for name in accounts {
        std::fs::write(keys.path().join(format!("{name}.api-key")), key_of(name)).unwrap();
    }
    let simulator = simulator.rates(Rates::off()).job_delay(Duration::from_millis(50));
    let klaviyo = Server::start(simulator).unwrap();
    let queue = connect(&nats).await;
    Stage { nats, klaviyo, keys, queue }
}

pub(crate) fn key_of(account: &str) -> String {
    format!("pk_{account}")
}

pub(crate) async fn connect(nats: &Nats) -> Arc<Queue> {
    Arc::new(Queue::connect(&queue::Nats { url: nats.url(), credentials: None }).await.unwrap())
}

impl Stage {
    fn tenants(&self, secrets: &Arc<Secrets>) -> Tenants {
        let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/component/klaviyo.wasm");
        assert!(component.is_file(), "there is no component yet: run `cargo xtask build` first");
        let connector = Connector::builder()
            .egress(Egress::endpoint(&self.klaviyo.url()).unwrap())
            .limits(Limits { concurrent_calls: 8, ..Limits::default() })
            .cache(env!("CARGO_TARGET_TMPDIR"))
            .load(component)
            .unwrap();
        Tenants::new(connector, None, Arc::clone(secrets))
    }

    fn secrets(&self) -> Arc<Secrets> {
        Arc::new(Secrets::folder(self.keys.path()).unwrap())
    }

    pub(crate) async fn worker(&self) -> Running {
        let secrets = self.secrets();
        let (tenants, queue) = (self.tenants(&secrets), connect(&self.nats).await);
        let attempts = 3.try_into().unwrap();
        let worker = Worker::new(queue, Arc::clone(&secrets), tenants, attempts, &mut Registry::default());
        let (health, (stop, stopped)) = (worker.health(), oneshot::channel());
        let work = tokio::spawn(async move {
            let run = worker.run(async { drop(stopped.await) });
            tokio::select! {
                () = run => {}
                () = secrets.keep_fresh() => {}
            }
        });
        Running { health, stop, work, url: String::new() }
    }

    /// A door whose opt-ins are done at once.
    pub(crate) async fn direct_door(&self, settings: Settings) -> Running {
        let (secrets, mut registry) = (self.secrets(), Registry::default());
        let door = Door::direct(self.tenants(&secrets), secrets, settings, &mut registry);
        open(door, registry).await
    }

    /// A door whose opt-ins go into the queue.
    pub(crate) async fn queue_door(&self, settings: Settings) -> Running {
        let (queue, mut registry) = (connect(&self.nats).await, Registry::default());
        open(Door::to_queue(queue, self.secrets(), settings, &mut registry), registry).await
    }

    pub(crate) async fn put(&self, opt_ins: &[OptIn]) -> Vec<(Key, u64)> {
        let named: Vec<(Key, OptIn)> = opt_ins
            .iter()
            .map(|opt_in| (Key::new(&opt_in.account, opt_in.id.as_deref().unwrap()), opt_in.clone()))
            .collect();
        let accepted = self.queue.put(&named).await.unwrap();
        named.into_iter().zip(accepted).map(|((key, _), accepted)| (key, accepted.sequence)).collect()
    }

    /// Waits until all of them have an outcome, and returns it.
    pub(crate) async fn outcomes(&self, keys: &[(Key, u64)]) -> Vec<Outcome> {
        let end = Instant::now() + PATIENCE;
        let mut outcomes = Vec::new();
        for (key, sequence) in keys {
            loop {
                match self.queue.outcome(key, *sequence).await.unwrap() {
                    Some(Outcome::Waiting) => {}
                    Some(outcome) => break outcomes.push(outcome),
                    None => panic!("{key} is lost"),
                }
                assert!(Instant::now() < end, "{key} still waits");
                sleep(Duration::from_millis(50)).await;
            }
        }
        outcomes
    }

    pub(crate) fn members(&self, account: &str) -> Vec<String> {
        let account = self.klaviyo.account_of(&key_of(account)).unwrap();
        let email =
            |id: String| account.profile("id", &id).unwrap().attributes["email"].as_str().unwrap().to_owned();
        let mut emails: Vec<String> = account.members(LIST).into_iter().map(email).collect();
        emails.sort();
        emails
    }

    pub(crate) fn requests(&self, account: &str) -> u64 {
        self.klaviyo.account_of(&key_of(account)).unwrap().requests()
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        word: "SUBSCRIBE".to_owned(),
        rate: 1_000.try_into().unwrap(),
        concurrency: 64.try_into().unwrap(),
    }
}

async fn open(door: Door, registry: Registry) -> Running {
    let door = Arc::new(door);
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = format!("http://{}", listener.address().unwrap());
    let router = door.router().merge(ops::router(door.clone(), Arc::new(registry)));
    let (stop, stopped) = oneshot::channel();
    let work = tokio::spawn(listener.serve(router, async { drop(stopped.await) }));
    Running { health: door, stop, work, url }
}

pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}
