//! The stage of the tests: a queue, a Klaviyo, and a folder with secrets.

use bytes::Bytes;
use http::Request;
use klaviyo_host::{Attempt, Bounds, Connector, Egress, HttpTransport, Limits, Transport};
use klaviyo_mock::{Account as Simulated, App, Klaviyo, Nats, Rates, Server};
use klaviyo_service::door::{Door, DoorLimits, DoorSettings, routes};
use klaviyo_service::feed::Sender;
use klaviyo_service::key::OptInKey;
use klaviyo_service::metrics::{self, ApiMetrics};
use klaviyo_service::ops::{self, Health, Listener};
use klaviyo_service::opt_in::OptIn;
use klaviyo_service::outcome::{Outcome, Receipt};
use klaviyo_service::queue::{self, DeadLetter, Lane, Queue};
use klaviyo_service::reply::Cloud;
use klaviyo_service::secrets::Secrets;
use klaviyo_service::tenant_cache::TenantCache;
use klaviyo_service::worker::Worker;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub(crate) const LIST: &str = "Y6nRLr";
/// Longer than any step takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A queue, a Klaviyo, and a folder with keys.
pub(crate) struct Stage {
    pub(crate) nats: Nats,
    pub(crate) klaviyo: Server,
    pub(crate) keys: TempDir,
    pub(crate) queue: Arc<Queue>,
    /// Where a WhatsApp is, in tests that have one.
    pub(crate) whatsapp: OnceLock<String>,
    /// What the connectors have sent.
    pub(crate) sent: Sent,
}

/// All requests to Klaviyo, as they are sent.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<Mutex<String>>);

impl Sent {
    pub(crate) fn has(&self, text: &str) -> bool {
        self.0.lock().unwrap().contains(text)
    }
}

/// Sends requests, and keeps them.
struct KeepingTransport {
    transport: HttpTransport,
    sent: Sent,
}

impl Transport for KeepingTransport {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        let mut sent = self.sent.0.lock().unwrap();
        sent.push_str(&format!("{} {}\n", request.method(), request.uri()));
        for (name, value) in request.headers() {
            sent.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        }
        sent.push_str(&String::from_utf8_lossy(request.body()));
        drop(sent);
        self.transport.send(request, bounds)
    }
}

pub(crate) struct Running {
    pub(crate) health: Arc<dyn Health>,
    stop: oneshot::Sender<()>,
    work: JoinHandle<()>,
    /// The URL of a door.
    pub(crate) url: String,
    /// The metrics.
    pub(crate) registry: Arc<Registry>,
    /// The URL at which a door answers /healthz, /readyz and /metrics.
    pub(crate) health_url: String,
}

impl Running {
    /// What Prometheus gets.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    /// The value of a metric, with its labels behind the name; 0 if there is none.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.metrics();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_default()
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.work.await.unwrap();
    }
}

pub(crate) async fn stage(accounts: &[&str]) -> Stage {
    stage_on(Nats::start().unwrap(), accounts).await
}

pub(crate) async fn stage_on(nats: Nats, accounts: &[&str]) -> Stage {
    let queue = connect(&nats).await;
    stage_at(nats, queue, accounts)
}

/// A stage on a running server, with a connection to it.
pub(crate) fn stage_at(nats: Nats, queue: Arc<Queue>, accounts: &[&str]) -> Stage {
    stage_with_jobs(nats, queue, accounts, Duration::from_millis(50))
}

/// The same, with a Klaviyo whose jobs take this long.
pub(crate) fn stage_with_jobs(nats: Nats, queue: Arc<Queue>, accounts: &[&str], jobs: Duration) -> Stage {
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
    let simulator = simulator.rates(Rates::off()).job_delay(jobs);
    let simulator = simulator.app(App::demo()).rotate_refresh_tokens();
    let klaviyo = Server::start(simulator).unwrap();
    Stage { nats, klaviyo, keys, queue, whatsapp: OnceLock::new(), sent: Sent::default() }
}

