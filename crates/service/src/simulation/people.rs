//! People who say what they want at doors, and repeat it until one has taken it.

use super::network::Chance;
use super::process::Process;
use super::{NOON, true_time};
use crate::account::Account;
use crate::id::OptInId;
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::queue::Lane;
use crate::secrets::MacKey;
use crate::signature;
use axum::Router;
use axum::body::{Body, to_bytes};
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use klaviyo_whatsapp_mock::Business;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

pub(super) const LIST: &str = "Y6nRLr";
pub(super) const ACCOUNTS: [&str; 3] = ["shop-1", "shop-2", "shop-3"];
/// People who say what they want to a platform, and those who write by WhatsApp.
const PEOPLE: u64 = 4;
const WRITERS: u64 = 3;
pub(super) const EVERYBODY: std::ops::Range<u64> = 0..PEOPLE + WRITERS;
pub(super) const WISHES: u64 = 20;
/// How long people say what they want.
const TALK: Duration = Duration::from_secs(20);
/// How long somebody waits for a door's answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// What a platform of an account signs with.
pub(super) fn signing_secret(account: usize) -> String {
    format!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS{account}")
}

/// What Meta signs an account's notifications with.
pub(super) fn app_secret(account: usize) -> String {
    format!("0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5{account}")
}

/// Somebody who says things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Person {
    pub(super) number: u64,
    /// Which account is theirs.
    pub(super) account: usize,
}

impl Person {
    /// Whether the person writes by WhatsApp.
    pub(super) const fn writes(self) -> bool {
        self.number >= PEOPLE
    }

    pub(super) fn email(self) -> String {
        format!("person-{}@example.com", self.number)
    }

    pub(super) fn phone_number(self) -> String {
        format!("91982000000{}", self.number)
    }

    /// A part of what the person is known by.
    pub(super) fn address(self) -> String {
        if self.writes() { self.phone_number() } else { format!("person-{}", self.number) }
    }
}

/// What one person wants.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) person: Person,
    pub(super) is_in: bool,
    pub(super) at: Moment,
    pub(super) id: String,
    /// Whether the request is repeated as it is, or signed anew.
    is_repeated_as_it_is: bool,
}

impl Wish {
    pub(super) fn account(&self) -> Account {
        ACCOUNTS[self.person.account].parse().unwrap()
    }

    pub(super) fn lane(&self) -> Lane {
        if self.is_in { Lane::OptIns } else { Lane::OptOuts }
    }

    /// The key that every door and worker makes of it.
    pub(super) fn key(&self) -> OptInKey {
        let key = if self.is_in { OptInKey::new } else { OptInKey::of_opt_out };
        key(&self.account(), &self.id)
    }

    /// All wishes of a seed, each with its time from the beginning.
    pub(super) fn all(mut chance: Chance, accounts: usize) -> Vec<(Duration, Self)> {
        let mut wishes: Vec<(Duration, Self)> = (0..WISHES)
            .map(|n| {
                let after = Duration::from_millis(chance.below(TALK.as_millis() as u64));
                // WhatsApp tells seconds.
                let after = Duration::from_secs(after.as_secs());
                let number = chance.below(EVERYBODY.end);
                let person = Person { number, account: number as usize % accounts };
                let is_in = chance.below(5) < 3;
                let at = Moment::from_unix_ms((i64::from(NOON) + after.as_secs() as i64) * 1_000);
                let id = if person.writes() { format!("wamid.wish-{n}") } else { format!("wish-{n}") };
                (after, Self { person, is_in, at, id, is_repeated_as_it_is: chance.below(2) == 0 })
            })
            .collect();
        wishes.sort_by_key(|(after, wish)| (wish.person, *after));
        // Of equal times the opt-out stands, which is tested elsewhere.
        wishes.dedup_by_key(|(after, wish)| (wish.person, *after));
        wishes
    }

