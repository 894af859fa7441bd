//! One simulation: people who say what they want at a door, workers that do it, and what has to be true in the end.

use super::broker::Process;
use super::klaviyo;
use super::network::{Chance, Faults, Network};
use super::server::{Server, Unwritten};
use super::whatsapp::{Taken, Way};
use super::{NOON, begin, now_utc};
use crate::door::{Door, DoorLimits, DoorSettings, routes};
use crate::feed::Sender;
use crate::id::OptInId;
use crate::metrics;
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::queue::{OPT_INS_BYTES, Queue};
use crate::reply::Cloud;
use crate::secrets::{MacKey, Secrets};
use crate::signature;
use crate::tenant_cache::TenantCache;
use crate::worker::Worker;
use axum::Router;
use axum::body::{Body, to_bytes};
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use klaviyo_mock::{
    Account as Simulated, Channel, Faults as KlaviyoFaults, Klaviyo, Rates, Simulator, State,
};
use klaviyo_whatsapp_mock::Business;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

const LIST: &str = "Y6nRLr";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const APP_SECRET: &str = "0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f";
/// People who say what they want to a platform, and those who write by WhatsApp.
const PEOPLE: u64 = 4;
const WRITERS: u64 = 3;
const WISHES: u64 = 20;
/// How long people say what they want, and how long something breaks.
const TALK: Duration = Duration::from_secs(20);
const TROUBLE: Duration = Duration::from_secs(30);
/// By when everything has ended. An opt-out may be done again ten seconds later, a message of a killed worker is delivered
/// again after fifteen, and the pauses double; the longest of 700 seeds took 54 s.
const END: Duration = Duration::from_secs(2 * 60);

/// What one person wants.
#[derive(Clone, Debug)]
struct Wish {
    person: u64,
    is_in: bool,
    at: Moment,
    id: String,
}

/// What came of a simulation.
pub(super) struct Story {
    pub(super) history: Vec<String>,
    /// When everything had ended.
    pub(super) took: Duration,
    /// What is not as it has to be.
    pub(super) wrong: Vec<String>,
}

struct World {
    seed: u64,
    server: Arc<Server>,
    network: Arc<Network>,
    klaviyo: Arc<Simulator>,
    /// Klaviyo's key of each worker.
    keys: BTreeMap<&'static str, String>,
    folders: Vec<TempDir>,
    replies: Taken,
}

/// Simulates a seed.
pub(super) fn simulate(seed: u64) -> Story {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        fastrand::seed(seed);
        begin();
        World::new(seed).run().await
    })
}

/// The processes that may have Klaviyo's key.
const WORKERS: [&str; 4] = ["worker-1", "worker-2", "worker-3", "worker-4"];

impl World {
    fn new(seed: u64) -> Self {
        // Several simulations can run at once, also of one seed.
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        let world = WORLDS.fetch_add(1, Ordering::Relaxed);
        let mut account = Simulated::demo();
        let keys = WORKERS.map(|worker| (worker, format!("pk_{world}_{worker}")));
        for (_, key) in &keys {
            account.add_key(key, Simulated::SCOPES);
        }
        let settings = Klaviyo::from(account).rates(Rates::off()).stop_the_clock_at(NOON);
        Self {
            seed,
            server: Arc::new(Server::start()),
            network: Arc::new(Network::new(seed)),
            klaviyo: Arc::new(Simulator::new(settings.job_delay(Duration::from_millis(200)))),
            keys: keys.into(),
            folders: Vec::new(),
            replies: Taken::default(),
        }
    }

    fn chance(&self, of: &str) -> Chance {
        Chance::new(self.seed, of)
    }

    fn process(&self, name: &str) -> Process {
        Process::new(name, &self.server, &self.network)
    }

