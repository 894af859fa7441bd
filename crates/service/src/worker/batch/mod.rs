//! What was taken from an account's queue, brought to Klaviyo and settled.
//!
//! The rule: what fails in company is tried in smaller company, and at last alone. So an opt-in ends as it would have
//! ended by itself, however many were waiting beside it.

mod import;
mod opt_outs;
mod withdrawn;

use super::pause;
use super::plan::{self, Plan};
use super::settle::{Settled, Settler};
use crate::opt_in::{InvalidField, OptIn, OptInKey, QueueEntry};
use crate::opt_in_flow::{self, Failure, Granted};
use crate::opt_out::OptOut;
use crate::outcome::{Outcome, Reason, Receipt};
use crate::queue::{DeadLetterBody, Delivery, QueueError, Record};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use klaviyo_host::types::{Code, Creation, Identifier, Profile};
use klaviyo_host::{Answer, Cause, Disposition, Error, Tenant};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::warn;

/// How many questions to JetStream are on their way at once.
pub(in crate::worker) const AT_ONCE: usize = 256;
/// How many profiles are looked up, and added to the list, in one call.
const CHUNK: usize = 1_000;

/// The work on one batch of one account.
pub(in crate::worker) struct Batch<'a> {
    pub(in crate::worker) settler: Settler<'a>,
    pub(in crate::worker) tenant: &'a Tenant,
    /// How often an opt-in is tried.
    pub(in crate::worker) attempts: NonZeroU32,
    /// The sequences of those that are tried together at the moment.
    pub(in crate::worker) attempted: Vec<u64>,
}

/// Why the account's opt-ins cannot be gone on with. What is not settled then is still in_flight.
#[derive(Debug)]
pub(in crate::worker) enum Stop {
    /// Klaviyo is away, or asks for time.
    Wait(Option<Duration>, Reason),
    /// Another key, or another setting, is needed.
    Account(Reason),
    /// The queue is away.
    Queue(QueueError),
}

impl From<QueueError> for Stop {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

/// An opt-in, or an opt-out, that was taken and has no outcome yet.
pub(in crate::worker) struct Item<T = OptIn> {
    /// The sequence of its message in the stream.
    pub(in crate::worker) sequence: u64,
    key: OptInKey,
    pub(in crate::worker) asked: T,
    /// The revision of its entry among the outcomes; 0: there is none.
    revision: u64,
    /// Where it was in the stream, each time that a front door accepted it.
    sequences: Vec<u64>,
    /// How often it is tried, this time included.
    attempts: u32,
    /// How often it was given out.
    deliveries: u32,
}

impl Item {
    /// Whether it says one identifier, and nothing else.
    fn is_bare(&self) -> bool {
        let OptIn { email, phone_number, external_id, first_name, last_name, properties, .. } = &self.asked;
        let identifiers = [email, phone_number, external_id].into_iter().flatten().count();
        identifiers == 1 && first_name.is_none() && last_name.is_none() && properties.is_none()
    }
}

/// What can be asked for by a message.
pub(in crate::worker) trait Asked {
    /// As it waits in the queue.
    fn to_json(&self) -> Bytes;
}

impl Asked for OptIn {
    fn to_json(&self) -> Bytes {
        self.to_json()
    }
}

impl Asked for OptOut {
    fn to_json(&self) -> Bytes {
        self.to_json()
    }
}

/// What a message of the account's is.
enum Known {
    OptIn(Box<OptIn>),
    OptOut(OptOut),
    Unfit(InvalidField),
    Newer,
}

/// What is to be done with what was taken.
enum Pending {
    OptIn(Box<Item>),
    OptOut(Item<OptOut>),
}

impl Pending {
    fn key(&self) -> &OptInKey {
        match self {
            Self::OptIn(item) => &item.key,
            Self::OptOut(item) => &item.key,
        }
    }

