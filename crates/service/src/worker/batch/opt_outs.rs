//! The opt-outs of a batch, and opt-ins that came too late for one.

use super::attempt::{AT_ONCE, Batch, Split, Stop, chunks, split};
use super::item::{Ended, Item};
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::opt_in_flow::{self, Failure};
use crate::opt_out::OptOut;
use crate::opt_out_flow::{self, Taken};
use crate::outcome::{OptOutReceipt, Reason};
use crate::queue::{Lane, QueueError, Standing, Thing};
use crate::worker::in_flight::pause;
use futures_util::{StreamExt, TryStreamExt, stream};
use klaviyo_host::Disposition;
use klaviyo_host::types::{Code, Identifier};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tracing::warn;

/// How many people leave in one call.
const CHUNK: usize = 500;
/// How much later an opt-out is done once more if this service has lately given what it takes. An assumption: Klaviyo tells
/// neither when its jobs about consent are done nor how long they may take.
const AGAIN: Duration = Duration::from_secs(10);

/// Somebody who leaves, with what is to be taken.
struct Leaving<T> {
    item: Item<T>,
    identifiers: Vec<Identifier>,
    standing: Standing,
    /// What an attempt of an opt-out settles when it is done. An opt-in that came too late settles nothing.
    tried: BTreeSet<Thing>,
    warnings: Vec<String>,
}