    fn secrets(&mut self, files: &[(&str, &str)]) -> Arc<Secrets> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(format!("shop-1.{name}")), text).unwrap();
        }
        let secrets = Arc::new(Secrets::folder(folder.path()).unwrap());
        self.folders.push(folder);
        secrets
    }

    /// A door. It connects before anything breaks.
    async fn door(&mut self) -> Router {
        let queue = connect(&self.process("door")).await;
        let secrets = self.secrets(&[
            ("signing-secret", SECRET),
            ("whatsapp-app-secret", APP_SECRET),
            ("whatsapp-list", LIST),
            ("whatsapp-settings", &json!({ "opt_out_lists": [LIST] }).to_string()),
        ]);
        let settings = DoorSettings {
            words: vec!["SUBSCRIBE".to_owned()],
            numbers_only: false,
            rate: 1_000.try_into().unwrap(),
            concurrency: 64.try_into().unwrap(),
            limits: DoorLimits::default(),
        };
        let door = Door::to_queue(queue, secrets, settings, &mut metrics::registry());
        let door = Arc::new(door);
        let watched = Arc::clone(&door);
        tokio::spawn(async move { watched.watch().await });
        routes(&door)
    }

    /// Starts a worker.
    fn work(&mut self, name: &str) -> (Process, JoinHandle<()>) {
        let process = self.process(name);
        let key = self.keys[name].clone();
        klaviyo::link(&key, &process, &self.klaviyo);
        let secrets = self.secrets(&[
            ("api-key", &key),
            ("whatsapp-token", Business::TOKEN),
            ("whatsapp-phone-number-id", Business::NUMBER_ID),
        ]);
        let way = Way { process: process.clone(), taken: Arc::clone(&self.replies) };
        let own = process.clone();
        let work = tokio::spawn(async move {
            let queue = connect(&own).await;
            let tenants = TenantCache::new(klaviyo::connector(), None, Arc::clone(&secrets));
            let (sender, cloud) = (Sender::new(true).unwrap(), Cloud::by(way));
            let mut registry = metrics::registry();
            let attempts = 25.try_into().unwrap();
            let worker = Worker::new(queue, secrets, tenants, attempts, sender, cloud, &mut registry);
            worker.run(std::future::pending()).await;
        });
        (process, work)
    }

    fn wishes(&self) -> Vec<(Duration, Wish)> {
        let mut chance = self.chance("wishes");
        let mut wishes: Vec<(Duration, Wish)> = (0..WISHES)
            .map(|n| {
                let after = Duration::from_millis(chance.below(TALK.as_millis() as u64));
                // WhatsApp tells seconds.
                let after = Duration::from_secs(after.as_secs());
                let (person, is_in) = (chance.below(PEOPLE + WRITERS), chance.below(5) < 3);
                let at = Moment::from_unix_ms((i64::from(NOON) + after.as_secs() as i64) * 1_000);
                (after, Wish { person, is_in, at, id: format!("wish-{n}") })
            })
            .collect();
        wishes.sort_by_key(|(after, wish)| (wish.person, *after));
        // Of equal times the opt-out stands, which is tested elsewhere.
        wishes.dedup_by_key(|(after, wish)| (wish.person, *after));
        wishes
    }

    /// What breaks until [`TROUBLE`] is over.
    async fn trouble(&mut self, begun: Instant) {
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
        self.network.note(&rule);
        self.klaviyo.set_faults(KlaviyoFaults::seeded(self.seed).rule(rule.parse().unwrap()));
        let mut workers = vec![self.work(WORKERS[0]), self.work(WORKERS[1])];
        let killed_at = Duration::from_millis(1_000 + some(20_000));
        let back_after = Duration::from_millis(200 + some(4_000));
        let all = [Unwritten::Nothing, Unwritten::Consumers, Unwritten::Removals, Unwritten::Both];
        let unwritten: BTreeMap<&str, Unwritten> =
            ["KLAVIYO_OPT_INS", "KLAVIYO_OPT_OUTS"].map(|stream| (stream, all[some(4) as usize])).into();
        for (process, _) in &workers {
            // One of the two may live.
            process.kill_after(1 + some(600));
        }
        let mut others = [WORKERS[2], WORKERS[3]].into_iter();
        let (mut is_killed, mut is_back) = (false, false);
        while begun.elapsed() < TROUBLE {
            sleep(Duration::from_millis(100)).await;
            if !is_killed && begun.elapsed() >= killed_at {
                self.network.note(&format!("NATS is killed, with {unwritten:?} not written"));
                self.server.kill(|stream| unwritten.get(stream).copied().unwrap_or(Unwritten::Nothing));
                is_killed = true;
            }
            if is_killed && !is_back && begun.elapsed() >= killed_at + back_after {
                self.network.note("NATS is back");
                self.server.restart();
                is_back = true;
            }
            for worker in &mut workers {
                if worker.0.is_dead()
                    && let Some(name) = others.next()
                {
                    worker.1.abort();
                    *worker = self.work(name);
                }
            }
        }
        for (process, _) in &workers {
            process.kill_after(u64::MAX);
        }
        self.network.note("nothing breaks any more");
        self.network.set_faults(Faults::default());
        self.klaviyo.set_faults(KlaviyoFaults::none());
        for name in others {
            // Somebody lives.
            self.work(name);
        }
    }

    async fn run(mut self) -> Story {
        let begun = Instant::now();
        let door = self.door().await;
        let accepted: Arc<Mutex<BTreeMap<String, Wish>>> = Arc::default();
        let wishes = self.wishes();
        let people: Vec<JoinHandle<()>> = wishes
            .iter()
            .map(|(after, wish)| {
                let (after, wish, door, accepted) =
                    (begun + *after, wish.clone(), door.clone(), Arc::clone(&accepted));
                tokio::spawn(async move {
                    sleep_until(after).await;
                    let id = match wish.person < PEOPLE {
                        true => say(&door, &wish).await,
                        false => write(&door, &wish).await,
                    };
                    accepted.lock().insert(id, wish);
                })
            })
            .collect();
        self.trouble(begun).await;
        for person in people {
            person.await.unwrap();
        }
        let operator = connect(&self.process("operator")).await;
        let end = begun + END;
        let mut wrong = Vec::new();
        let took = loop {
            let waiting = operator.waiting().await.unwrap();
            if waiting.is_empty() {
                break begun.elapsed();
            }
            if Instant::now() > end {
                wrong.push(format!("after {} s there wait {:?}", END.as_secs(), waiting.accounts));
                break begun.elapsed();
            }
            sleep(Duration::from_millis(500)).await;
        };
        // An opt-out may be done once more.
        sleep(Duration::from_secs(15)).await;
        let accepted = accepted.lock().clone();
        wrong.extend(self.outcomes(&operator, &accepted).await);
        wrong.extend(self.ends(&accepted));
        for key in self.keys.values() {
            klaviyo::unlink(key);
        }
        Story { history: self.network.history(), took, wrong }
    }

    /// Each wish that was accepted has one outcome.
    async fn outcomes(&self, operator: &Queue, accepted: &BTreeMap<String, Wish>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (id, wish) in accepted.iter().filter(|(_, wish)| wish.person < PEOPLE) {
            let OptInId { key, sequence } = id.parse().unwrap();
            match operator.outcome(&key, sequence.unwrap()).await.unwrap() {
                Some(Outcome::Done(_)) if wish.is_in => {}
                Some(Outcome::OptedOut(_)) => {}
                other => wrong.push(format!("{wish:?} has the outcome {other:?}")),
            }
        }
        let letters = operator.dead(None).await.unwrap();
        wrong.extend(letters.iter().map(|letter| format!("there is a dead letter: {}", letter.document())));
        wrong
    }

    /// Each person has what the last word gave or left.
    fn ends(&self, accepted: &BTreeMap<String, Wish>) -> Vec<String> {
        klaviyo::bring_up_to_date(&self.klaviyo);
        let account = self.klaviyo.account();
        let members = account.members(LIST);
        let mut wrong = Vec::new();
        for person in 0..PEOPLE + WRITERS {
            let last = accepted.values().filter(|wish| wish.person == person).max_by_key(|wish| wish.at);
            let expected = last.is_some_and(|last| last.is_in);
            let profile = match person < PEOPLE {
                true => account.profile("email", &email(person)),
                false => account.profile("phone_number", &format!("+{}", number(person))),
            };
            let is_member = profile.is_some_and(|profile| members.contains(&profile.id));
            let consents =
                profile.is_some_and(|profile| profile.consent(Channel::Email).state == State::Subscribed);
            // Who writes by WhatsApp joins the list without consent to emails.
            if (is_member, consents) != (expected, expected && person < PEOPLE) {
                wrong.push(format!("{person}: last {last:?}, on the list {is_member}, consent {consents}"));
            }
        }
        let mut answers: BTreeMap<String, u32> = BTreeMap::new();
        for reply in self.replies.lock().iter() {
            *answers.entry(reply["context"]["message_id"].to_string()).or_default() += 1;
        }
        let twice = answers.iter().filter(|(_, answers)| **answers > 1);
        wrong.extend(twice.map(|(message, answers)| format!("{message} is answered {answers} times")));
        wrong
    }
}