    fn sequence_and_attempts(&self) -> (u64, u32) {
        match self {
            Self::OptIn(item) => (item.sequence, item.attempts),
            Self::OptOut(item) => (item.sequence, item.attempts),
        }
    }
}

impl<T> Item<T> {
    /// Where in the stream it was accepted first. A dead letter that was put back is at another sequence.
    pub(in crate::worker) fn since(&self) -> u64 {
        self.sequences.iter().copied().min().unwrap_or(self.sequence)
    }
}

impl<T: Asked> Item<T> {
    fn settled(self, outcome: Outcome) -> Settled {
        let Self { sequence, key, asked, revision, sequences, attempts, deliveries: _ } = self;
        let dead_letter = match &outcome {
            Outcome::Dead(reason) => {
                Some(dead(as_it_came(&asked.to_json()), reason.clone(), attempts, sequences.clone()))
            }
            Outcome::Done(_) | Outcome::OptedOut(_) | Outcome::Waiting | Outcome::Dropped => None,
        };
        Settled { sequence, key, record: Record { outcome, sequences, revision }, dead_letter }
    }
}

/// An opt-in, or an opt-out, and what came of it.
pub(in crate::worker) type Ended<T = OptIn, D = Receipt> = (Item<T>, Result<D, Failure>);

impl Batch<'_> {
    /// Works on what was taken. What is not settled when it returns, or is dropped, is still in_flight.
    pub(in crate::worker) async fn work(mut self, taken: Vec<(Arc<Delivery>, u32)>) -> Result<(), Stop> {
        let result = self.groups(taken).await;
        if let Err(Stop::Wait(..)) = &result {
            self.settler.in_flight.failed(&self.attempted);
        }
        result
    }

    async fn groups(&mut self, taken: Vec<(Arc<Delivery>, u32)>) -> Result<(), Stop> {
        let mut groups: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        let (opt_ins, opt_outs) = self.parse_and_dedupe(taken).await?;
        // First: nobody who has stopped marketing gets any while others are brought to Klaviyo. Consent that was given
        // before is not given any more then.
        if !opt_outs.is_empty() {
            self.leave(opt_outs).await?;
        }
        for item in self.without_withdrawn(opt_ins).await? {
            groups.entry(item.asked.list.clone()).or_default().push(item);
        }
        for (list, items) in groups {
            self.group(&list, items).await?;
        }
        Ok(())
    }

    /// The opt-ins and the opt-outs that are to be done: not those that have an outcome already.
    async fn parse_and_dedupe(
        &self,
        taken: Vec<(Arc<Delivery>, u32)>,
    ) -> Result<(Vec<Item>, Vec<Item<OptOut>>), Stop> {
        let tasks = stream::iter(taken);
        let tasks = tasks.map(|(taken, attempts)| self.pending(taken, attempts)).buffered(AT_ONCE);
        let tasks: Vec<Pending> = tasks.try_filter_map(async |task| Ok(task)).try_collect().await?;
        let (mut seen, mut opt_ins, mut opt_outs) = (HashSet::new(), Vec::new(), Vec::new());
        for task in tasks {
            if !seen.insert(task.key().clone()) {
                // The other one is settled by then.
                let (sequence, attempts) = task.sequence_and_attempts();
                self.settler.in_flight.nak(sequence, pause(attempts)).await;
                continue;
            }
            match task {
                Pending::OptIn(item) => opt_ins.push(*item),
                Pending::OptOut(item) => opt_outs.push(item),
            }
        }
        Ok((opt_ins, opt_outs))
    }