pub(crate) fn key_in_queue(opt_in: &OptIn) -> OptInKey {
    OptInKey::new(&opt_in.account, opt_in.id.as_deref().unwrap())
}

pub(crate) fn key_of(account: &str) -> String {
    format!("pk_{account}")
}

pub(crate) async fn connect(nats: &Nats) -> Arc<Queue> {
    let nats = queue::Nats { url: nats.url(), ..queue::Nats::default() };
    Arc::new(Queue::connect(&nats).await.unwrap())
}

impl Stage {
    fn tenants(&self, secrets: &Arc<Secrets>, registry: &mut Registry) -> TenantCache {
        let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/component/klaviyo.wasm");
        assert!(component.is_file(), "there is no component yet: run `cargo xtask build` first");
        let egress = Egress::endpoint(&self.klaviyo.url()).unwrap();
        let limits = Limits { concurrent_calls: 8, wait: Duration::from_secs(60), ..Limits::default() };
        let transport = HttpTransport::new(&egress, &limits).unwrap();
        let connector = Connector::builder()
            .egress(egress)
            .limits(limits)
            .transport(KeepingTransport { transport, sent: self.sent.clone() })
            .observer(ApiMetrics::new(registry))
            .cache(env!("CARGO_TARGET_TMPDIR"))
            .load(component)
            .unwrap();
        TenantCache::new(connector, None, Arc::clone(secrets))
    }

    fn cloud(&self) -> Cloud {
        Cloud::new(self.whatsapp.get().map(String::as_str)).unwrap()
    }

    fn secrets(&self) -> Arc<Secrets> {
        Arc::new(Secrets::folder(self.keys.path()).unwrap())
    }

    pub(crate) async fn worker(&self) -> Running {
        self.worker_at(connect(&self.nats).await)
    }

    /// A worker on threads of its own. To shut them down ends it as a kill does: nothing is given back.
    pub(crate) async fn worker_to_kill(&self) -> tokio::runtime::Runtime {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let nats = queue::Nats { url: self.nats.url(), ..queue::Nats::default() };
        let queue = runtime.spawn(async move { Queue::connect(&nats).await.unwrap() }).await.unwrap();
        let entered = runtime.enter();
        // Its end is not waited for, and it hears of no other one.
        std::mem::forget(self.worker_at(Arc::new(queue)));
        drop(entered);
        runtime
    }

    /// A worker with a connection of its own.
    pub(crate) fn worker_at(&self, queue: Arc<Queue>) -> Running {
        let secrets = self.secrets();
        let (attempts, mut registry) = (3.try_into().unwrap(), metrics::registry());
        let tenants = self.tenants(&secrets, &mut registry).with_tokens_in(Arc::clone(&queue));
        // The endpoints of the tests are on this machine.
        let sender = Sender::new(true).unwrap();
        let cloud = self.cloud();
        let worker =
            Worker::new(queue, Arc::clone(&secrets), tenants, attempts, sender, cloud, &mut registry);
        let (health, (stop, stopped)) = (worker.health(), oneshot::channel());
        let work = tokio::spawn(async move {
            let run = worker.run(async { drop(stopped.await) });
            tokio::select! {
                () = run => {}
                () = secrets.keep_fresh() => {}
            }
        });
        Running {
            health,
            stop,
            work,
            url: String::new(),
            health_url: String::new(),
            registry: Arc::new(registry),
        }
    }

    /// A door that does opt-ins at once.
    pub(crate) async fn direct_door(&self, settings: DoorSettings) -> Running {
        self.crowded_direct_door(ops::ListenerSettings::default(), settings)
    }

    /// The same, with these limits of connections.
    pub(crate) fn crowded_direct_door(
        &self,
        listener: ops::ListenerSettings,
        settings: DoorSettings,
    ) -> Running {
        let (secrets, mut registry) = (self.secrets(), metrics::registry());
        let tenants = self.tenants(&secrets, &mut registry);
        let door = Door::direct(tenants, secrets, settings, self.cloud(), &mut registry);
        open(door, listener, registry)
    }

