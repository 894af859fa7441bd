//! The story of one person, step by step.

use super::business::{business, offer, write};
use super::wish::digits;
use crate::component::{artifact, built, cache, returned};
use crate::demo::{ORDER, greeting};
use crate::load::caller::{Callers, client};
use crate::load::stage::{Stage, key};
use crate::load::{LIST, LIST_NAME};
use anstream::println;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, ensure};
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Channel, Faults};
use klaviyo_service::outcome;
use klaviyo_whatsapp_mock::{Contact, Person, Server};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::block_in_place;
use tokio::time::sleep;

const TITLE: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();

/// How long something may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What Klaviyo holds of her.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    is_on_list: bool,
    has_consent: bool,
    /// The metrics of her events, in their order.
    events: Vec<String>,
}

struct Scene {
    stage: Stage,
    whatsapp: Server,
    priya: Person,
    number: String,
    client: Client,
    tenant: Tenant,
    step: usize,
}

/// Plays it with a door, a queue and a worker, and prints it.
///
/// # Errors
/// When WhatsApp or Klaviyo does not hold what it must after a step.
pub(super) async fn tell() -> Result<()> {
    let mut scene = Scene::open().await?;
    let told = scene.play().await;
    if told.is_err() {
        eprintln!("{}", scene.stage.last_words());
    }
    told
}

impl Scene {
    async fn open() -> Result<Self> {
        let mut stage = Stage::new(1, 1, Faults::none()).await?;
        stage.add_worker()?;
        let account = stage.accounts.first().context("there is no account")?.clone();
        let door = stage.doors.first().context("there is no door")?;
        let whatsapp = Server::start(business(&account, &door.url)?)?;
        let number = digits(1);
        let priya = whatsapp.person(Contact::new(&number).named("Priya Sharma"));
        let egress = Egress::endpoint(&stage.klaviyo.url())?;
        let connector = Connector::builder().egress(egress).cache(cache()).load(built(artifact())?)?;
        let tenant = Tenant::new(&connector, Secret::new(&key(&account))?);
        Ok(Self { stage, whatsapp, priya, number, client: client()?, tenant, step: 0 })
    }

    async fn play(&mut self) -> Result<()> {
        println!("{TITLE}A person, WhatsApp and Klaviyo{TITLE:#}");
        println!();
        println!("  WhatsApp   a simulator on this machine; it sends signed webhooks to a front door");
        println!(
            "  Klaviyo    a simulator on this machine; a worker calls it, with the connector in wasmtime"
        );
        println!("  the list   {LIST_NAME}; an opt-out leaves it");

        self.begin("Priya sends SUBSCRIBE");
        self.priya.writes("SUBSCRIBE");
        self.until("she is on the list", |held| held.is_on_list).await?;

        self.begin("The bot replies");
        let reply = outcome::reply(Some("Priya"), Some(&format!("+{}", self.number)), false);
        write(&self.client, &self.whatsapp, &self.number, &reply).await?;
        let messages = block_in_place(|| self.priya.waits_for(1, PATIENCE))?;
        self.says(&messages.last().context("she has no message")?.text);
        self.whatsapp.advance(Duration::from_secs(10));
        let all = ["WhatsApp delivered", "WhatsApp read"];
        self.until("Klaviyo knows that it was delivered and read", |held| {
            all.iter().all(|name| held.events.iter().any(|event| event == name))
        })
        .await?;

        self.begin("In the shop she ticks \"offers by WhatsApp\", and orders wool socks");
        self.consents().await?;
        self.until("she has consented to marketing by WhatsApp", |held| held.has_consent).await?;
        self.orders().await?;
        self.until("Klaviyo has the order", |held| held.events.iter().any(|event| event == ORDER)).await?;

        self.begin("Priya sends HELLO");
        self.priya.writes("HELLO");
        self.greets().await?;

        self.begin("Priya has enough: she sends STOP, and presses Stop in WhatsApp");
        self.priya.writes("STOP");
        self.priya.stops();
        self.until("her consent is gone, and she has left the list", |held| {
            !held.has_consent && !held.is_on_list
        })
        .await?;
        offer(&self.client, &self.whatsapp, &self.number).await?;
        self.whatsapp.advance(Duration::from_secs(10));
        self.until("an offer fails in WhatsApp with 131050, and Klaviyo knows it", |held| {
            held.events.iter().any(|event| event == "WhatsApp failed")
        })
        .await?;

        self.begin("Later she sends START, and presses Resume in WhatsApp");
        // Later than the offer that failed, which was an opt-out once more.
        self.whatsapp.advance(Duration::from_secs(60));
        self.priya.resumes();
        self.priya.writes("START");
        self.until("she has her consent and her place on the list again, and nothing more", |held| {
            held.has_consent && held.is_on_list
        })
        .await?;
        println!();
        println!(
            "{FAINT}The component never had the key, and no webhook was taken without its signature.{FAINT:#}"
        );
        Ok(())
    }