    async fn pending(&self, taken: Arc<Delivery>, attempts: u32) -> Result<Option<Pending>, Stop> {
        let Settler { queue, account, in_flight, .. } = self.settler;
        let sequence = taken.sequence();
        let (key, entry) = match taken.read() {
            QueueEntry::OptIn(key, opt_in) => (key, Known::OptIn(opt_in)),
            QueueEntry::OptOut(key, opt_out) => (key, Known::OptOut(opt_out)),
            QueueEntry::Invalid(key, unfit) => (key, Known::Unfit(unfit)),
            QueueEntry::Newer(key) => (key, Known::Newer),
            QueueEntry::Foreign => {
                // Longer than a caller's own id may be.
                let key = OptInKey::new(account, &format!("message {sequence:0>200}"));
                let message = "the message is not an opt-in that a front door has written; find out who writes to \
                               the queue";
                let reason = Reason::new(Code::InvalidInput, message);
                let dead_letter = dead(as_it_came(taken.payload()), reason, attempts, vec![sequence]);
                self.settler.write_dead_letter(sequence, &key, &dead_letter).await?;
                return Ok(None);
            }
        };
        let settled = match queue.find_record(&key).await {
            // Who wrote it knows more than this version. The others do not wait for that.
            Err(error @ QueueError::Unreadable(_)) => {
                warn!(%account, %error, "an opt-in is left for later");
                in_flight.nak(sequence, pause(attempts)).await;
                return Ok(None);
            }
            settled => settled?,
        };
        let (revision, sequences) = match settled {
            None => (0, vec![sequence]),
            Some(record @ Record { outcome: Outcome::Waiting, .. }) => {
                // A letter that was put back is at a sequence that no front door has told.
                let record = if taken.is_accepted_as(&key) { record.accepted_at(sequence) } else { record };
                (record.revision, record.sequences)
            }
            Some(record) => {
                // Without this it is settled all the same, and only cannot be asked for by this id.
                if let Ok(false) = queue.add_sequence(&key, &record, sequence).await {
                    in_flight.nak(sequence, Duration::ZERO).await;
                    return Ok(None);
                }
                match record {
                    // Who wrote this may have been stopped before it wrote the dead_letter. A worker may not read letters;
                    // to write it again changes nothing.
                    Record { outcome: Outcome::Dead(reason), sequences, .. } => {
                        let dead_letter = dead(as_it_came(taken.payload()), reason, attempts, sequences);
                        self.settler.write_dead_letter(sequence, &key, &dead_letter).await?;
                    }
                    Record { .. } => in_flight.ack(sequence).await?,
                }
                return Ok(None);
            }
        };
        let deliveries = taken.deliveries();
        let reason = match entry {
            Known::OptIn(opt_in) => {
                let item = Item { sequence, key, asked: *opt_in, revision, sequences, attempts, deliveries };
                return Ok(Some(Pending::OptIn(Box::new(item))));
            }
            Known::OptOut(asked) => {
                let item = Item { sequence, key, asked, revision, sequences, attempts, deliveries };
                return Ok(Some(Pending::OptOut(item)));
            }
            Known::Unfit(unfit) => Reason::new(Code::InvalidInput, unfit.to_string()),
            Known::Newer if attempts < self.attempts.get() => {
                in_flight.failed(&[sequence]);
                warn!(%account, %key, "an opt-in says what this version does not know; update this worker");
                in_flight.nak(sequence, pause(attempts)).await;
                return Ok(None);
            }
            Known::Newer => {
                let message = "the opt-in says what this version of the worker does not know; update the workers to \
                               the version of the front doors, then retry it";
                Reason::new(Code::InvalidInput, message)
            }
        };
        let dead_letter = dead(as_it_came(taken.payload()), reason.clone(), attempts, sequences.clone());
        let record = Record { outcome: Outcome::Dead(reason), sequences, revision };
        self.settler.settle(vec![Settled { sequence, key, record, dead_letter: Some(dead_letter) }]).await?;
        Ok(None)
    }

    /// The opt-ins to one list.
    async fn group(&mut self, list: &str, items: Vec<Item>) -> Result<(), Stop> {
        self.attempted = items.iter().map(|item| item.sequence).collect();
        let list = match opt_in_flow::list_id(self.tenant, list).await {
            Ok(list) => list,
            Err(failure) => {
                // A list that does not exist is the opt-ins' own fault; all else can be the account's.
                let failed = items.into_iter().map(|item| (item, Err(failure.clone())));
                return self.end::<_, Receipt>(failed.collect()).await;
            }
        };
        let mut batches: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
        for item in items {
            // Who was given out often and never ended may be what ends workers.
            batches.entry(plan::batch_limit(item.attempts.max(item.deliveries))).or_default().push(item);
        }
        for (most, items) in batches.into_iter().rev() {
            for company in chunks(items, most) {
                self.attempted = company.iter().map(|item| item.sequence).collect();
                self.process_batch(company, &list).await?;
            }
        }
        Ok(())
    }

    /// The opt-ins to one list that are brought to Klaviyo together.
    async fn process_batch(&mut self, items: Vec<Item>, list: &str) -> Result<(), Stop> {
        let (bare, mut others): (Vec<Item>, Vec<Item>) = items.into_iter().partition(Item::is_bare);
        match Plan::of_identifiers(bare.len()) {
            Plan::Import => {
                self.settler.status.planned(Plan::Import);
                let left = self.import(bare, list, None).await?;
                self.looked_up(left, list, false).await?;
            }
            Plan::OneByOne | Plan::LookedUp => others.extend(bare),
        }
        match Plan::of_contacts(others.len()) {
            _ if others.is_empty() => {}
            Plan::OneByOne => {
                self.settler.status.planned(Plan::OneByOne);
                self.one_by_one(others, list).await?;
            }
            Plan::LookedUp | Plan::Import => {
                self.settler.status.planned(Plan::LookedUp);
                self.looked_up(others, list, true).await?;
            }
        }
        Ok(())
    }

