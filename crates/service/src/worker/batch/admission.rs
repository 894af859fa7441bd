//! Which opt-ins may still give what they ask for: a person may have opted out since.

use super::attempt::{AT_ONCE, Batch, Stop};
use super::item::Item;
use crate::moment::Moment;
use crate::opt_in::OptIn;
use crate::queue::{QueueError, Thing};
use crate::worker::gate::Pass;
use crate::worker::in_flight::pause;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::sync::atomic::Ordering;
use tracing::warn;

/// Opt-ins after a look at the last words of their people, each with what belongs to it.
pub(super) struct Admitted<X> {
    /// Those that may join the list, with the consent that they may still give.
    pub(super) members: Vec<(Item, X)>,
    /// Those whose people have opted out of the list since.
    pub(super) superseded: Vec<Item>,
}

impl Batch<'_> {
    /// Notes the opt-ins as words of their people, and says which of them stand. Doing it again changes nothing.
    pub(super) async fn admit<X>(&self, members: Vec<(Item, X)>, list: &str) -> Result<Admitted<X>, Stop> {
        self.admitted_at.store(self.gate.opt_outs(), Ordering::Release);
        self.look(members, list).await
    }

    /// Passes the gate with opt-ins that were admitted. If people have opted out since, it looks again.
    pub(super) async fn pass<X>(
        &self,
        members: Vec<(Item, X)>,
        list: &str,
    ) -> Result<(Pass<'_>, Admitted<X>), Stop> {
        let pass = self.gate.enter().await;
        if self.gate.opt_outs() == self.admitted_at.load(Ordering::Acquire) {
            return Ok((pass, Admitted { members, superseded: Vec::new() }));
        }
        let admitted = self.look(members, list).await?;
        Ok((pass, admitted))
    }

    async fn look<X>(&self, members: Vec<(Item, X)>, list: &str) -> Result<Admitted<X>, Stop> {
        let all = stream::iter(members).map(async |(item, with)| {
            let look = self.look_at(item, list).await?;
            Ok::<_, QueueError>((look, with))
        });
        let mut all = std::pin::pin!(all.buffered(AT_ONCE));
        let mut admitted = Admitted { members: Vec::new(), superseded: Vec::new() };
        while let Some((look, with)) = all.try_next().await? {
            match look {
                Look::Admitted(item) => admitted.members.push((*item, with)),
                Look::Superseded(item) => admitted.superseded.push(*item),
                Look::Later => {}
            }
        }
        Ok(admitted)
    }

    async fn look_at(&self, mut item: Item, list: &str) -> Result<Look, QueueError> {
        match self.follow_id(&mut item.request).await {
            Ok(()) => {}
            Err(error @ QueueError::Unreadable(_)) => return Ok(self.later(&item, &error).await),
            Err(error) => return Err(error),
        }
        let OptIn { consent, at, .. } = &item.request;
        let people = item.request.identifiers();
        let channels = consent.iter().copied().map(Thing::Channel);
        let things: Vec<Thing> = channels.chain([Thing::List(list.to_owned())]).collect();
        let (at, now) = (at.unwrap_or(item.accepted), Moment::now());
        let change = self
            .settler
            .queue
            .change_person(self.settler.account, &people, |person| person.opt_in(&things, at, now));
        let kept = match change.await {
            Ok(kept) => kept,
            Err(error @ QueueError::Unreadable(_)) => return Ok(self.later(&item, &error).await),
            Err(error) => return Err(error),
        };
        let opt_in = &mut item.request;
        for channel in opt_in.consent.clone() {
            if kept.contains(&Thing::Channel(channel)) {
                opt_in.consent.retain(|other| *other != channel);
                opt_in.warn(format!(
                    "consent: the person has stopped {channel} marketing since, so none is given"
                ));
            }
        }
        if opt_in.consent.is_empty() {
            // A source without consent is invalid.
            opt_in.consent_source = None;
        }
        if kept.contains(&Thing::List(list.to_owned())) {
            opt_in.warn(
                "list: the person has left it by an opt-out since, so the opt-in does nothing".to_owned(),
            );
            return Ok(Look::Superseded(Box::new(item)));
        }
        Ok(Look::Admitted(Box::new(item)))
    }

    /// Puts an opt-in back into the queue.
    async fn later(&self, item: &Item, error: &QueueError) -> Look {
        warn!(account = %self.settler.account, %error, "an opt-in is left for later");
        self.settler.in_flight.nak(item.sequence, pause(item.attempts)).await;
        Look::Later
    }
}

enum Look {
    Admitted(Box<Item>),
    Superseded(Box<Item>),
    /// It is back in the queue.
    Later,
}
