//! What signed callers get of `klaviyo-connector serve`, as a process of its own, while strangers crowd
//! before it, and while another account asks for as much as it can.

use crate::canary::KEY;
use crate::component::artifact;
use crate::load::process::{peak, program};
use crate::load::{LIST, LIST_NAME};
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use klaviyo_mock::{Account, Faults, Klaviyo, Nats, Rates, Server};
use reqwest::{Client, ClientBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

/// How many strangers there are, and how much an account asks for.
#[derive(Clone, Debug, clap::Args)]
pub struct Crowd {
    /// Connections on which nothing is sent
    #[arg(long, default_value_t = 5_000)]
    pub idle: usize,
    /// Connections on which a request comes a byte a second
    #[arg(long, default_value_t = 256)]
    pub slow: usize,
    /// Requests that one account keeps open
    #[arg(long, default_value_t = 300)]
    pub noisy: usize,
    /// How long each is measured, in seconds
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
}

const QUIET: &str = "quiet";
const NOISY: &str = "noisy";
/// Signed callers, half of them with a new connection for each request.
const CALLERS: usize = 8;
/// How long a caller waits between two requests, and a quiet one whose opt-ins are done at once: Klaviyo
/// takes 150 additions to lists a minute.
const PAUSE: Duration = Duration::from_millis(50);
const QUIET_PAUSE: Duration = Duration::from_millis(450);
/// How long a stranger stays away whose connection was closed.
const AWAY: Duration = Duration::from_secs(5);
/// How long the crowd takes to gather, before it is measured.
const GATHER: Duration = Duration::from_secs(5);
/// How long Klaviyo takes for an answer.
const LATENCY: &str = "*: always latency 100ms";
/// No request may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs it and prints two tables.
///
/// # Errors
/// When a signed request of a caller who keeps to the rate is not done.
pub fn run(crowd: &Crowd) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Whoever is first installs it for all.
        let _ = rustls::crypto::ring::default_provider().install_default();
        strangers(crowd).await?;
        neighbours(crowd, true).await?;
        neighbours(crowd, false).await
    })
}

