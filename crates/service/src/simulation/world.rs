//! One simulation: people, doors and workers, what breaks, and how it ends.

use super::invariants;
use super::klaviyo::{self, Refusal};
use super::network::{Chance, Faults, Network};
use super::people::{ACCOUNTS, Doors, EVERYBODY, LIST, Person, WISHES, Wish, app_secret, signing_secret};
use super::process::Process;
use super::server::{Server, Unwritten};
use super::whatsapp::{Taken, Way};
use super::{NOON, begin};
use crate::door::{Door, DoorLimits, DoorSettings, routes};
use crate::feed::Sender;
use crate::metrics;
use crate::queue::{DeadLetter, OPT_INS_BYTES, Queue};
use crate::reply::Cloud;
use crate::secrets::Secrets;
use crate::tenant_cache::TenantCache;
use crate::worker::Worker;
use klaviyo_mock::{Account as Simulated, Faults as KlaviyoFaults, Klaviyo, Rates, Simulator};
use klaviyo_whatsapp_mock::Business;
use parking_lot::Mutex;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// How long something breaks.
const TROUBLE: Duration = Duration::from_secs(30);
/// By when everything has ended after the trouble, and once more after the decisions about dead letters.
const END: Duration = Duration::from_secs(3 * 60);
/// The same, where Klaviyo stays unavailable for a person: all their messages are tried [`FEW`] times, one after the other, with
/// pauses of the account that grow to ten minutes.
const END_OF_TRIES: Duration = Duration::from_secs(WISHES * FEW as u64 * 10 * 60);
/// An opt-out may be done once more so much later.
const AGAIN: Duration = Duration::from_secs(15);
/// What is tried so few times is soon a dead letter, if Klaviyo is unavailable for its person only.
const FEW: u32 = 3;
/// How far a clock is from the true time at most, in milliseconds. A signature counts for five minutes, and whoever repeats
/// a request as it is does so for a minute.
const CLOCK: u64 = 200_000;
/// How far NATS's clock jumps at most: less than a worker stops its work before its lease ends.
const JUMP: u64 = 1_500;

/// What came of a simulation.
pub(super) struct Story {
    pub(super) history: Vec<String>,
    /// When everything had ended.
    pub(super) took: Duration,
    /// What is not as it has to be.
    pub(super) wrong: Vec<String>,
    /// The same seed makes the same history. With several accounts it makes one of few: tokio's `watch` wakes their
    /// tasks in an order of its own.
    is_certain: bool,
}

struct World {
    seed: u64,
    server: Arc<Server>,
    network: Arc<Network>,
    /// Klaviyo's side of each account.
    accounts: Vec<Arc<Simulator>>,
    /// Tells Klaviyo's keys of this simulation from those of others.
    number: u64,
    refusal: Arc<Mutex<Option<Refusal>>>,
    /// How often a message is tried.
    attempts: u32,
    folders: Mutex<Vec<TempDir>>,
    replies: Taken,
    doors: Doors,
    /// What doors have accepted, with the sequences that they have told.
    accepted: Mutex<Vec<(Wish, Option<u64>)>>,
}

/// Simulates a seed.
pub(super) fn simulate(seed: u64) -> Story {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        fastrand::seed(seed);
        begin();
        Arc::new(World::new(seed)).run().await
    })
}

/// What workers send changes with. It reads the system's certificates, which takes as long as a part of a story.
static SENDER: LazyLock<Arc<Sender>> = LazyLock::new(|| Arc::new(Sender::new(true).unwrap()));

/// The processes that may have Klaviyo's keys.
const WORKERS: [&str; 4] = ["worker-1", "worker-2", "worker-3", "worker-4"];

impl World {
    fn new(seed: u64) -> Self {
        // Several simulations can run at once, also of one seed.
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let mut chance = Chance::new(seed, "world");
        let accounts = 0..1 + chance.below(ACCOUNTS.len() as u64) as usize;
        let klaviyo = |account| {
            let mut simulated = Simulated::demo();
            for worker in WORKERS {
                simulated.add_key(&key(number, account, worker), Simulated::SCOPES);
            }
            let settings = Klaviyo::from(simulated).rates(Rates::off()).stop_the_clock_at(NOON);
            Arc::new(Simulator::new(settings.job_delay(Duration::from_millis(200))))
        };
        let (person, kind) = (chance.below(EVERYBODY.end), chance.below(5));
        let accounts: Vec<_> = accounts.map(klaviyo).collect();
        let person = Person { number: person, account: person as usize % accounts.len() };
        let status = [400, 422, 429, 503, 503][kind as usize];
        Self {
            seed,
            server: Arc::new(Server::start()),
            network: Arc::new(Network::new(seed)),
            accounts,
            number,
            refusal: Arc::new(Mutex::new(Some(Refusal { person: person.address(), status }))),
            attempts: if kind == 4 { FEW } else { 25 },
            folders: Mutex::default(),
            replies: Taken::default(),
            doors: Doors::default(),
            accepted: Mutex::default(),
        }
    }