    async fn one_by_one(&mut self, items: Vec<Item>, list: &str) -> Result<(), Stop> {
        for item in items {
            let result = opt_in_flow::opt_in_to_list(self.tenant, &item.asked, list)
                .await
                .map_err(unless_list_is_gone);
            self.end(vec![(item, result)]).await?;
        }
        Ok(())
    }

    /// Looks the contacts up, creates or imports those who do not exist, and adds those who do to the list.
    pub(in crate::worker) async fn looked_up(
        &mut self,
        items: Vec<Item>,
        list: &str,
        may_import: bool,
    ) -> Result<(), Stop> {
        let (mut found, mut absent) = (Vec::new(), Vec::new());
        let mut chunks = chunks(items, CHUNK);
        while let Some(mut chunk) = chunks.pop() {
            let identifiers: Vec<Identifier> =
                chunk.iter().filter_map(|item| item.asked.identifier()).collect();
            match self.tenant.lookup_many(&identifiers).await {
                Ok(profiles) => {
                    for (item, profile) in chunk.into_iter().zip(profiles.value) {
                        match profile {
                            Some(profile) => {
                                let receipt = found_as(&item.asked, profile, list);
                                found.push((item, receipt));
                            }
                            None => absent.push(item),
                        }
                    }
                }
                Err(error) => match unfit(&error).filter(|position| *position < chunk.len()) {
                    Some(position) => {
                        let item = chunk.swap_remove(position);
                        chunks.push(chunk);
                        // Alone, it is told by the name of its own field.
                        self.one_by_one(vec![item], list).await?;
                    }
                    None => match split(&Failure::from(&error), chunk)? {
                        Split::Halves(halves) => chunks.extend(halves),
                        Split::One(item) => self.one_by_one(vec![item], list).await?,
                    },
                },
            }
        }
        self.add(found, list).await?;
        self.create(absent, list, may_import).await
    }

    /// Contacts that do not exist: they are created and added to the list, or imported into it.
    async fn create(&mut self, absent: Vec<Item>, list: &str, may_import: bool) -> Result<(), Stop> {
        // Somebody who opted in twice is created once; the second time they exist.
        let mut seen = HashSet::new();
        let (absent, twice): (Vec<Item>, Vec<Item>) =
            absent.into_iter().partition(|item| seen.insert(sameness(&item.asked)));
        if may_import && plan::is_import(absent.len()) {
            let left = self.import(absent, list, Some(true)).await?;
            Box::pin(self.looked_up(left, list, false)).await?;
        } else {
            let mut members = Vec::new();
            for item in absent {
                match self.tenant.create(&item.asked.contact()).await {
                    Ok(Answer { value: Creation::Created(profile), .. }) => {
                        let receipt = created_as(&item.asked, profile, list);
                        members.push((item, receipt));
                    }
                    // The three steps say whose it is.
                    Ok(Answer { value: Creation::Existing(_), .. }) => {
                        self.one_by_one(vec![item], list).await?
                    }
                    Err(error) => {
                        self.end::<_, Receipt>(vec![(item, Err(Failure::from(&error)))]).await?;
                    }
                }
            }
            self.add(members, list).await?;
        }
        if twice.is_empty() { Ok(()) } else { Box::pin(self.looked_up(twice, list, may_import)).await }
    }

    /// Adds profiles to the list, gives the consent that goes with it, and settles them.
    async fn add(&mut self, members: Vec<(Item, Receipt)>, list: &str) -> Result<(), Stop> {
        let mut chunks = chunks(members, CHUNK);
        while let Some(chunk) = chunks.pop() {
            let ids: Vec<String> =
                chunk.iter().filter_map(|(_, receipt)| receipt.profile_id.clone()).collect();
            match self.tenant.subscribe(list, &ids).await {
                Ok(_) => self.consent(chunk, list).await?,
                Err(error) => match split(&Failure::from(&error), chunk)? {
                    Split::Halves(halves) => chunks.extend(halves),
                    Split::One((item, _)) => self.one_by_one(vec![item], list).await?,
                },
            }
        }
        Ok(())
    }

