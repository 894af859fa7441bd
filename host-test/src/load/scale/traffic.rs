//! What the accounts of a run are brought: signed opt-ins, and what people write by WhatsApp.

use super::opt_ins::{Kind, phone_number};
use crate::load::answers::Written;
use crate::load::caller::Callers;
use anyhow::{Context, Result};
use klaviyo_whatsapp_mock::{Contact, Person, WhatsApp};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Opt-ins in a request.
const REQUEST: usize = 100;
/// One request in so many is made twice.
const TWICE: usize = 20;
/// Who opts out early does it after the opt-ins of at most so many requests more.
const LATER: usize = 6;
/// How long somebody waits for the answer to an opt-in before opting out without it.
const ANSWER: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);

/// An account that opt-ins are brought to.
pub(super) struct Traffic {
    pub(super) callers: Callers,
    pub(super) account: String,
    /// None: nobody writes, and nobody opts out.
    pub(super) whatsapp: Option<WhatsApp>,
    /// How many opt-ins, opt-outs, and opt-ins of people who write were brought to any account.
    pub(super) brought: Arc<AtomicUsize>,
}

/// What an account was brought.
pub(super) struct Brought {
    pub(super) account: String,
    /// The signed opt-ins: the number of each person, and the id to ask with.
    pub(super) ids: Vec<(usize, String)>,
    pub(super) writers: Vec<Writer>,
}

/// Somebody who writes by WhatsApp.
pub(super) struct Writer {
    number: usize,
    pub(super) person: Person,
    pub(super) opt_in: Option<String>,
    pub(super) opt_out: Option<String>,
}

impl Writer {
    fn new(whatsapp: &WhatsApp, number: usize) -> Self {
        let person = whatsapp.person(Contact::new(&phone_number(number)).named("Priya Sharma"));
        Self { number, person, opt_in: None, opt_out: None }
    }

    /// What has an answer. An opt-in has none if the opt-out was done first.
    pub(super) fn written(&self) -> Vec<Written> {
        let written = |id: &Option<String>, is_opt_out, is_owed| {
            let at = i64::from(is_opt_out);
            id.clone().map(|id| Written { id, at, is_opt_out, is_owed })
        };
        let all = [written(&self.opt_in, false, self.opt_out.is_none()), written(&self.opt_out, true, true)];
        all.into_iter().flatten().collect()
    }
}

impl Traffic {
    /// Brings the opt-ins of so many people, and has some of them opt out.
    pub(super) async fn bring(self, count: usize) -> Result<Brought> {
        let Self { callers, account, whatsapp, brought } = &self;
        let both_ways = whatsapp.is_some();
        let (mut ids, mut writers) = (Vec::with_capacity(count), Vec::new());
        // The writers who are to opt out: early, each with the request after which they do; or after the opt-in is done.
        let (mut early, mut late): (Vec<(usize, usize)>, Vec<usize>) = Default::default();
        let numbers: Vec<usize> = (0..count).collect();
        for (n, numbers) in numbers.chunks(REQUEST).enumerate() {
            let kinds = || numbers.iter().map(|number| (*number, Kind::of(*number, both_ways)));
            let signed: Vec<(usize, Value)> = kinds()
                .filter(|(_, kind)| !kind.writes())
                .map(|(number, kind)| (number, kind.opt_in(account, number)))
                .collect();
            let (numbers, opt_ins): (Vec<usize>, Vec<Value>) = signed.into_iter().unzip();
            let id = format!("msg_{n}");
            let accepted = callers.bring(account, &id, &opt_ins).await?;
            if n.is_multiple_of(TWICE) {
                callers.bring(account, &id, &opt_ins).await?;
            }
            brought.fetch_add(accepted.len(), Ordering::Relaxed);
            ids.extend(numbers.into_iter().zip(accepted));
            let Some(whatsapp) = whatsapp else { continue };
            for (number, kind) in kinds().filter(|(_, kind)| kind.writes() || kind.leaves()) {
                let mut writer = Writer::new(whatsapp, number);
                if kind.writes() {
                    writer.opt_in = Some(writer.person.writes("SUBSCRIBE"));
                    brought.fetch_add(1, Ordering::Relaxed);
                }
                if kind.leaves() && fastrand::bool() {
                    early.push((n + fastrand::usize(..LATER), writers.len()));
                } else if kind.leaves() {
                    late.push(writers.len());
                }
                writers.push(writer);
            }
            for (_, place) in early.extract_if(.., |(after, _)| *after <= n) {
                self.opt_out(writers.get_mut(place));
            }
        }
        for (_, place) in early {
            self.opt_out(writers.get_mut(place));
        }
        for place in late {
            let Some(writer) = writers.get_mut(place) else { continue };
            self.is_done(writer, &ids).await?;
            self.opt_out(Some(writer));
        }
        Ok(Brought { account: self.account, ids, writers })
    }

    /// Waits until the opt-in of somebody is done.
    async fn is_done(&self, writer: &Writer, ids: &[(usize, String)]) -> Result<()> {
        if writer.opt_in.is_some() {
            // Those of killed workers never come.
            let end = Instant::now() + ANSWER;
            while writer.person.messages().is_empty() && Instant::now() < end {
                sleep(POLL).await;
            }
            return Ok(());
        }
        let place = ids.binary_search_by_key(&writer.number, |(number, _)| *number);
        let (_, id) = place.ok().and_then(|place| ids.get(place)).context("it was not brought")?;
        while self.callers.ask(&self.account, id).await?.get("state") == Some(&"waiting".into()) {
            sleep(POLL).await;
        }
        Ok(())
    }

    fn opt_out(&self, writer: Option<&mut Writer>) {
        if let Some(writer) = writer {
            writer.opt_out = Some(writer.person.writes("STOP"));
            self.brought.fetch_add(1, Ordering::Relaxed);
        }
    }
}
