//! The processes of a run: NATS, doors and workers; and a Klaviyo and a WhatsApp in this one.

use crate::canary::{self, KEY};
use crate::component::artifact;
use crate::load::process::program;
use crate::load::{LIST, LIST_NAME, OTHER_LIST, OTHER_LIST_NAME};
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use klaviyo_mock::{Account, Faults, Klaviyo, Nats, Rates, Server};
use klaviyo_service::queue::{self, Queue};
use klaviyo_whatsapp_mock::{Business, Server as WhatsAppServer};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// The processes of a run, and the simulators.
pub(super) struct Stage {
    pub(super) nats: Nats,
    pub(super) klaviyo: Server,
    /// The business of each account, in the order of the accounts, all at one address.
    pub(super) whatsapp: Vec<WhatsAppServer>,
    pub(super) queue: Queue,
    pub(super) accounts: Vec<String>,
    pub(super) doors: Vec<Service>,
    pub(super) workers: Vec<Service>,
    folder: TempDir,
}

/// `klaviyo-connector serve` or `klaviyo-connector worker`, killed when it is dropped.
pub(super) struct Service {
    words: Vec<String>,
    /// Where it is.
    pub(super) url: String,
    process: Child,
    /// Kept open, so that the process can go on printing.
    _output: BufReader<ChildStdout>,
}

impl Stage {
    /// Starts NATS and the doors, for so many accounts. It has no workers yet.
    pub(super) async fn new(accounts: usize, doors: usize, faults: Faults) -> Result<Self> {
        Self::with_businesses(accounts, doors, faults, |_, business| Ok(business)).await
    }

    /// The same, with settings of its own for the business of each account, by its place.
    pub(super) async fn with_businesses(
        accounts: usize,
        doors: usize,
        faults: Faults,
        settings: impl Fn(usize, Business) -> Result<Business>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let names: Vec<String> = (1..=accounts).map(|n| format!("shop-{n}")).collect();
        for of in ["doors", "workers"] {
            std::fs::create_dir(folder.path().join(of))?;
        }
        for name in &names {
            write_secrets(folder.path(), name)?;
        }
        let simulated = |name: &String| {
            let mut account = Account::default();
            account.add_key(&key(name), Account::SCOPES);
            account.add_list(LIST, LIST_NAME);
            account.add_list(OTHER_LIST, OTHER_LIST_NAME);
            account
        };
        let mut simulated = names.iter().map(simulated);
        let mut klaviyo = Klaviyo::from(simulated.next().context("there is no account")?);
        for account in simulated {
            klaviyo = klaviyo.account(account);
        }
        let klaviyo = Server::start(klaviyo.rates(Rates::klaviyo()).faults(faults))?;
        let business = |(place, name): (usize, &String)| {
            let business = Business::new().app_secret(&app_secret(name)).number_id(&number_id(name));
            settings(place, business)
        };
        let businesses = names.iter().enumerate().map(business).collect::<Result<_>>()?;
        let whatsapp = WhatsAppServer::start_all(businesses)?;
        let nats = Nats::start()?;
        let queue = Queue::connect(&queue::Nats { url: nats.url(), ..queue::Nats::default() }).await?;
        let mut stage = Self {
            nats,
            klaviyo,
            whatsapp,
            queue,
            accounts: names,
            doors: Vec::new(),
            workers: Vec::new(),
            folder,
        };
        for _ in 0..doors {
            let door = stage
                .start(&["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"], "doors")?;
            stage.doors.push(door);
        }
        // By turns: a door that is restarted has its address again.
        let doors = stage.doors.iter().cycle();
        for ((name, whatsapp), door) in stage.accounts.iter().zip(&stage.whatsapp).zip(doors) {
            whatsapp.set_webhook(&format!("{}/v1/whatsapp/{name}", door.url))?;
        }
        Ok(stage)
    }

    /// Where all WhatsApp simulators are.
    pub(super) fn whatsapp_url(&self) -> Result<String> {
        Ok(self.whatsapp.first().context("there is no account")?.url())
    }

    /// Starts one more worker.
    pub(super) fn add_worker(&mut self) -> Result<()> {
        let whatsapp = self.whatsapp_url()?;
        let words = ["worker", "--listen", "127.0.0.1:0", "--whatsapp-endpoint", &whatsapp];
        let worker = self.start(&words, "workers")?;
        self.workers.push(worker);
        Ok(())
    }

    /// Kills a worker, and starts another in its place.
    pub(super) fn replace_worker(&mut self, number: usize) -> Result<()> {
        drop(self.workers.swap_remove(number));
        self.add_worker()
    }