    /// A door that puts opt-ins into the queue.
    pub(crate) async fn queue_door(&self, settings: DoorSettings) -> Running {
        self.queue_door_at(connect(&self.nats).await, settings).await
    }

    /// The same, with a connection of its own to NATS.
    pub(crate) async fn queue_door_at(&self, queue: Arc<Queue>, settings: DoorSettings) -> Running {
        let mut registry = metrics::registry();
        let door = Door::to_queue(queue, self.secrets(), settings, &mut registry);
        open(door, ops::ListenerSettings::default(), registry)
    }

    /// The same, with these limits of connections.
    pub(crate) async fn crowded_door(
        &self,
        listener: ops::ListenerSettings,
        settings: DoorSettings,
    ) -> Running {
        let (queue, mut registry) = (connect(&self.nats).await, metrics::registry());
        open(Door::to_queue(queue, self.secrets(), settings, &mut registry), listener, registry)
    }

    pub(crate) async fn put(&self, opt_ins: &[OptIn]) -> Vec<(OptInKey, u64)> {
        let keys: Vec<OptInKey> = opt_ins.iter().map(key_in_queue).collect();
        let named = keys.iter().cloned().zip(opt_ins.iter().map(OptIn::to_json)).collect();
        let accepted = self.queue.put(Lane::OptIns, named).await;
        keys.into_iter().zip(accepted).map(|(key, accepted)| (key, accepted.unwrap().sequence)).collect()
    }

    /// Waits until all of them have an outcome, and returns it.
    pub(crate) async fn outcomes(&self, keys: &[(OptInKey, u64)]) -> Vec<Outcome> {
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

    /// Waits for the dead letter of an opt-in, which is written after its outcome.
    pub(crate) async fn letter(&self, key: &OptInKey) -> DeadLetter {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(letter) = self.queue.dead_letter(key).await.unwrap() {
                return letter;
            }
            assert!(Instant::now() < end, "{key} has no letter");
            sleep(Duration::from_millis(50)).await;
        }
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

pub(crate) fn opt_in(account: &str, n: usize, more: Value) -> OptIn {
    let mut value = json!({
        "account": account, "id": format!("{n}"), "list": LIST, "email": format!("p{n:05}@example.com"),
    });
    for (name, given) in more.as_object().unwrap() {
        value[name] = given.clone();
    }
    serde_json::from_value(value).unwrap()
}

pub(crate) fn receipts(outcomes: Vec<Outcome>) -> Vec<Receipt> {
    let receipt = |outcome| match outcome {
        Outcome::Done(receipt) => receipt,
        other => panic!("{other:?}"),
    };
    outcomes.into_iter().map(receipt).collect()
}

pub(crate) fn settings() -> DoorSettings {
    DoorSettings {
        words: vec!["SUBSCRIBE".to_owned()],
        numbers_only: false,
        rate: 1_000.try_into().unwrap(),
        concurrency: 64.try_into().unwrap(),
        limits: DoorLimits::default(),
    }
}

fn open(door: Door, settings: ops::ListenerSettings, mut registry: Registry) -> Running {
    let door = Arc::new(door);
    let bind = |settings| {
        let listener = Listener::bind(([127, 0, 0, 1], 0).into(), settings).unwrap();
        let url = format!("http://{}", listener.address().unwrap());
        (listener, url)
    };
    let (listener, url) = bind(settings);
    let listener = listener.counted(&mut registry);
    let (health, health_url) = bind(ops::ListenerSettings::default());
    let registry = Arc::new(registry);
    let looked_after = ops::router(door.clone(), Arc::clone(&registry));
    let (stop, stopped) = oneshot::channel();
    let (router, watched) = (routes(&door), Arc::clone(&door));
    let work = tokio::spawn(async move {
        tokio::select! {
            () = listener.serve(router, async { drop(stopped.await) }) => {}
            () = health.serve(looked_after, std::future::pending()) => {}
            () = watched.watch() => {}
        }
    });
    Running { health: door, stop, work, url, health_url, registry }
}

pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}