    fn begin(&mut self, title: &str) {
        self.step += 1;
        println!();
        println!("{TITLE}{}. {title}{TITLE:#}", self.step);
    }

    fn says(&self, text: &str) {
        println!("  Bot: {TITLE}{text}{TITLE:#}");
    }

    /// Waits until Klaviyo holds something, and says so.
    async fn until(&self, what: &str, is_there: impl Fn(&Held) -> bool) -> Result<()> {
        let begun = Instant::now();
        loop {
            let held = self.held()?;
            if is_there(&held) {
                println!("  {GOOD}✓{GOOD:#} {what}  {FAINT}{:.1} s{FAINT:#}", begun.elapsed().as_secs_f64());
                return Ok(());
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "not within {} s: {what}; Klaviyo has {held:?}",
                PATIENCE.as_secs()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn held(&self) -> Result<Held> {
        let account = self.stage.klaviyo.account_of(&key(self.account()?)).context("there is no account")?;
        let Some(profile) = account.profile("phone_number", &format!("+{}", self.number)) else {
            return Ok(Held { is_on_list: false, has_consent: false, events: Vec::new() });
        };
        let name =
            |id: &str| account.metrics().find(|metric| metric.id == id).map(|metric| metric.name.clone());
        let own = account.events().filter(|event| event.profile == profile.id);
        Ok(Held {
            is_on_list: account.members(LIST).contains(&profile.id),
            has_consent: profile.consent(Channel::WhatsApp).is_given(),
            events: own.filter_map(|event| name(&event.metric)).collect(),
        })
    }

    fn account(&self) -> Result<&str> {
        self.stage.accounts.first().map(String::as_str).context("there is no account")
    }

    /// The shop tells a consent, with a signature.
    async fn consents(&self) -> Result<()> {
        let account = self.account()?;
        let opt_in = json!({ "account": account, "list": LIST, "phone_number": format!("+{}", self.number),
            "consent": ["whatsapp"], "consent_source": "checkout" });
        Callers::of(&self.stage)?.bring(account, "checkout-1003", &[opt_in]).await?;
        Ok(())
    }

    /// The shop tells an order.
    async fn orders(&self) -> Result<()> {
        let items = json!({ "Items": [{ "ProductName": "Wool socks", "Quantity": 3 }] });
        let order = json!({ "metric": ORDER, "unique-id": "1003", "value": "22.50", "value-currency": "USD",
            "profile": { "phone-number": format!("+{}", self.number) }, "properties": items.to_string() });
        self.call("events.track", &[order]).await.map(drop)
    }

    /// The bot writes by what she bought.
    async fn greets(&self) -> Result<()> {
        let she = json!({ "phone-number": format!("+{}", self.number) });
        let timeline = self.call("events.history", &[she, json!({ "limit": 20 })]).await?;
        let text = greeting(Some("Priya"), &timeline);
        ensure!(text.contains("Wool socks"), "the bot does not know what she bought: {timeline}");
        write(&self.client, &self.whatsapp, &self.number, &text).await?;
        let messages = block_in_place(|| self.priya.waits_for(2, PATIENCE))?;
        self.says(&messages.last().context("she has no message")?.text);
        Ok(())
    }

    async fn call(&self, function: &str, arguments: &[Value]) -> Result<Value> {
        let result = returned(self.tenant.call(function, arguments).await)?;
        result.get("ok").cloned().with_context(|| format!("{function} failed: {result}"))
    }
}
