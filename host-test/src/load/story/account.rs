//! An account with its people, and what they do.

use super::business::{ask_for_number, business, offer};
use super::model::{Said, Standing, Word, standing};
use super::wish::{Wish, contact, digits, has_username};
use crate::load::caller::client;
use crate::load::{LIST, OTHER_LIST};
use anyhow::{Context, Result};
use fastrand::Rng;
use klaviyo_mock::When;
use klaviyo_service::moment::Moment;
use klaviyo_whatsapp_mock::{Packing, Person, Server, Statuses};
use reqwest::Client;
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

/// Somebody, and what was said so far.
pub(super) struct Somebody {
    person: Person,
    pub(super) number: String,
    pub(super) user_id: String,
    /// Whether webhooks do not tell the number yet.
    hides: bool,
    /// Whether WhatsApp itself keeps offers from the person.
    has_stopped: bool,
    pub(super) said: Vec<Said>,
}

/// An account.
pub(super) struct ShopAccount {
    pub(super) name: String,
    pub(super) whatsapp: Server,
    pub(super) people: Vec<Somebody>,
    client: Client,
    /// Signed opt-ins that are told later, each with its round.
    held: Vec<(usize, Value)>,
}

impl Somebody {
    /// What the person must have in the end.
    pub(super) fn standing(&self) -> Standing {
        standing(&self.said)
    }
}

impl ShopAccount {
    /// An account with so many people. Its WhatsApp has this clock, and its webhooks go to this door.
    pub(super) fn open(name: &str, door: &str, people: usize, seed: u64, date: SystemTime) -> Result<Self> {
        let business = business(name, door)?.seed(seed).stop_the_clock_at(date).lanes(LANES).late(LATE);
        let business = business.twice(When::Percent(TWICE)).statuses(Statuses::usual().late(LATE));
        let whatsapp = Server::start(business)?;
        let somebody = |number| {
            let person = whatsapp.person(contact(number));
            let user_id = person.user_id();
            let (number, hides) = (digits(number), has_username(number));
            Somebody { person, number, user_id, hides, has_stopped: false, said: Vec::new() }
        };
        let people = (0..people).map(somebody).collect();
        let client = client()?;
        Ok(Self { name: name.to_owned(), whatsapp, people, client, held: Vec::new() })
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
                offer(&self.client, &self.whatsapp, &somebody.number).await?;
                somebody.person.fails_with(None);
                if fails || somebody.has_stopped {
                    // That is when the simulator lets a message fail.
                    somebody.said.push(Said::in_second(Word::Out, second + 1));
                }
            }
            Wish::SharesNumber if somebody.hides => {
                ask_for_number(&self.client, &self.whatsapp, &somebody.user_id).await?;
                somebody.person.shares_number()?;
                somebody.hides = false;
                somebody.said.push(Said::in_second(Word::Joins, second));
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
        let word = match wish {
            Wish::Writes(text, word) => {
                self.person.writes(text);
                word
            }
            Wish::Presses(word) => {
                self.has_stopped = word == Word::Out;
                if self.has_stopped {
                    self.person.stops()
                } else {
                    self.person.resumes()
                }
                word
            }
            Wish::FillsIn => {
                let email = format!("{}@example.com", self.number);
                let fields = [("email", json!(email)), ("consent", json!("yes"))];
                self.person.fills_in(Map::from_iter(fields.map(|(name, value)| (name.to_owned(), value))));
                Word::Joins
            }
            _ => {
                self.person.writes("When do you open?");
                return;
            }
        };
        self.said.push(Said::in_second(word, second));
    }
}
