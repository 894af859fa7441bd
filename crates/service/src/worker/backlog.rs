//! What waits in the queue, as a worker sees it, for `/metrics`. Without a connection to NATS nothing is told: values of
//! before would look like those of now.

use crate::account::Account;
use crate::metrics::labels::{ACCOUNT, LANE};
use crate::metrics::{count, write_connection, write_gauge, write_gauges};
use crate::moment::Moment;
use crate::queue::{Lane, Queue, QueueError, Waiting};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tracing::warn;

/// How many accounts have series of their own: those with the most messages.
const ACCOUNTS: usize = 100;
/// The label of the others.
const OTHER: &str = "other";
/// How often the oldest messages are looked for.
const EVERY: Duration = Duration::from_secs(5);
/// How many are looked for at once.
const AT_ONCE: usize = 16;

/// An account's label, and a lane.
type Series = (String, Lane);

/// What waited when the worker looked last.
pub(super) struct BacklogView {
    queue: Arc<Queue>,
    /// None: it cannot look.
    seen: Mutex<Option<Seen>>,
    /// When the oldest messages were accepted.
    oldest: Mutex<BTreeMap<Series, Moment>>,
}

struct Seen {
    waiting: BTreeMap<Series, usize>,
    strays: usize,
    dead_letters: u64,
}

impl BacklogView {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, seen: Mutex::default(), oldest: Mutex::default() }
    }

    pub(super) fn saw(&self, waiting: &Waiting, dead_letters: u64) {
        let strays = waiting.strays.values().sum();
        let waiting = series(&waiting.accounts);
        *self.seen.lock() = Some(Seen { waiting, strays, dead_letters });
    }

    /// The queue cannot be asked.
    pub(super) fn is_away(&self) {
        *self.seen.lock() = None;
    }

    /// Looks for the oldest messages again and again until it is dropped.
    pub(super) async fn watch_the_oldest(&self) {
        let mut was_told = false;
        loop {
            match self.look_for_the_oldest().await {
                Ok(oldest) => *self.oldest.lock() = oldest,
                Err(QueueError::Away) => self.oldest.lock().clear(),
                Err(error) => {
                    self.oldest.lock().clear();
                    if !std::mem::replace(&mut was_told, true) {
                        warn!(
                            error = &error as &dyn Error,
                            "the age of the oldest messages is not told; may this user of NATS read them?"
                        );
                    }
                }
            }
            sleep(EVERY).await;
        }
    }

    async fn look_for_the_oldest(&self) -> Result<BTreeMap<Series, Moment>, QueueError> {
        let waiting = match self.seen.lock().as_ref() {
            Some(seen) => seen.waiting.clone(),
            None => return Ok(BTreeMap::new()),
        };
        let named = waiting.into_iter().filter_map(|((name, lane), count)| {
            let account = name.parse::<Account>().ok().filter(|_| name != OTHER && count > 0)?;
            Some((name, account, lane))
        });
        let found: Vec<(Series, Result<Option<Moment>, QueueError>)> = stream::iter(named)
            .map(async |(name, account, lane)| ((name, lane), self.queue.oldest(&account, lane).await))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut oldest = BTreeMap::new();
        for (series, found) in found {
            oldest.extend(found?.map(|accepted| (series, accepted)));
        }
        for lane in Lane::ALL {
            let first = self.queue.oldest_of_all(lane).await?;
            let named = oldest.iter().filter(|((_, of), _)| *of == lane).map(|(_, accepted)| *accepted).min();
            // Where the first message of all is no named account's, it is the oldest of the others.
            if let Some(first) = first.filter(|first| named.is_none_or(|named| named > *first)) {
                oldest.insert((OTHER.to_owned(), lane), first);
            }
        }
        Ok(oldest)
    }

    fn write(&self, encoder: &mut DescriptorEncoder<'_>, now: Moment) -> fmt::Result {
        let seen = self.seen.lock();
        let seen = seen.as_ref().filter(|_| self.queue.is_connected());
        write_connection(encoder, seen.is_some())?;
        let Some(seen) = seen else { return Ok(()) };
        write_seen(encoder, seen, &self.oldest.lock(), now)
    }
}

