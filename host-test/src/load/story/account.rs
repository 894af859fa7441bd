//! An account with its people, and what they do.

use super::business::Sender;
use super::model::{Said, Standing, Word, standing};
use super::wish::{Wish, contact, digits, has_username};
use crate::load::answers::Written;
use crate::load::stage::Stage;
use crate::load::{LIST, OTHER_LIST};
use anyhow::{Context, Result, bail};
use fastrand::Rng;
use klaviyo_mock::{Faults, When};
use klaviyo_service::moment::Moment;
use klaviyo_whatsapp_mock::{Business, Limits, Message, Packing, Person, Statuses, WhatsApp};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Webhooks are late by up to this time, so that they come out of order.
const LATE: Duration = Duration::from_secs(60);
/// Webhooks at once.
const LANES: usize = 8;
/// One webhook in so many comes twice.
const TWICE: f64 = 5.0;
/// A signed opt-in is told so many rounds later, at most.
const HELD: usize = 6;
/// How often a person who is to share the number is asked for it: a reply that comes between has nothing to share.
const ASKED: usize = 20;
/// What goes wrong in WhatsApp, with one message in ten. After each of these it is known, or assumed, that the message was
/// sent, or known that it was not: no reply is lost by them.
const FAULTS: [&str; 5] = [
    "*: 2% latency 200ms",
    "*: 2% status 429 retry-after 1",
    "*: 2% reset-after",
    "*: 2% status-after 500",
    "*: 2% truncate",
];

/// Somebody, and what was said so far.
pub(super) struct Somebody {
    person: Person,
    pub(super) number: String,
    pub(super) user_id: String,
    /// The email that the person writes into forms.
    pub(super) email: String,
    /// How often the person took another number, and with it another id of WhatsApp's.
    pub(super) changes: usize,
    /// Whether webhooks do not tell the number yet.
    hides: bool,
    /// Whether WhatsApp itself keeps offers from the person.
    has_stopped: bool,
    pub(super) said: Vec<Said>,
    /// The ids of the messages with which some of it was said, each with its place there.
    written: Vec<(String, usize)>,
}

/// An account.
pub(super) struct ShopAccount {
    pub(super) name: String,
    pub(super) whatsapp: WhatsApp,
    pub(super) people: Vec<Somebody>,
    sender: Sender,
    /// Signed opt-ins that are told later, each with its round.
    held: Vec<(usize, Value)>,
}

impl Somebody {
    /// What the person must have in the end.
    pub(super) fn standing(&self) -> Standing {
        standing(&self.said)
    }

    /// What the person wrote that has an answer.
    pub(super) fn written(&self) -> Vec<Written> {
        let written = |(id, place): &(String, usize)| {
            let said = self.said.get(*place)?;
            let (at, is_opt_out) = (said.at, said.word == Word::Out);
            let is_owed = !self.said.iter().any(|other| said.can_be_overtaken_by(other));
            Some(Written { id: id.clone(), at, is_opt_out, is_owed })
        };
        self.written.iter().filter_map(written).collect()
    }

    /// What the business has sent to the person.
    pub(super) fn messages(&self) -> Vec<Message> {
        self.person.messages()
    }
}

/// The business of an account: its WhatsApp has this clock.
pub(super) fn business(business: Business, seed: u64, date: SystemTime) -> Result<Business> {
    let faults = FAULTS
        .iter()
        .try_fold(Faults::seeded(seed), |faults, rule| anyhow::Ok(faults.rule(rule.parse()?)))?;
    let business = business.limits(Limits::off()).refuse_later().faults(faults);
    let business = business.seed(seed).stop_the_clock_at(date).lanes(LANES).late(LATE);
    Ok(business.twice(When::Percent(TWICE)).statuses(Statuses::usual().late(LATE)))
}

impl ShopAccount {
    /// The account at this place of the stage, with so many people.
    pub(super) fn open(stage: &Stage, place: usize, people: usize) -> Result<Self> {
        let name = stage.accounts.get(place).context("there is no account")?.clone();
        let whatsapp: WhatsApp = (**stage.whatsapp.get(place).context("there is no business")?).clone();
        let somebody = |number| {
            let person = whatsapp.person(contact(number));
            let user_id = person.user_id();
            let (number, hides) = (digits(number), has_username(number));
            let (said, written, email) = (Vec::new(), Vec::new(), format!("{number}@example.com"));
            Somebody { person, number, user_id, email, changes: 0, hides, has_stopped: false, said, written }
        };
        let people = (0..people).map(somebody).collect();
        let sender = Sender::new(stage, &name)?;
        Ok(Self { name, whatsapp, people, sender, held: Vec::new() })
    }