    /// Says it until a door accepts it. Returns the sequence of its message, if the door has told it.
    pub(super) async fn say(&self, doors: &Doors) -> Option<u64> {
        let mut signed_at = None;
        for attempt in 0.. {
            let now = true_time().unwrap().unix_timestamp();
            let at = *signed_at.get_or_insert(now);
            let at = if self.is_repeated_as_it_is { at } else { now };
            let request = if self.person.writes() { self.notification() } else { self.request(at) };
            match doors.ask(self.person.number + attempt, request).await {
                Some((200, _)) if self.person.writes() => return None,
                Some((202, answer)) if !self.person.writes() => {
                    let id: OptInId = answer["id"].as_str().unwrap().parse().unwrap();
                    assert_eq!(id.key, self.key());
                    return id.sequence;
                }
                // A door that was killed had taken it.
                Some((409, _)) if attempt > 0 && self.is_repeated_as_it_is => return None,
                Some((503, _)) | None => sleep(Duration::from_secs(1)).await,
                Some((other, answer)) => panic!("{other}: {answer}"),
            }
        }
        None
    }

    /// The request of a platform that signs it at a time.
    fn request(&self, at: i64) -> Request<Body> {
        let (account, email) = (ACCOUNTS[self.person.account], self.person.email());
        let (path, body) = match self.is_in {
            true => (
                "/v1/opt-ins",
                json!({ "account": account, "list": LIST, "email": email, "consent": ["email"], "at": self.at }),
            ),
            false => (
                "/v1/opt-outs",
                json!({ "account": account, "email": email, "channels": ["email"], "lists": [LIST], "at": self.at }),
            ),
        };
        let body = body.to_string();
        let keys = MacKey::signing_secret(&signing_secret(self.person.account)).unwrap().into();
        Request::post(path)
            .header("webhook-id", &self.id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature::sign(&keys, &self.id, at, body.as_bytes()).unwrap())
            .body(Body::from(body))
            .unwrap()
    }

    /// The notification of a message by WhatsApp, which Meta repeats as it is.
    fn notification(&self) -> Request<Body> {
        let (number, seconds) = (self.person.phone_number(), self.at.unix_ms() / 1_000);
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": Business::NUMBER_ID },
            "contacts": [{ "wa_id": number, "profile": { "name": format!("Person {}", self.person.number) } }],
            "messages": [{
                "from": number, "id": self.id, "timestamp": seconds.to_string(), "type": "text",
                "text": { "body": if self.is_in { "SUBSCRIBE" } else { "STOP" } },
            }],
        });
        let notification = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }],
        });
        let body = notification.to_string();
        let secret = app_secret(self.person.account);
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&body);
        Request::post(format!("/v1/whatsapp/{}", ACCOUNTS[self.person.account]))
            .header("x-hub-signature-256", format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
            .body(Body::from(body))
            .unwrap()
    }
}

/// The doors that people know.
#[derive(Clone, Default)]
pub(super) struct Doors(Arc<Mutex<Vec<(Process, Router)>>>);

impl Doors {
    pub(super) fn open(&self, process: &Process, routes: Router) {
        self.0.lock().push((process.clone(), routes));
    }

    /// Asks one of those that live. None: it has not answered, or there is none.
    async fn ask(&self, nth: u64, request: Request<Body>) -> Option<(u16, Value)> {
        let (process, routes) = {
            let doors = self.0.lock();
            let live: Vec<_> = doors.iter().filter(|(process, _)| !process.is_dead()).collect();
            let (process, routes) = live.get(nth as usize % live.len().max(1))?;
            (process.clone(), routes.clone())
        };
        let answer = process.own(async move {
            let response = TowerToHyperService::new(routes).call(request).await.unwrap();
            let status = response.status().as_u16();
            let answer = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, serde_json::from_slice(&answer).unwrap_or_default())
        });
        tokio::select! {
            biased;
            answer = answer => Some(answer),
            () = process.died() => None,
            () = sleep(PATIENCE) => None,
        }
    }
}