    fn chance(&self, of: &str) -> Chance {
        Chance::new(self.seed, of)
    }

    /// A process. Its clock is another one than the true time, and jumps once.
    fn process(&self, name: &str) -> Process {
        let process = Process::new(name, &self.server, &self.network);
        let mut chance = self.chance(&format!("the clock of {name}"));
        let mut ahead = || match chance.below(3) {
            0 => 0,
            1 => chance.below(10_000) as i64 - 5_000,
            _ => chance.below(2 * CLOCK) as i64 - CLOCK as i64,
        };
        process.set_clock(ahead());
        let (jumped, after) = (ahead(), Duration::from_millis(chance.below(40_000)));
        let own = process.clone();
        tokio::spawn(async move {
            sleep(after).await;
            own.set_clock(jumped);
        });
        process
    }

    /// The secrets of all accounts: each kind with its text.
    fn secrets(&self, files: impl Fn(usize) -> Vec<(&'static str, String)>) -> Arc<Secrets> {
        let folder = tempfile::tempdir().unwrap();
        for (account, account_name) in ACCOUNTS.iter().enumerate().take(self.accounts.len()) {
            for (name, text) in files(account) {
                std::fs::write(folder.path().join(format!("{account_name}.{name}")), text).unwrap();
            }
        }
        let secrets = Arc::new(Secrets::folder(folder.path()).unwrap());
        self.folders.lock().push(folder);
        secrets
    }

    /// Opens a door.
    async fn open_a_door(&self, process: &Process) {
        let secrets = self.secrets(|account| {
            vec![
                ("signing-secret", signing_secret(account)),
                ("whatsapp-app-secret", app_secret(account)),
                ("whatsapp-list", LIST.to_owned()),
                ("whatsapp-settings", json!({ "opt_out_lists": [LIST] }).to_string()),
            ]
        });
        let own = process.clone();
        let opened = process.own(async move {
            let queue = connect(&own).await;
            let settings = DoorSettings {
                words: vec!["SUBSCRIBE".to_owned()],
                numbers_only: false,
                rate: 1_000.try_into().unwrap(),
                concurrency: 64.try_into().unwrap(),
                limits: DoorLimits::default(),
            };
            Arc::new(Door::to_queue(queue, secrets, settings, &mut metrics::registry()))
        });
        let door = opened.await;
        let watched = Arc::clone(&door);
        tokio::spawn(process.own(async move { watched.watch().await }));
        self.doors.open(process, routes(&door));
    }

    /// Starts a worker.
    fn work(&self, name: &'static str) -> (Process, JoinHandle<()>) {
        let process = self.process(name);
        for (account, klaviyo) in self.accounts.iter().enumerate() {
            let link = klaviyo::Link {
                process: process.clone(),
                account: ACCOUNTS[account],
                klaviyo: Arc::clone(klaviyo),
                refusal: Arc::clone(&self.refusal),
            };
            klaviyo::link(&key(self.number, account, name), link);
        }
        let secrets = self.secrets(|account| {
            vec![
                ("api-key", key(self.number, account, name)),
                ("whatsapp-token", Business::TOKEN.to_owned()),
                ("whatsapp-phone-number-id", Business::NUMBER_ID.to_owned()),
            ]
        });
        let way = Way { process: process.clone(), taken: Arc::clone(&self.replies) };
        let (own, attempts) = (process.clone(), self.attempts.try_into().unwrap());
        let work = tokio::spawn(process.own(async move {
            let queue = connect(&own).await;
            let tenants = TenantCache::new(klaviyo::connector(), None, Arc::clone(&secrets));
            let (sender, cloud) = (Arc::clone(&SENDER), Cloud::by(way));
            let mut registry = metrics::registry();
            let worker = Worker::new(queue, secrets, tenants, attempts, sender, cloud, &mut registry);
            worker.run(std::future::pending()).await;
        }));
        (process, work)
    }

    /// What breaks until [`TROUBLE`] is over.
    async fn trouble(self: &Arc<Self>, begun: Instant) {
        let mut chance = self.chance("trouble");
        let mut some = |most: u64| chance.below(most);
        self.network.set_faults(Faults { lost: some(20), unanswered: some(30), late: some(20) });
        let faults = [
            "reset-before",
            "reset-after",
            "status 429 retry-after 2",
            "status 503",
            "status-after 502",
            "truncate",
        ];
        let fault = faults[some(faults.len() as u64) as usize];
        let rule = format!("*: {}% {fault}", some(15));
        self.network.note(&format!("{rule}; {:?}", *self.refusal.lock()));
        for klaviyo in &self.accounts {
            klaviyo.set_faults(KlaviyoFaults::seeded(self.seed).rule(rule.parse().unwrap()));
        }
        let end = begun + TROUBLE;
        tokio::join!(
            self.kill_nats(begun),
            self.fill_a_stream(begun),
            self.kill_doors("a", end),
            self.kill_doors("b", end),
            self.kill_workers(end)
        );
        self.network.note("nothing breaks any more");
        self.network.set_faults(Faults::default());
        for klaviyo in &self.accounts {
            klaviyo.set_faults(KlaviyoFaults::none());
        }
        if self.attempts > FEW {
            // Whom Klaviyo refuses as they are, it goes on refusing.
            self.refusal.lock().take_if(|refusal| !refusal.is_final());
        }
    }

    /// NATS is killed, and its clock jumps.
    async fn kill_nats(&self, begun: Instant) {
        let mut chance = self.chance("NATS");
        let mut some = |most: u64| chance.below(most);
        let all = [Unwritten::Nothing, Unwritten::Consumers, Unwritten::Removals, Unwritten::Both];
        let unwritten: BTreeMap<&str, Unwritten> =
            ["KLAVIYO_OPT_INS", "KLAVIYO_OPT_OUTS"].map(|stream| (stream, all[some(4) as usize])).into();
        sleep_until(begun + Duration::from_millis(1_000 + some(20_000))).await;
        self.network.note(&format!("NATS is killed, with {unwritten:?} not written"));
        self.server.kill(|stream| unwritten.get(stream).copied().unwrap_or(Unwritten::Nothing));
        sleep(Duration::from_millis(200 + some(4_000))).await;
        let jump = some(2 * JUMP) as i64 - JUMP as i64;
        self.network.note(&format!("NATS is back, and its clock jumps by {jump} ms"));
        self.server.state().jump(time::Duration::milliseconds(jump));
        self.server.restart();
    }

    /// A stream or a bucket has hardly any room for some seconds.
    async fn fill_a_stream(&self, begun: Instant) {
        let mut chance = self.chance("room");
        let mut some = |most: u64| chance.below(most);
        let names = [
            "KLAVIYO_OPT_INS",
            "KLAVIYO_OPT_INS",
            "KLAVIYO_OPT_OUTS",
            "KLAVIYO_REPLIES",
            "KLAVIYO_DEAD",
            "KV_klaviyo-outcomes",
            "KV_klaviyo-people",
            "KV_klaviyo-signatures",
        ];
        let (name, room) = (names[some(names.len() as u64) as usize], some(1_500));
        sleep_until(begun + Duration::from_millis(some(15_000))).await;
        self.network.note(&format!("{name} has room for {room} bytes more"));
        let before = self.server.state().set_max_bytes(name, |bytes| (bytes + room) as i64);
        sleep(Duration::from_millis(some(14_000))).await;
        self.network.note(&format!("{name} has room"));
        if let Some(before) = before {
            self.server.state().set_max_bytes(name, |_| before);
        }
    }

    /// A door is killed between two of its requests, or stands still after one, and another one takes its place.
    async fn kill_doors(self: &Arc<Self>, place: &str, end: Instant) {
        let mut chance = self.chance(place);
        for n in 1.. {
            let process = self.process(&format!("door-{place}-{n}"));
            if Instant::now() < end {
                process.kill_after(1 + chance.below(100));
                process.stand_still_after(chance.below(200), Duration::from_millis(chance.below(10_000)));
            }
            let (world, own) = (Arc::clone(self), process.clone());
            tokio::spawn(async move { world.open_a_door(&own).await });
            tokio::select! {
                biased;
                () = process.died() => {}
                () = sleep_until(end) => return process.spare(),
            }
        }
    }

    /// Workers are killed or stand still after one of their requests, and others take their places.
    async fn kill_workers(&self, end: Instant) {
        let mut chance = self.chance("workers");
        let mut workers = vec![self.work(WORKERS[0]), self.work(WORKERS[1])];
        for (process, _) in &workers {
            // One of the two may live.
            process.kill_after(1 + chance.below(900));
            process.stand_still_after(chance.below(600), Duration::from_millis(chance.below(25_000)));
        }
        let mut others = [WORKERS[2], WORKERS[3]].into_iter();
        while Instant::now() < end {
            sleep(Duration::from_millis(100)).await;
            for worker in &mut workers {
                if worker.0.is_dead()
                    && let Some(name) = others.next()
                {
                    worker.1.abort();
                    *worker = self.work(name);
                }
            }
        }
        workers.iter().for_each(|(process, _)| process.spare());
        for name in others {
            // Somebody lives.
            self.work(name);
        }
    }

    async fn run(self: Arc<Self>) -> Story {
        let begun = Instant::now();
        let ahead = self.chance("the clock of NATS").below(1_200_000) as i64 - 600_000;
        self.server.state().jump(time::Duration::milliseconds(ahead));
        let people: Vec<JoinHandle<()>> = Wish::all(self.chance("wishes"), self.accounts.len())
            .into_iter()
            .map(|(after, wish)| {
                let (after, world) = (begun + after, Arc::clone(&self));
                tokio::spawn(async move {
                    sleep_until(after).await;
                    let sequence = wish.say(&world.doors).await;
                    world.accepted.lock().push((wish, sequence));
                })
            })
            .collect();
        let world = Arc::clone(&self);
        let watch = tokio::spawn(async move { world.watch().await });
        self.trouble(begun).await;
        let end = Instant::now() + END;
        for person in people {
            match timeout_at(end, person).await {
                Ok(said) => said.unwrap(),
                Err(_) => self.network.note_wrong(format!("nobody took a wish for {} s", END.as_secs())),
            }
        }
        let process = Process::new("operator", &self.server, &self.network);
        let operator = connect(&process).await;
        let mut dropped = BTreeSet::new();
        self.ends(&operator).await;
        let letters = operator.dead(None).await.unwrap();
        let refused = self.refusal.lock().take();
        let refused = refused.filter(Refusal::is_final).map(|refusal| refusal.person);
        self.wrong(invariants::without_reason(&letters, refused.as_deref(), self.attempts));
        if !letters.is_empty() {
            dropped = self.decide(&operator, &letters).await;
            self.ends(&operator).await;
            let again = operator.dead(None).await.unwrap();
            self.wrong(invariants::without_reason(&again, None, u32::MAX));
        }
        let took = begun.elapsed();
        // An opt-out may be done once more.
        sleep(AGAIN).await;
        watch.abort();
        self.wrong(self.not_as_said(&dropped));
        self.wrong(invariants::answered_twice(&self.replies.lock()));
        for (account, worker) in
            (0..self.accounts.len()).flat_map(|account| WORKERS.map(|worker| (account, worker)))
        {
            klaviyo::unlink(&key(self.number, account, worker));
        }
        let is_certain = self.accounts.len() == 1;
        Story { history: self.network.history(), took, wrong: self.network.wrong(), is_certain }
    }

    fn wrong(&self, wrong: Vec<String>) {
        wrong.into_iter().for_each(|wrong| self.network.note_wrong(wrong));
    }

    /// Looks whether a message is lost, whenever one is acknowledged.
    async fn watch(&self) {
        let mut wrong = Vec::new();
        while wrong.is_empty() {
            self.server.acknowledged.notified().await;
            let accepted = self.accepted.lock();
            wrong = invariants::lost(&self.server, accepted.iter().map(|(wish, _)| wish));
        }
        self.wrong(wrong);
    }

    /// Waits until nothing waits any more. Then each wish has one end.
    async fn ends(&self, operator: &Queue) {
        let most = if self.attempts == FEW { END_OF_TRIES } else { END };
        let end = Instant::now() + most;
        loop {
            let waiting = operator.waiting().await.unwrap();
            if waiting.is_empty() {
                break;
            }
            if Instant::now() > end {
                let seconds = most.as_secs();
                return self
                    .network
                    .note_wrong(format!("after {seconds} s there wait {:?}", waiting.accounts));
            }
            sleep(Duration::from_millis(500)).await;
        }
        let accepted = self.accepted.lock().clone();
        self.wrong(invariants::not_ended_once(&self.server, accepted.iter().map(|(wish, _)| wish)));
        for (wish, sequence) in accepted {
            // Whoever has the id can ask a door for the outcome.
            if let Some(sequence) = sequence
                && operator.outcome(&wish.key(), sequence).await.unwrap().is_none()
            {
                self.network.note_wrong(format!("{wish:?} has no outcome at {sequence}"));
            }
        }
    }

    /// An operator has each dead letter tried again, or drops it. Returns the people of those that are dropped.
    async fn decide(&self, operator: &Queue, letters: &[DeadLetter]) -> BTreeSet<Person> {
        let (mut chance, mut dropped) = (self.chance("decisions"), BTreeSet::new());
        for letter in letters {
            if chance.below(3) > 0 {
                assert!(operator.retry(letter).await.unwrap());
                continue;
            }
            assert!(operator.give_up(letter).await.unwrap());
            let is_about = |person: &Person| letter.body.opt_in.get().contains(&person.address());
            dropped.extend(self.people().filter(is_about));
        }
        dropped
    }

    fn people(&self) -> impl Iterator<Item = Person> {
        EVERYBODY.map(|number| Person { number, account: number as usize % self.accounts.len() })
    }

    /// Each person has what the last word gave or left, unless an operator has dropped one.
    fn not_as_said(&self, dropped: &BTreeSet<Person>) -> Vec<String> {
        let accepted = self.accepted.lock();
        let checked = self.people().filter(|person| !dropped.contains(person)).filter_map(|person| {
            let klaviyo = &self.accounts[person.account];
            klaviyo::bring_up_to_date(klaviyo);
            let own = accepted.iter().map(|(wish, _)| wish).filter(|wish| wish.person == person);
            invariants::not_as_said(klaviyo, person, own.max_by_key(|wish| wish.at))
        });
        checked.collect()
    }
}

/// Klaviyo's key of an account that a worker has.
fn key(world: u64, account: usize, worker: &str) -> String {
    format!("pk_{world}_{account}_{worker}")
}

async fn connect(process: &Process) -> Arc<Queue> {
    loop {
        if let Ok(queue) = Queue::open(Arc::new(process.clone()), OPT_INS_BYTES).await {
            return Arc::new(queue);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// The seeds of the environment, or these.
fn seeds(otherwise: RangeInclusive<u64>) -> RangeInclusive<u64> {
    let Ok(named) = std::env::var("KLAVIYO_SIMULATION") else { return otherwise };
    let (first, last) = named.split_once('-').unwrap_or((&named, &named));
    first.parse().unwrap()..=last.parse().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::{available_parallelism, scope};

    /// The stories of seeds, on as many threads as the machine has.
    fn each(seeds: &RangeInclusive<u64>, tell: impl Fn(u64) + Sync) {
        let next = AtomicU64::new(*seeds.start());
        let threads = available_parallelism().map_or(1, usize::from);
        scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(seed) =
                        Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed))
                    {
                        tell(seed);
                    }
                });
            }
        });
    }

    #[test]
    fn everything_ends_as_the_last_word_says_whatever_breaks() {
        let seeds = seeds(1..=400);
        let (is_one, stories) = (seeds.clone().count() == 1, Mutex::new(Vec::new()));
        each(&seeds, |seed| {
            let Story { history, took, wrong, .. } = simulate(seed);
            if is_one {
                println!("{}", history.join("\n"));
            }
            stories.lock().push((took, seed, wrong));
        });
        let mut stories = stories.into_inner();
        stories.sort();
        for (took, seed, _) in stories.iter().rev().take(5) {
            println!("seed {seed} ended after {} s", took.as_secs());
        }
        let wrong: Vec<_> = stories.iter().filter(|(.., wrong)| !wrong.is_empty()).collect();
        assert!(wrong.is_empty(), "KLAVIYO_SIMULATION=SEED prints the history of one: {wrong:#?}");
    }

    #[test]
    fn the_same_seed_makes_the_same_history() {
        let compared = AtomicU64::new(0);
        each(&(1..=30), |seed| {
            let Story { history: once, is_certain, .. } = simulate(seed);
            if is_certain {
                let again = simulate(seed).history;
                let differs = once.iter().zip(&again).position(|(once, again)| once != again);
                let around = differs.map(|n| (once.get(n), again.get(n)));
                assert!(once == again, "seed {seed}: {around:?}");
                compared.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert!(compared.into_inner() >= 5);
    }
}