    /// Time goes on, and so many people do something. Returns the signed opt-ins that are told in this round.
    pub(super) async fn round(
        &mut self,
        round: usize,
        wishes: usize,
        random: &mut Rng,
        mut count: impl FnMut(Wish),
    ) -> Result<Vec<Value>> {
        self.whatsapp.advance(Duration::from_secs(random.u64(0..10)));
        let mut drawn: Vec<(usize, Wish)> =
            (0..wishes).map(|_| (random.usize(..self.people.len()), Wish::drawn(random))).collect();
        drawn.iter().for_each(|(_, wish)| count(*wish));
        // Some of those who write share a webhook.
        if random.u8(..4) == 0 {
            let packings = [Packing::Values, Packing::Changes, Packing::Entries];
            let packing = random.choice(packings).unwrap_or(Packing::Values);
            let (written, others): (Vec<_>, Vec<_>) =
                drawn.into_iter().partition(|(_, wish)| matches!(wish, Wish::Writes(..) | Wish::Presses(_)));
            let second = self.second()?;
            let (whatsapp, people) = (&self.whatsapp, &mut self.people);
            whatsapp.together(packing, || {
                for (place, wish) in written {
                    if let Some(somebody) = people.get_mut(place) {
                        somebody.acts(wish, second);
                    }
                }
            });
            drawn = others;
        }
        for (place, wish) in drawn {
            let told_in = round + random.usize(..=HELD);
            self.wish(place, wish, told_in).await?;
        }
        Ok(self.held.extract_if(.., |(due, _)| *due <= round).map(|(_, opt_in)| opt_in).collect())
    }

    async fn wish(&mut self, place: usize, wish: Wish, told_in: usize) -> Result<()> {
        let second = self.second()?;
        let somebody = self.people.get_mut(place).context("there is nobody")?;
        match wish {
            Wish::IsOptedIn(_) if somebody.hides => {}
            Wish::IsOptedIn(word) => {
                let said = Said::in_second(word, second);
                somebody.said.push(said);
                let (list, consent): (_, &[&str]) = if word == Word::Reads {
                    (OTHER_LIST, &["whatsapp", "sms"])
                } else {
                    (LIST, &["whatsapp"])
                };
                let opt_in = json!({ "account": self.name, "list": list, "consent": consent,
                    "phone_number": format!("+{}", somebody.number),
                    "at": Moment::from_unix_ms(said.at).to_string() });
                self.held.push((told_in, opt_in));
            }
            Wish::IsWrittenTo | Wish::IsBeyondReach => {
                let fails = wish == Wish::IsBeyondReach;
                somebody.person.fails_with(fails.then_some(131_050));
                self.sender.offer(&somebody.number).await?;
                somebody.person.fails_with(None);
                if fails || somebody.has_stopped {
                    // That is when the simulator lets a message fail.
                    somebody.said.push(Said::in_second(Word::Out, second + 1));
                }
            }
            Wish::ChangesNumber if somebody.hides => {
                // Nobody else has it.
                somebody.changes += 1;
                somebody.number = format!("917{}{:08}", somebody.changes, place);
                somebody.person.changes_number(&somebody.number);
                somebody.user_id = somebody.person.user_id();
            }
            Wish::SharesNumber if somebody.hides => {
                somebody.shares_number(&self.sender, second).await?;
            }
            _ => somebody.acts(wish, second),
        }
        Ok(())
    }

    /// The present second of WhatsApp.
    fn second(&self) -> Result<i64> {
        Ok(i64::try_from(self.whatsapp.date().duration_since(UNIX_EPOCH)?.as_secs())?)
    }

    /// Tells the signed opt-ins that were held back.
    pub(super) fn rest(&mut self) -> Vec<Value> {
        self.held.drain(..).map(|(_, opt_in)| opt_in).collect()
    }
}

impl Somebody {
    /// Does what webhooks tell.
    fn acts(&mut self, wish: Wish, second: i64) {
        match wish {
            Wish::Writes(text, word) => {
                let id = self.person.writes(text);
                self.wrote(id, if word == Word::Consents { self.opts_in() } else { word }, second);
            }
            Wish::Presses(word) => {
                self.has_stopped = word == Word::Out;
                if self.has_stopped {
                    self.person.stops()
                } else {
                    self.person.resumes()
                }
                self.said.push(Said::in_second(word, second));
            }
            Wish::FillsIn => {
                let fields = [("email", json!(self.email)), ("consent", json!("yes"))];
                let fields = Map::from_iter(fields.map(|(name, value)| (name.to_owned(), value)));
                let id = self.person.fills_in(fields);
                self.wrote(id, self.opts_in(), second);
            }
            _ => drop(self.person.writes("When do you open?")),
        }
    }

    /// Answers the question for the number, the service's or the business's own.
    async fn shares_number(&mut self, sender: &Sender, second: i64) -> Result<()> {
        for _ in 0..ASKED {
            if let Ok(id) = self.person.shares_number() {
                self.hides = false;
                self.wrote(id, Word::Consents, second);
                return Ok(());
            }
            sender.ask_for_number(&self.user_id).await?;
        }
        bail!("{} was asked {ASKED} times, and a reply came between each time", self.user_id)
    }

    /// What an opt-in by WhatsApp means: consent needs a number.
    const fn opts_in(&self) -> Word {
        if self.hides { Word::Joins } else { Word::Consents }
    }

    fn wrote(&mut self, id: String, word: Word, second: i64) {
        self.written.push((id, self.said.len()));
        self.said.push(Said::in_second(word, second));
    }
}