    /// Members of the list get the consent that they gave, and are settled.
    pub(in crate::worker) async fn consent(
        &mut self,
        members: Vec<(Item, Receipt)>,
        list: &str,
    ) -> Result<(), Stop> {
        let (consenting, done): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(item, _)| !item.asked.consent.is_empty());
        self.end(done.into_iter().map(|(item, receipt)| (item, Ok(receipt))).collect()).await?;
        let mut sources: BTreeMap<Option<String>, Vec<(Item, Receipt)>> = BTreeMap::new();
        for member in consenting {
            sources.entry(member.0.asked.consent_source.clone()).or_default().push(member);
        }
        let mut chunks: Vec<_> = sources.into_values().flat_map(|members| chunks(members, CHUNK)).collect();
        while let Some(chunk) = chunks.pop() {
            let opt_ins: Vec<&OptIn> = chunk.iter().map(|(item, _)| &item.asked).collect();
            match opt_in_flow::grant(self.tenant, &opt_ins, list).await {
                Ok(granted) => self.end(consented(chunk, granted)).await?,
                Err(failure) => match split(&failure, chunk)? {
                    Split::Halves(halves) => chunks.extend(halves),
                    Split::One((item, _)) => self.end::<_, Receipt>(vec![(item, Err(failure))]).await?,
                },
            }
        }
        Ok(())
    }

    /// Settles opt-ins: writes the outcomes, then takes the messages off the queue. What is to be tried again is given back.
    pub(in crate::worker) async fn end<T: Asked, D: Into<Outcome>>(
        &self,
        ended: Vec<Ended<T, D>>,
    ) -> Result<(), Stop> {
        let (mut settled, mut again, mut stop) = (Vec::new(), Vec::new(), Ok(()));
        for (item, result) in ended {
            let is_last = item.attempts >= self.attempts.get();
            let Failure { reason, disposition, retry_after } = match result {
                Ok(done) => {
                    settled.push(item.settled(done.into()));
                    continue;
                }
                Err(failure) => failure,
            };
            match disposition {
                Disposition::GiveUp => settled.push(item.settled(Outcome::Dead(reason))),
                Disposition::Retry if is_last => settled.push(item.settled(Outcome::Dead(reason))),
                Disposition::Retry => again.push(item),
                Disposition::RetryLater => {
                    stop = Err(Stop::Wait(retry_after, reason.clone()));
                    if is_last {
                        settled.push(item.settled(Outcome::Dead(reason)));
                    }
                }
                Disposition::StopAccount => stop = Err(Stop::Account(reason)),
            }
        }
        self.settler.settle(settled).await?;
        self.settler.in_flight.failed(&again.iter().map(|item| item.sequence).collect::<Vec<u64>>());
        let again = stream::iter(again);
        let back =
            async |item: Item<T>| self.settler.in_flight.nak(item.sequence, pause(item.attempts)).await;
        again.for_each_concurrent(AT_ONCE, back).await;
        stop
    }
}

/// So many at once.
pub(in crate::worker) fn chunks<T>(mut all: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    while !all.is_empty() {
        let rest = all.split_off(all.len().min(most));
        chunks.push(std::mem::replace(&mut all, rest));
    }
    chunks
}

/// What failed together, in smaller company.
pub(in crate::worker) enum Split<T> {
    Halves([Vec<T>; 2]),
    One(T),
}

pub(in crate::worker) fn split<T>(failure: &Failure, mut failed: Vec<T>) -> Result<Split<T>, Stop> {
    if let Some(stop) = stop(failure) {
        return Err(stop);
    }
    let half = failed.split_off(failed.len() / 2);
    match (failed.is_empty(), <[T; 1]>::try_from(half)) {
        (true, Ok([one])) => Ok(Split::One(one)),
        (_, Ok([one])) => Ok(Split::Halves([failed, vec![one]])),
        (_, Err(half)) => Ok(Split::Halves([failed, half])),
    }
}

/// What came of a grant, for each.
fn consented(members: Vec<(Item, Receipt)>, granted: Granted) -> Vec<Ended> {
    let refused: HashMap<usize, Reason> = granted.refused.into_iter().collect();
    let ended = members.into_iter().enumerate().map(|(n, (item, mut receipt))| match refused.get(&n) {
        Some(reason) => (item, Err(Failure::final_for(reason.clone()))),
        None => {
            receipt.warnings.extend(granted.warnings.iter().cloned());
            (item, Ok(receipt))
        }
    });
    ended.collect()
}