    /// Kills a door and starts it again, at the same port.
    pub(super) fn restart_door(&mut self, number: usize) -> Result<()> {
        let door = self.doors.swap_remove(number);
        let (mut words, url) = (door.words.clone(), door.url.clone());
        drop(door);
        let port = url.rsplit(':').next().context("a door has no port")?;
        // The first address is that of --listen.
        for word in words.iter_mut().filter(|word| word.starts_with("127.0.0.1:")).take(1) {
            *word = format!("127.0.0.1:{port}");
        }
        let door = self.run(words)?;
        self.doors.insert(number, door);
        Ok(())
    }

    fn start(&self, words: &[&str], secrets: &str) -> Result<Service> {
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let folder = self.folder.path().join(secrets);
        words.extend(["--secrets".to_owned(), folder.to_string_lossy().into_owned()]);
        self.run(words)
    }

    fn run(&self, words: Vec<String>) -> Result<Service> {
        let log = File::options().append(true).create(true).open(self.log())?;
        let mut command = Command::new(program()?);
        command.args(&words).args(["--json", "--nats", &self.nats.url(), "--endpoint", &self.klaviyo.url()]);
        command.arg("--component").arg(artifact()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().context("the command does not start")?;
        let output = process.stdout.take().context("the command has no output")?;
        let mut service = Service { words, url: String::new(), process, _output: BufReader::new(output) };
        let mut line = String::new();
        service._output.read_line(&mut line)?;
        let document: Value = serde_json::from_str(&line)
            .with_context(|| format!("`klaviyo-connector {}` did not start", service.words.join(" ")))?;
        let url = document.pointer("/ok/url").and_then(Value::as_str);
        url.with_context(|| format!("it did not start: {document}"))?.clone_into(&mut service.url);
        Ok(service)
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    /// The last lines that doors and workers have logged.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(20)).copied().collect::<Vec<_>>().join("\n")
    }

    /// Neither a key nor a person is in what doors and workers have logged. Returns how many lines there are.
    pub(super) fn logs_are_clean(&self) -> Result<usize> {
        let log = std::fs::read_to_string(self.log())?;
        canary::check(&log)?;
        ensure!(!log.contains(Business::TOKEN), "a token of WhatsApp's is in the log");
        ensure!(!log.contains("@example.com"), "an email is in the log");
        ensure!(!log.contains("+9198"), "a number is in the log");
        ensure!(!log.contains("panicked"), "something panicked: {log}");
        Ok(log.lines().count())
    }
}

impl Service {
    /// The process.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The key of an account.
pub(super) fn key(account: &str) -> String {
    format!("{KEY}_{account}")
}

/// What the requests of an account are signed with.
pub(super) fn secret(account: &str) -> Vec<u8> {
    format!("the signing secret of {account}").into_bytes()
}

/// What Meta signs the notifications of an account with.
pub(super) fn app_secret(account: &str) -> String {
    let digits: String = account.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits:0>32}")
}

/// WhatsApp's id of the number of an account.
pub(super) fn number_id(account: &str) -> String {
    let digits: String = account.chars().filter(char::is_ascii_digit).collect();
    format!("10654035{digits:0>7}")
}

/// Writes what doors and workers have to know of an account into their folders.
fn write_secrets(folder: &Path, name: &str) -> Result<()> {
    let signing_secret = format!("whsec_{}", STANDARD.encode(secret(name)));
    let settings = whatsapp_settings().to_string();
    for (of, kind, text) in [
        ("doors", "signing-secret", signing_secret),
        ("doors", "whatsapp-app-secret", app_secret(name)),
        ("doors", "whatsapp-list", LIST.to_owned()),
        ("doors", "whatsapp-phone-number-id", number_id(name)),
        ("doors", "whatsapp-settings", settings.clone()),
        ("workers", "api-key", key(name)),
        ("workers", "whatsapp-phone-number-id", number_id(name)),
        ("workers", "whatsapp-token", Business::TOKEN.to_owned()),
        ("workers", "whatsapp-settings", settings),
    ] {
        std::fs::write(folder.join(of).join(format!("{name}.{kind}")), text)?;
    }
    Ok(())
}

/// What each account wants of WhatsApp: words of two more languages, what people consent to, the list that
/// they leave, and an event for each
/// status of a message.
fn whatsapp_settings() -> Value {
    json!({
        "consent": ["whatsapp"],
        "opt_out_lists": [LIST],
        "languages": {
            "es": { "opt_in_words": ["ALTA"], "opt_out_words": ["BAJA"], "resume_words": ["VOLVER"] },
            "de": { "opt_in_words": ["ANMELDEN"], "opt_out_words": ["ABMELDEN"], "resume_words": ["WEITER"] },
        },
        "delivery_events": {
            "sent": "WhatsApp sent", "delivered": "WhatsApp delivered", "read": "WhatsApp read",
            "failed": "WhatsApp failed",
        },
    })
}