/// Signed callers beside strangers.
async fn strangers(crowd: &Crowd) -> Result<()> {
    println!(
        "Signed requests to a door with a queue, {CALLERS} callers, half of them with a new connection each time:\n"
    );
    println!("| beside | requests | answered | p50 | p99 | longest | the door's memory |");
    println!("|---|---|---|---|---|---|---|");
    let door = Door::start(true)?;
    let alone = callers(&door, crowd.seconds).await?;
    alone.tell("nobody", &door)?;
    let (open, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut strangers = JoinSet::new();
    for number in 0..crowd.idle + crowd.slow {
        let (address, open, closed) = (door.address()?, Arc::clone(&open), Arc::clone(&closed));
        let is_slow = number < crowd.slow;
        strangers.spawn(async move {
            loop {
                sleep(AWAY.mul_f64(fastrand::f64())).await;
                if let Ok(stream) = TcpStream::connect(&address).await {
                    open.fetch_add(1, Ordering::Relaxed);
                    stranger(stream, is_slow).await;
                    open.fetch_sub(1, Ordering::Relaxed);
                    closed.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    sleep(GATHER).await;
    closed.store(0, Ordering::Relaxed);
    let crowded = callers(&door, crowd.seconds).await?;
    let (open, closed) = (open.load(Ordering::Relaxed), closed.load(Ordering::Relaxed));
    strangers.shutdown().await;
    crowded.tell(&format!("{} idle and {} slow strangers", crowd.idle, crowd.slow), &door)?;
    println!(
        "\n{open} of the strangers' connections were open at the end, and {:.0} a second were closed and made anew.",
        closed as f64 / crowd.seconds as f64
    );
    crowded.all_answered()
}

/// One connection of a stranger, until it is closed.
async fn stranger(mut stream: TcpStream, is_slow: bool) {
    let mut answer = [0; 1_024];
    if !is_slow {
        while stream.read(&mut answer).await.is_ok_and(|bytes| bytes > 0) {}
        return;
    }
    let head = b"POST /v1/opt-ins HTTP/1.1\r\nhost: door\r\ncontent-length: 1000000\r\n\r\n";
    if stream.write_all(head).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            read = stream.read(&mut answer) => if !read.is_ok_and(|bytes| bytes > 0) { return },
            () = sleep(Duration::from_secs(1)) => if stream.write_all(b" ").await.is_err() { return },
        }
    }
}

/// Signed callers of one account, for so many seconds.
async fn callers(door: &Door, seconds: u64) -> Result<Measured> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let clients = [client().build()?, client().pool_max_idle_per_host(0).build()?];
    let mut callers = JoinSet::new();
    for client in clients.iter().cycle().take(CALLERS) {
        callers.spawn(Caller::new(door, client, QUIET).keep_asking(PAUSE, end));
    }
    let mut measured = Measured::default();
    while let Some(done) = callers.join_next().await {
        measured.add(done??);
    }
    Ok(measured)
}

/// A quiet account beside one that keeps as many requests open as it can.
async fn neighbours(crowd: &Crowd, has_queue: bool) -> Result<()> {
    println!(
        "\nA quiet account at a door {}, beside one that keeps {} requests open:\n",
        if has_queue { "with a queue" } else { "without one, Klaviyo's rates, 100 ms for an answer" },
        crowd.noisy
    );
    println!("| the other one | requests | answered | p50 | p99 | longest | the door's memory |");
    println!("|---|---|---|---|---|---|---|");
    let door = Door::start(has_queue)?;
    let pause = if has_queue { PAUSE } else { QUIET_PAUSE };
    let (own, others) = (client().build()?, client().build()?);
    let quiet = async || {
        let end = Instant::now() + Duration::from_secs(crowd.seconds);
        Caller::new(&door, &own, QUIET).keep_asking(pause, end).await
    };
    let alone = quiet().await?;
    alone.tell("is quiet too", &door)?;
    let mut noisy = JoinSet::new();
    let end = Instant::now() + GATHER + Duration::from_secs(crowd.seconds);
    for _ in 0..crowd.noisy {
        noisy.spawn(Caller::new(&door, &others, NOISY).keep_asking(Duration::ZERO, end));
    }
    sleep(GATHER).await;
    let beside = quiet().await?;
    beside.tell("is noisy", &door)?;
    let mut noise = Measured::default();
    while let Some(done) = noisy.join_next().await {
        noise.add(done??);
    }
    let ratio = |percent| beside.at(percent).as_secs_f64() / alone.at(percent).as_secs_f64();
    println!(
        "\nOf the noisy one's requests {} were done and {} were told to come later. The quiet one's p50 beside it is {:.2} \
         times, its p99 {:.2} times what it is alone.",
        noise.took.len(),
        noise.later,
        ratio(50),
        ratio(99)
    );
    beside.all_answered()
}

/// What requests took.
#[derive(Default)]
struct Measured {
    /// Those that were done, in order of their times.
    took: Vec<Duration>,
    /// Those that were answered 503.
    later: usize,
    /// Those with another answer, or none.
    failed: Vec<String>,
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        self.took.sort_unstable();
        self.later += other.later;
        self.failed.extend(other.failed);
    }

    /// The time that so many in a hundred did not take longer than.
    fn at(&self, percent: usize) -> Duration {
        let place = (self.took.len() * percent).div_ceil(100).saturating_sub(1);
        self.took.get(place).copied().unwrap_or_default()
    }

    fn tell(&self, beside: &str, door: &Door) -> Result<()> {
        let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
        println!(
            "| {beside} | {} | {} | {} | {} | {} | {} MB |",
            self.took.len() + self.later + self.failed.len(),
            self.took.len(),
            milliseconds(self.at(50)),
            milliseconds(self.at(99)),
            milliseconds(self.at(100)),
            door.memory()? >> 10
        );
        Ok(())
    }

    fn all_answered(&self) -> Result<()> {
        let failed = self.failed.first().map_or("", String::as_str);
        ensure!(
            self.later == 0 && self.failed.is_empty(),
            "{} requests were told to come later, {} failed: {failed}",
            self.later,
            self.failed.len()
        );
        Ok(())
    }
}

fn client() -> ClientBuilder {
    Client::builder().timeout(PATIENCE)
}

/// Somebody with an account's secret.
struct Caller {
    client: Client,
    url: String,
    account: &'static str,
    expected: StatusCode,
    name: u64,
}

impl Caller {
    fn new(door: &Door, client: &Client, account: &'static str) -> Self {
        let (client, url) = (client.clone(), format!("{}/v1/opt-ins", door.url));
        Self { client, url, account, expected: door.expected, name: fastrand::u64(..) }
    }

    /// Asks again and again, with a pause. When it is told to come in a second, it comes about ten times as
    /// soon.
    async fn keep_asking(self, pause: Duration, end: Instant) -> Result<Measured> {
        let mut measured = Measured::default();
        let mut ticks = (!pause.is_zero()).then(|| interval(pause));
        for number in 0.. {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            if Instant::now() >= end {
                break;
            }
            let begun = Instant::now();
            match self.ask(number).await {
                Ok(status) if status == self.expected => measured.took.push(begun.elapsed()),
                Ok(StatusCode::SERVICE_UNAVAILABLE) => {
                    measured.later += 1;
                    sleep(Duration::from_millis(fastrand::u64(50..150))).await;
                }
                Ok(status) => measured.failed.push(status.to_string()),
                Err(error) => measured.failed.push(format!("{error:#}")),
            }
        }
        measured.took.sort_unstable();
        Ok(measured)
    }

    async fn ask(&self, number: usize) -> Result<StatusCode> {
        let id = format!("{:x}-{number}", self.name);
        let email = format!("{id}@example.com");
        let body =
            json!({ "account": self.account, "list": LIST, "email": email, "first_name": "Ada" }).to_string();
        let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mac = Hmac::<Sha256>::new_from_slice(&secret(self.account))?;
        let mac = mac.chain_update(format!("{id}.{at}.{body}")).finalize().into_bytes();
        let request = self
            .client
            .post(&self.url)
            .header("webhook-id", &id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", format!("v1,{}", STANDARD.encode(mac)))
            .body(body);
        let response = request.send().await?;
        let status = response.status();
        response.bytes().await?;
        Ok(status)
    }
}

fn secret(account: &str) -> Vec<u8> {
    format!("the signing secret of {account}").into_bytes()
}

/// `klaviyo-connector serve` with two accounts, and what it needs; killed when it is dropped.
struct Door {
    url: String,
    /// What an opt-in is answered that is taken.
    expected: StatusCode,
    process: Child,
    /// Kept open: what it would print is not refused.
    _output: BufReader<ChildStdout>,
    _klaviyo: Server,
    _nats: Option<Nats>,
    _folder: TempDir,
}

impl Door {
    fn start(has_queue: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let key = |name: &str| format!("{KEY}_{name}");
        let simulated = |name: &str| {
            let mut account = Account::default();
            account.add_key(&key(name), Account::SCOPES);
            account.add_list(LIST, LIST_NAME);
            account
        };
        for name in [QUIET, NOISY] {
            let file = |kind: &str| folder.path().join(format!("{name}.{kind}"));
            std::fs::write(file("signing-secret"), format!("whsec_{}", STANDARD.encode(secret(name))))?;
            std::fs::write(file("api-key"), key(name))?;
        }
        let klaviyo = Klaviyo::from(simulated(QUIET)).account(simulated(NOISY));
        let faults = Faults::none().rule(LATENCY.parse()?);
        let klaviyo = Server::start(klaviyo.rates(Rates::klaviyo()).faults(faults))?;
        let nats = has_queue.then(Nats::start).transpose()?;
        let mut command = Command::new(program()?);
        command.args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--json"]);
        command.args(["--endpoint", &klaviyo.url()]).arg("--component").arg(artifact());
        command.arg("--secrets").arg(folder.path());
        if let Some(nats) = &nats {
            command.args(["--nats", &nats.url()]);
        }
        let log = File::create(folder.path().join("log"))?;
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut output = BufReader::new(process.stdout.take().context("the command has no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let document: Value =
            serde_json::from_str(&line).context("`klaviyo-connector serve` did not start")?;
        let url = document.pointer("/ok/url").and_then(Value::as_str);
        let url = url.with_context(|| format!("it did not start: {document}"))?.to_owned();
        let expected = if has_queue { StatusCode::ACCEPTED } else { StatusCode::OK };
        Ok(Self { url, expected, process, _output: output, _klaviyo: klaviyo, _nats: nats, _folder: folder })
    }

    fn address(&self) -> Result<String> {
        Ok(self.url.strip_prefix("http://").context("a door has a URL")?.to_owned())
    }

    /// The most that it had, in kilobytes.
    fn memory(&self) -> Result<u64> {
        peak(self.process.id())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