impl Batch<'_> {
    /// Takes from people what they opt out of, and settles their opt-outs.
    pub(super) async fn opt_out(&mut self, items: Vec<Item<OptOut>>) -> Result<(), Stop> {
        if items.is_empty() {
            return Ok(());
        }
        self.attempted = items.iter().map(|item| item.sequence).collect();
        let lists = match self.lists_of(&items).await {
            Ok(lists) => lists,
            Err(failure) => {
                let ended = items.into_iter().map(|item| (item, Err(failure.clone())));
                return self.end::<_, OptOutReceipt>(ended.collect()).await;
            }
        };
        let noted = stream::iter(items).map(|item| self.note_opt_out(item, &lists));
        let noted: Vec<Option<Leaving<OptOut>>> = noted.buffered(AT_ONCE).try_collect().await?;
        // From here on no call begins that gives what they have left.
        self.gate.opted_out();
        self.take(noted.into_iter().flatten().collect()).await
    }

    /// The ids of the lists that these opt-outs name; none for a list that the account does not have.
    async fn lists_of(&self, items: &[Item<OptOut>]) -> Result<BTreeMap<String, Option<String>>, Failure> {
        let mut ids = BTreeMap::new();
        for list in items.iter().flat_map(|item| &item.request.lists) {
            if ids.contains_key(list) {
                continue;
            }
            let id = match opt_in_flow::find_list(self.tenant, list).await {
                Ok(list) => Some(list.id),
                // The consent is taken all the same.
                Err(failure) if failure.reason.code == Code::NotFound.as_str() => {
                    warn!(account = %self.settler.account, list, "an opt-out names a list that the account does not have");
                    None
                }
                // So it is for a key that lacks the scope for lists.
                Err(failure) if failure.reason.code == Code::Forbidden.as_str() => {
                    return Err(Failure { disposition: Disposition::Retry, ..failure });
                }
                Err(failure) => return Err(failure),
            };
            ids.insert(list.clone(), id);
        }
        Ok(ids)
    }

    /// Notes an opt-out as a word of its person. None: that cannot be done now, and the opt-out is back in the
    /// queue.
    async fn note_opt_out(
        &self,
        item: Item<OptOut>,
        lists: &BTreeMap<String, Option<String>>,
    ) -> Result<Option<Leaving<OptOut>>, Stop> {
        if item.request.is_again && item.deliveries == 1 {
            self.settler.in_flight.nak(item.sequence, AGAIN).await;
            return Ok(None);
        }
        let (opt_out, mut warnings) = (&item.request, item.request.warnings.clone());
        let mut things: Vec<Thing> = opt_out.opt_out.iter().copied().map(Thing::Channel).collect();
        for list in &opt_out.lists {
            match lists.get(list).and_then(Option::as_ref) {
                Some(id) => things.push(Thing::List(id.clone())),
                None => warnings.push(format!("lists: the account has no list {list:?}")),
            }
        }
        let (at, now) = (opt_out.at.unwrap_or(item.accepted), Moment::now());
        let noted = async {
            let identifiers = self.all_ids(opt_out.identifiers()).await?;
            let queue = self.settler.queue;
            let change = queue
                .change_person(self.settler.account, &identifiers, |person| person.opt_out(&things, at, now));
            Ok((change.await?, identifiers))
        };
        match noted.await {
            Ok((standing, identifiers)) => {
                if standing.things.len() < things.len() {
                    warnings.push("the person has opted in or resumed since, which stands".to_owned());
                }
                if !standing.remembered.is_empty() {
                    self.put_again(&item).await;
                }
                let tried = standing.things.clone();
                Ok(Some(Leaving { item, identifiers, standing, tried, warnings }))
            }
            Err(error @ QueueError::Unreadable(_)) => {
                warn!(account = %self.settler.account, %error, "an opt-out is left for later");
                self.settler.in_flight.nak(item.sequence, pause(item.attempts)).await;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts an opt-out into its lane once more, before it is done: a worker that is killed meanwhile leaves both there.
    /// A lane without room must not keep opt-outs from being done, which makes room.
    async fn put_again(&self, item: &Item<OptOut>) {
        let Some(mut again) = item.request.again() else { return };
        again.at.get_or_insert(item.accepted);
        let key = OptInKey::of_opt_out(&again.account, &again.id);
        let put = self.settler.queue.put(Lane::OptOuts, vec![(key, again.to_json())]).await;
        if let Some(Err(error)) = put.into_iter().next() {
            warn!(account = %self.settler.account, %error, "an opt-out is not done once more");
        }
    }

    /// Takes back what opt-ins may have given before it was known that their people have opted out since, and
    /// settles them.
    pub(super) async fn take_back(&self, superseded: Vec<Item>) -> Result<(), Stop> {
        let mut leaving = Vec::with_capacity(superseded.len());
        for item in superseded {
            let (identifiers, warnings) =
                (self.all_ids(item.request.identifiers()).await?, item.request.warnings.clone());
            let queue = self.settler.queue;
            let things =
                queue.change_person(self.settler.account, &identifiers, |person| person.out_of()).await?;
            let standing = Standing { things, remembered: BTreeSet::new() };
            leaving.push(Leaving { item, identifiers, standing, tried: BTreeSet::new(), warnings });
        }
        self.take(leaving).await
    }

    /// Takes from people what they are to be without.
    async fn take<T: Serialize>(&self, leaving: Vec<Leaving<T>>) -> Result<(), Stop> {
        // A call takes the same from all of its people.
        let mut groups: BTreeMap<BTreeSet<Thing>, Vec<Leaving<T>>> = BTreeMap::new();
        for one in leaving {
            groups.entry(one.standing.things.clone()).or_default().push(one);
        }
        let nothing = groups.remove(&BTreeSet::new()).unwrap_or_default();
        let stayed = |one: Leaving<T>| {
            (one.item, Ok(OptOutReceipt { warnings: one.warnings, ..OptOutReceipt::default() }))
        };
        self.end(nothing.into_iter().map(stayed).collect()).await?;
        let mut work: Vec<(BTreeSet<Thing>, Vec<Leaving<T>>)> = Vec::new();
        for (things, leaving) in groups {
            work.extend(chunks(leaving, CHUNK).into_iter().map(|chunk| (things.clone(), chunk)));
        }
        while let Some((things, chunk)) = work.pop() {
            let pass = self.gate.enter().await;
            let (chunk, others) = self.still_leaving(chunk).await?;
            let identifiers: Vec<Identifier> = chunk.iter().flat_map(|one| one.identifiers.clone()).collect();
            let taken = match chunk.is_empty() {
                true => Ok(Vec::new()),
                false => opt_out_flow::opt_out(self.tenant, &identifiers, &things).await,
            };
            drop(pass);
            let (nothing, others): (Vec<_>, Vec<_>) =
                others.into_iter().partition(|one| one.standing.things.is_empty());
            self.end(nothing.into_iter().map(stayed).collect()).await?;
            work.extend(others.into_iter().map(|one| (one.standing.things.clone(), vec![one])));
            match taken {
                Ok(taken) => {
                    let mut taken = taken.into_iter();
                    let ended = chunk.into_iter().map(|one| {
                        let own = taken.by_ref().take(one.identifiers.len()).collect();
                        self.left(one, own)
                    });
                    let ended = stream::iter(ended.collect::<Vec<_>>()).buffered(AT_ONCE);
                    self.end(ended.try_collect().await?).await?;
                }
                Err(failure) if affects_all(&failure) => {
                    let Reason { code, message, .. } = &failure.reason;
                    warn!(account = %self.settler.account, code, reason = message, "opt-outs are not done yet");
                    let ended = chunk.into_iter().map(|one| (one.item, Err(failure.clone())));
                    self.end::<_, OptOutReceipt>(ended.collect()).await?;
                }
                Err(failure) => match split(&failure, chunk)? {
                    Split::Halves(halves) => {
                        work.extend(halves.into_iter().map(|half| (things.clone(), half)))
                    }
                    Split::One(one) => self.end::<_, OptOutReceipt>(vec![(one.item, Err(failure))]).await?,
                },
            }
        }
        Ok(())
    }

    /// Looks once more at people behind the gate: an opt-in or a resume that is later may have passed it meanwhile.
    /// Returns those who leave what they were to leave, and the others with what they still leave.
    async fn still_leaving<T>(
        &self,
        leaving: Vec<Leaving<T>>,
    ) -> Result<(Vec<Leaving<T>>, Vec<Leaving<T>>), Stop> {
        let looked = stream::iter(leaving).map(async |mut one| {
            let out_of = self
                .settler
                .queue
                .change_person(self.settler.account, &one.identifiers, |person| person.out_of());
            let out_of = out_of.await?;
            let before = one.standing.things.len();
            one.standing.things.retain(|thing| out_of.contains(thing));
            one.standing.remembered.retain(|thing| out_of.contains(thing));
            Ok::<_, QueueError>((before == one.standing.things.len(), one))
        });
        let looked: Vec<_> = looked.buffered(AT_ONCE).try_collect().await?;
        let (same, others): (Vec<_>, Vec<_>) = looked.into_iter().partition(|(is_same, _)| *is_same);
        let without = |all: Vec<(bool, Leaving<T>)>| all.into_iter().map(|(_, one)| one).collect();
        Ok((without(same), without(others)))
    }

    /// Notes what was taken from a person, by each of the person's identifiers.
    async fn left<T>(
        &self,
        one: Leaving<T>,
        taken: Vec<Result<Taken, Failure>>,
    ) -> Result<Ended<T, OptOutReceipt>, Stop> {
        let Leaving { item, identifiers, standing, tried, warnings } = one;
        let mut receipt = OptOutReceipt { warnings, ..OptOutReceipt::default() };
        let (mut things, mut failure) = (standing.remembered, None);
        for taken in taken {
            match taken {
                Ok(taken) => {
                    receipt.profile_id = receipt.profile_id.or(taken.profile_id);
                    receipt.warnings.extend(taken.warnings);
                    things.extend(taken.things);
                    failure = failure.or(taken.refused);
                }
                Err(refused) => failure = Some(refused),
            }
        }
        // A failed attempt may have taken more than it tells.
        let tried = if failure.is_none() { tried } else { BTreeSet::new() };
        let known = self.settler.queue.change_person(self.settler.account, &identifiers, |person| {
            person.took(&things, &tried);
        });
        known.await?;
        if let Some(failure) = failure {
            return Ok((item, Err(failure)));
        }
        for thing in things {
            match thing {
                Thing::Channel(channel) => receipt.consent.push(channel),
                Thing::List(list) => receipt.lists.push(list),
            }
        }
        Ok((item, Ok(receipt)))
    }
}

/// Whether smaller calls would fail in the same way.
fn affects_all(failure: &Failure) -> bool {
    matches!(failure.disposition, Disposition::RetryLater | Disposition::StopAccount)
        || failure.reason.code == Code::Forbidden.as_str()
}