async fn connect(process: &Process) -> Arc<Queue> {
    loop {
        if let Ok(queue) = Queue::open(Arc::new(process.clone()), OPT_INS_BYTES).await {
            return Arc::new(queue);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

fn email(person: u64) -> String {
    format!("person-{person}@example.com")
}

/// Says a wish until a door accepts it. Returns its id there.
async fn say(door: &Router, wish: &Wish) -> String {
    let Wish { person, is_in, at, id } = wish;
    let (path, body) = match is_in {
        true => (
            "/v1/opt-ins",
            json!({ "account": "shop-1", "list": LIST, "email": email(*person), "consent": ["email"], "at": at }),
        ),
        false => (
            "/v1/opt-outs",
            json!({ "account": "shop-1", "email": email(*person), "channels": ["email"], "lists": [LIST], "at": at }),
        ),
    };
    loop {
        let (status, answer) = post(door, path, id, &body).await;
        match status {
            202 => return answer["id"].as_str().unwrap().to_owned(),
            503 => sleep(Duration::from_secs(1)).await,
            other => panic!("{other}: {answer}"),
        }
    }
}

fn number(person: u64) -> String {
    format!("91982000000{person}")
}

/// Writes a wish by WhatsApp, which repeats it as it is until a door takes it. Returns its id there.
async fn write(door: &Router, wish: &Wish) -> String {
    let Wish { person, is_in, at, id } = wish;
    let word = if *is_in { "SUBSCRIBE" } else { "STOP" };
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": Business::NUMBER_ID },
        "contacts": [{ "wa_id": number(*person), "profile": { "name": format!("Person {person}") } }],
        "messages": [{
            "from": number(*person), "id": format!("wamid.{id}"), "timestamp": (at.unix_ms() / 1_000).to_string(),
            "type": "text", "text": { "body": word },
        }],
    });
    let notification = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }],
    });
    let body = notification.to_string();
    let mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).unwrap().chain_update(&body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    loop {
        let request = Request::post("/v1/whatsapp/shop-1")
            .header("x-hub-signature-256", &signature)
            .body(Body::from(body.clone()))
            .unwrap();
        match ask(door, request).await {
            (200, _) => return format!("wamid.{id}"),
            (503, _) => sleep(Duration::from_secs(1)).await,
            (other, answer) => panic!("{other}: {answer}"),
        }
    }
}

async fn post(door: &Router, path: &str, id: &str, body: &Value) -> (u16, Value) {
    let (body, at) = (body.to_string(), now_utc().unwrap().unix_timestamp());
    let keys = MacKey::signing_secret(SECRET).unwrap().into();
    let request = Request::post(path)
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature::sign(&keys, id, at, body.as_bytes()).unwrap())
        .body(Body::from(body))
        .unwrap();
    ask(door, request).await
}

async fn ask(door: &Router, request: Request<Body>) -> (u16, Value) {
    let response = TowerToHyperService::new(door.clone()).call(request).await.unwrap();
    let status = response.status().as_u16();
    let answer = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&answer).unwrap_or_default())
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
        let seeds = seeds(1..=200);
        let (is_one, stories) = (seeds.clone().count() == 1, Mutex::new(Vec::new()));
        each(&seeds, |seed| {
            let Story { history, took, wrong } = simulate(seed);
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
        each(&(1..=20), |seed| {
            let (once, again) = (simulate(seed).history, simulate(seed).history);
            let differs = once.iter().zip(&again).position(|(once, again)| once != again);
            let around = differs.map(|n| (once.get(n), again.get(n)));
            assert!(once == again, "seed {seed}: {around:?}");
        });
    }
}