/// The list was there a moment ago, and the tenant has forgotten it with this failure: another list may have its name
/// the next time.
fn unless_list_is_gone(failure: Failure) -> Failure {
    if failure.reason.code == Code::NotFound.as_str() {
        return failure.overridden(Disposition::Retry);
    }
    failure
}

/// Whether a failure stops the whole account.
pub(in crate::worker) fn stop(failure: &Failure) -> Option<Stop> {
    match failure.disposition {
        Disposition::RetryLater => Some(Stop::Wait(failure.retry_after, failure.reason.clone())),
        Disposition::StopAccount => Some(Stop::Account(failure.reason.clone())),
        Disposition::Retry | Disposition::GiveUp => None,
    }
}

/// The identifier that cannot be one, where a call names it: `identifiers/17/email`.
fn unfit(error: &Error) -> Option<usize> {
    let Cause::Connector(error) = &error.cause else { return None };
    let pointer = error.details.first().filter(|_| error.code == Code::InvalidInput)?.pointer.as_deref()?;
    pointer.strip_prefix("identifiers/")?.split('/').next()?.parse().ok()
}

/// What makes two opt-ins the same person's: the value that they are looked up by. Klaviyo does not tell the case of
/// an email.
fn sameness(opt_in: &OptIn) -> Option<(u8, String)> {
    Some(match opt_in.identifier()? {
        Identifier::Email(email) => (0, email.to_ascii_lowercase()),
        Identifier::PhoneNumber(number) => (1, number),
        Identifier::ExternalId(id) => (2, id),
        Identifier::Id(id) => (3, id),
    })
}

/// The receipt for a profile that exists: it is not changed, and a warning names what it has otherwise, as
/// `contacts.opt-in` does.
fn found_as(opt_in: &OptIn, profile: Profile, list: &str) -> Receipt {
    let properties = |text: &str| serde_json::from_str::<Value>(text).ok();
    let by_email = opt_in.email.is_some();
    let by_number = !by_email && opt_in.phone_number.is_some();
    let differs = |given: &Option<String>, own: &Option<String>| given.is_some() && given != own;
    let differs = [
        ("phone_number", by_email && differs(&opt_in.phone_number, &profile.phone_number)),
        ("external_id", (by_email || by_number) && differs(&opt_in.external_id, &profile.external_id)),
        ("first_name", differs(&opt_in.first_name, &profile.first_name)),
        ("last_name", differs(&opt_in.last_name, &profile.last_name)),
        (
            "properties",
            opt_in
                .properties
                .as_ref()
                .is_some_and(|given| properties(given.get()) != properties(&profile.properties)),
        ),
    ];
    let differing: Vec<&str> =
        differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    let mut receipt = Receipt { created: Some(false), ..receipt(opt_in, profile, list) };
    if !differing.is_empty() {
        receipt.warnings.push(format!(
            "{}: the profile exists and has this otherwise; it was not changed",
            differing.join(", ")
        ));
    }
    receipt
}

fn created_as(opt_in: &OptIn, profile: Profile, list: &str) -> Receipt {
    Receipt { created: Some(true), ..receipt(opt_in, profile, list) }
}

fn receipt(opt_in: &OptIn, profile: Profile, list: &str) -> Receipt {
    Receipt {
        profile_id: Some(profile.id),
        profile_name: profile.first_name.or_else(|| opt_in.first_name.clone()),
        list_id: list.to_owned(),
        created: None,
        warnings: opt_in_flow::warnings(opt_in, profile.warnings),
    }
}

fn dead(opt_in: Box<RawValue>, error: Reason, attempts: u32, sequences: Vec<u64>) -> DeadLetterBody {
    // A time of this age can be written.
    let since = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    DeadLetterBody { opt_in, error, attempts, since, sequences }
}

/// A message for its dead dead_letter: as it came where that is JSON, else, and where it is longer than an opt-in can be, the
/// base64 of how it begins. So a letter is never too long to be written.
fn as_it_came(message: &[u8]) -> Box<RawValue> {
    const LONGEST: usize = 128 << 10;
    let json = if message.len() <= LONGEST { serde_json::from_slice(message).ok() } else { None };
    let begins = message.get(..message.len().min(LONGEST)).unwrap_or_default();
    json.or_else(|| to_raw_value(&STANDARD.encode(begins)).ok()).unwrap_or_else(|| RawValue::NULL.to_owned())
}