fn write_seen(
    encoder: &mut DescriptorEncoder<'_>,
    Seen { waiting, strays, dead_letters }: &Seen,
    oldest: &BTreeMap<Series, Moment>,
    now: Moment,
) -> fmt::Result {
    let labels = |(account, lane): &Series| [(ACCOUNT, account.clone()), (LANE, lane.to_string())];
    let help = "Messages that wait or are under way, by account and lane";
    let values = waiting.iter().map(|(series, waiting)| (labels(series), count(*waiting)));
    write_gauges(encoder, ("klaviyo_queue_waiting", help, None), values)?;
    let help = "The age of the oldest message that waits or is under way, by account and lane";
    // What has ended since is not told.
    let there = oldest.iter().filter(|(series, _)| waiting.get(series).is_some_and(|count| *count > 0));
    let ages = there.map(|(series, accepted)| {
        let ms = now.unix_ms().saturating_sub(accepted.unix_ms()).max(0);
        (labels(series), ms as f64 / 1_000.0)
    });
    write_gauges(encoder, ("klaviyo_queue_oldest", help, Some(&Unit::Seconds)), ages)?;
    let help = "Messages in the queue that are no account's";
    write_gauge(encoder, ("klaviyo_queue_strays", help, None), count(*strays))?;
    let help = "Dead letters of all accounts that nobody has decided about";
    write_gauge(encoder, ("klaviyo_queue_dead_letters", help, None), count(*dead_letters))
}

/// How many messages wait, by account for those with the most, and of the others together, who have a value in each lane.
fn series(accounts: &BTreeMap<Account, BTreeMap<Lane, usize>>) -> BTreeMap<Series, usize> {
    let mut series: BTreeMap<Series, usize> =
        Lane::ALL.map(|lane| ((OTHER.to_owned(), lane), 0)).into_iter().collect();
    let mut by_total: Vec<_> =
        accounts.iter().map(|(account, lanes)| (lanes.values().sum::<usize>(), account, lanes)).collect();
    by_total.sort_by(|(one, ..), (other, ..)| other.cmp(one));
    // An account that is called like the others is one of them.
    by_total.sort_by_key(|(_, account, _)| account.as_str() == OTHER);
    for (n, (_, account, lanes)) in by_total.into_iter().enumerate() {
        let name = if n < ACCOUNTS { account.as_str() } else { OTHER };
        for (lane, waiting) in lanes {
            *series.entry((name.to_owned(), *lane)).or_default() += waiting;
        }
    }
    series
}

impl Collector for BacklogView {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.write(&mut encoder, Moment::now())
    }
}

impl fmt::Debug for BacklogView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BacklogView")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::registry::Registry;

    fn account(name: &str) -> Account {
        name.parse().unwrap()
    }

    #[test]
    fn a_hundred_accounts_have_series_and_the_rest_is_one() {
        let mut accounts: BTreeMap<Account, BTreeMap<Lane, usize>> =
            (0..150).map(|n| (account(&format!("shop-{n}")), [(Lane::OptIns, n + 1)].into())).collect();
        accounts.insert(account("other"), [(Lane::OptIns, 1_000), (Lane::Events, 7)].into());
        let series = series(&accounts);
        let of = |name: &str, lane| series.get(&(name.to_owned(), lane)).copied();
        assert_eq!(of("shop-149", Lane::OptIns), Some(150));
        assert_eq!(of("shop-50", Lane::OptIns), Some(51));
        assert_eq!(of("shop-49", Lane::OptIns), None);
        assert_eq!(of("other", Lane::OptIns), Some((1..=50).sum::<usize>() + 1_000));
        assert_eq!(of("other", Lane::Events), Some(7));
        assert_eq!(of("other", Lane::OptOuts), Some(0));
        assert_eq!(series.len(), 100 + Lane::ALL.len());
    }

    #[derive(Debug)]
    struct Fixed;

    impl Collector for Fixed {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let accounts = [(account("shop-1"), [(Lane::OptIns, 3)].into())].into();
            let seen = Seen { waiting: series(&accounts), strays: 2, dead_letters: 5 };
            let at = |lane| (("shop-1".to_owned(), lane), Moment::from_unix_ms(1_000));
            // The opt-out has ended meanwhile.
            let oldest = [at(Lane::OptIns), at(Lane::OptOuts)].into();
            write_seen(&mut encoder, &seen, &oldest, Moment::from_unix_ms(13_500))
        }
    }

    #[test]
    fn what_waits_is_told_by_account_and_lane_with_its_age() {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(Fixed));
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let values: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        for expected in [
            "klaviyo_queue_waiting{account=\"shop-1\",lane=\"opt-ins\"} 3",
            "klaviyo_queue_waiting{account=\"other\",lane=\"opt-ins\"} 0",
            "klaviyo_queue_oldest_seconds{account=\"shop-1\",lane=\"opt-ins\"} 12.5",
            "klaviyo_queue_strays 2",
            "klaviyo_queue_dead_letters 5",
        ] {
            assert!(values.contains(&expected), "{expected} is not in {text}");
        }
        assert_eq!(values.iter().filter(|value| value.contains("oldest")).count(), 1, "{text}");
    }
}
