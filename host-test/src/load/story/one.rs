//! The story of one person, step by step.

use super::business::Sender;
use super::wish::digits;
use crate::component::{artifact, built, cache, returned};
use crate::demo::{ORDER, greeting};
use crate::load::stage::{Stage, key};
use crate::load::{LIST, LIST_NAME};
use anstream::println;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail, ensure};
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Channel, Faults};
use klaviyo_whatsapp_mock::{Contact, Limits, Person, WhatsApp};
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
    whatsapp: WhatsApp,
    priya: Person,
    number: String,
    sender: Sender,
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
        let mut stage = Stage::with_businesses(1, 1, Faults::none(), |_, business| {
            Ok(business.limits(Limits::off()).refuse_later())
        })
        .await?;
        stage.add_worker()?;
        let account = stage.accounts.first().context("there is no account")?.clone();
        let whatsapp: WhatsApp = (**stage.whatsapp.first().context("there is no business")?).clone();
        let sender = Sender::new(&stage, &account)?;
        let number = digits(1);
        let priya = whatsapp.person(Contact::new(&number).named("Priya Sharma"));
        let egress = Egress::endpoint(&stage.klaviyo.url())?;
        let connector = Connector::builder().egress(egress).cache(cache()).load(built(artifact())?)?;
        let tenant = Tenant::new(&connector, Secret::new(&key(&account))?);
        Ok(Self { stage, whatsapp, priya, number, sender, tenant, step: 0 })
    }

    async fn play(&mut self) -> Result<()> {
        println!("{TITLE}A person, WhatsApp and Klaviyo{TITLE:#}");
        println!();
        println!("  WhatsApp   a simulator on this machine; it sends signed webhooks to a front door");
        println!(
            "  Klaviyo    a simulator on this machine; a worker calls it, with the connector in wasmtime,"
        );
        println!("             and answers by WhatsApp");
        println!("  the list   {LIST_NAME}; an opt-out leaves it");

        self.begin("Priya sends SUBSCRIBE");
        let subscribe = self.priya.writes("SUBSCRIBE");
        self.until("she has consented to marketing by WhatsApp, and is on the list", |held| {
            held.has_consent && held.is_on_list
        })
        .await?;

        self.is_answered(&subscribe).await?;
        self.whatsapp.advance(Duration::from_secs(10));
        let all = ["WhatsApp delivered", "WhatsApp read"];
        self.until("Klaviyo knows that it was delivered and read", |held| {
            all.iter().all(|name| held.events.iter().any(|event| event == name))
        })
        .await?;

        self.begin("In the shop she orders wool socks");
        self.orders().await?;
        self.until("Klaviyo has the order", |held| held.events.iter().any(|event| event == ORDER)).await?;

        self.begin("Priya sends HELLO");
        self.priya.writes("HELLO");
        self.greets().await?;

        self.begin("Priya has enough: she sends STOP, and presses Stop in WhatsApp");
        let stop = self.priya.writes("STOP");
        self.priya.stops();
        self.until("her consent is gone, and she has left the list", |held| {
            !held.has_consent && !held.is_on_list
        })
        .await?;
        self.is_answered(&stop).await?;
        self.sender.offer(&self.number).await?;
        self.whatsapp.advance(Duration::from_secs(10));
        self.until("an offer fails in WhatsApp with 131050, and Klaviyo knows it", |held| {
            held.events.iter().any(|event| event == "WhatsApp failed")
        })
        .await?;

        self.begin("Later she sends START, and presses Resume in WhatsApp too");
        // Later than the offer that failed, which was an opt-out once more.
        self.whatsapp.advance(Duration::from_secs(60));
        let start = self.priya.writes("START");
        self.until("she has her consent and her place on the list again, and nothing more", |held| {
            held.has_consent && held.is_on_list
        })
        .await?;
        self.is_answered(&start).await?;
        self.priya.resumes();
        self.sender.offer(&self.number).await?;
        self.whatsapp.advance(Duration::from_secs(10));
        let messages = self.priya.messages().len();
        self.until("an offer is delivered, and Klaviyo knows it", |held| {
            // All messages are, but for the offer that failed.
            held.events.iter().filter(|event| *event == "WhatsApp delivered").count() + 1 == messages
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

    /// Waits for the service's answer to a message of hers, and fails if there is another one.
    async fn is_answered(&self, id: &str) -> Result<()> {
        let answers = || {
            let messages = self.priya.messages().into_iter();
            messages.filter(|message| message.context.as_deref() == Some(id)).collect::<Vec<_>>()
        };
        let is_there = block_in_place(|| self.whatsapp.wait_until(PATIENCE, |_| !answers().is_empty()));
        ensure!(is_there, "no answer within {} s", PATIENCE.as_secs());
        // Nothing waits that could be a second one.
        self.stage.drained().await?;
        match answers().as_slice() {
            [answer] => self.says(&answer.text),
            answers => bail!("she was answered {} times: {answers:?}", answers.len()),
        }
        Ok(())
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
        self.sender.write(&self.number, &text).await?;
        let last = self.priya.messages().pop().context("she has no message")?;
        ensure!(last.text == text, "she got {:?} instead", last.text);
        self.says(&last.text);
        Ok(())
    }

    async fn call(&self, function: &str, arguments: &[Value]) -> Result<Value> {
        let result = returned(self.tenant.call(function, arguments).await)?;
        result.get("ok").cloned().with_context(|| format!("{function} failed: {result}"))
    }
}
