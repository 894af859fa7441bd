//! Reads the three feeds in turn, keeps its cursors in a file, and is killed.

use super::feed::{ByFeed, Feed, Page};
use super::ledger::Ledger;
use super::source::Source;
use super::world::World;
use super::{ChangesSize, LOOK_BACK};
use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// One call in so many ends with a kill.
const KILLED: u32 = 50;
/// The cursors are kept after one page in so many.
const KEPT: u32 = 3;
/// A call that failed so often in a row is a failure of the suite.
const TRIES: u32 = 30;

/// What a reader keeps in its file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    cursor: Option<String>,
    /// When the round of the cursor began, in seconds since 1970.
    began: Option<u64>,
}

/// What a reader knows until it is killed.
#[derive(Clone, Debug, Default)]
struct Round {
    /// The latest time that was told in this round, of what was visible before it.
    latest: Option<SystemTime>,
    /// Whether the reader has begun this round itself.
    is_own: bool,
    /// Whether the round has ended, and the next one waits.
    has_ended: bool,
}

/// The moment of a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kill {
    BeforeTelling,
    WhileTelling,
    BeforeKeeping,
    AfterKeeping,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) calls: usize,
    pub(super) kills: usize,
    pub(super) rounds: usize,
    pub(super) longest_cursor: usize,
    /// By code.
    pub(super) failed: BTreeMap<String, usize>,
}

/// A reader, and the ledger that it tells.
pub(super) struct Reader<'a> {
    source: &'a dyn Source,
    world: Arc<Mutex<World>>,
    file: PathBuf,
    random: Rng,
    /// A reader that needs more calls makes no progress.
    most_calls: usize,
    places: ByFeed<Place>,
    rounds: ByFeed<Round>,
    pub(super) ledger: Ledger,
    pub(super) counts: Counts,
}

impl<'a> Reader<'a> {
    /// A reader with its file in a folder.
    pub(super) fn start(
        source: &'a dyn Source,
        world: Arc<Mutex<World>>,
        folder: &Path,
        size: &ChangesSize,
    ) -> Self {
        Self {
            source,
            world,
            file: folder.join("cursors.json"),
            random: Rng::with_seed(size.seed.wrapping_add(1)),
            most_calls: 2_000 + size.profiles / 5,
            places: ByFeed::default(),
            rounds: ByFeed::default(),
            ledger: Ledger::default(),
            counts: Counts::default(),
        }
    }

    /// Reads until all that was written must have been told.
    pub(super) fn read_all(&mut self) -> Result<()> {
        let mut left = Feed::ALL.to_vec();
        while !left.is_empty() {
            let waiting = |feed: &Feed| self.rounds.of(*feed).has_ended;
            if Feed::ALL.iter().all(waiting) {
                for feed in Feed::ALL {
                    self.rounds.of_mut(feed).has_ended = false;
                }
                let pause = self.random.u64(5..30);
                self.world.lock().wait(Duration::from_secs(pause))?;
            }
            // Most changes are of profiles.
            let feed = match self.random.u8(..6) {
                0 => Feed::Members,
                1 => Feed::Events,
                _ => Feed::Profiles,
            };
            if self.rounds.of(feed).has_ended {
                continue;
            }
            if self.step(feed)? {
                left.retain(|other| *other != feed);
            }
        }
        Ok(())
    }

    /// Reads a page; whether it ends a round that began after all that was written was visible.
    fn step(&mut self, feed: Feed) -> Result<bool> {
        let now = self.world.lock().now();
        let place = self.places.of_mut(feed);
        let (since_1970, round) =
            (now.duration_since(SystemTime::UNIX_EPOCH)?.as_secs(), self.rounds.of_mut(feed));
        if place.began.is_none() {
            place.began = Some(since_1970);
            *round = Round { is_own: true, ..Round::default() };
        }
        let began = SystemTime::UNIX_EPOCH + Duration::from_secs(place.began.unwrap_or_default());
        let page = self.page(feed)?;
        let kills = [Kill::BeforeTelling, Kill::WhileTelling, Kill::BeforeKeeping, Kill::AfterKeeping];
        let kill = if self.random.u32(..KILLED) == 0 { self.random.choice(kills) } else { None };
        if kill == Some(Kill::BeforeTelling) {
            return self.die().map(|()| false);
        }
        let told = if kill == Some(Kill::WhileTelling) { page.items.len() / 2 } else { page.items.len() };
        self.tell(feed, &page, told, began)?;
        if kill == Some(Kill::WhileTelling) {
            return self.die().map(|()| false);
        }
        let (more, is_own) = (page.more, self.rounds.of(feed).is_own);
        self.counts.longest_cursor = self.counts.longest_cursor.max(page.cursor.len());
        *self.places.of_mut(feed) =
            Place { cursor: Some(page.cursor), began: if more { self.places.of(feed).began } else { None } };
        if !more {
            self.counts.rounds += 1;
            self.rounds.of_mut(feed).has_ended = true;
        }
        if kill == Some(Kill::BeforeKeeping) {
            return self.die().map(|()| false);
        }
        let ends = !more && self.world.lock().is_all_visible_at(began);
        if ends || self.random.u32(..KEPT) == 0 || kill.is_some() {
            self.keep()?;
        }
        if !more && is_own {
            self.ledger.of_mut(feed).passed();
        }
        if kill.is_some() {
            self.die()?;
        }
        Ok(ends)
    }

    /// Calls until it succeeds.
    fn page(&mut self, feed: Feed) -> Result<Page> {
        let cursor = self.places.of(feed).cursor.clone();
        for _ in 0..TRIES {
            self.counts.calls += 1;
            ensure!(self.counts.calls <= self.most_calls, "after {} calls there is no end", self.most_calls);
            let outcome = self.source.page(feed, cursor.as_deref());
            self.world.lock().take_problem()?;
            match outcome {
                Ok(page) => return Ok(page),
                Err(failure) => {
                    ensure!(failure.may_pass, "{} failed: {}", feed.name(), failure.message);
                    *self.counts.failed.entry(failure.code).or_default() += 1;
                }
            }
        }
        bail!("a page of {} could not be read with {TRIES} calls", feed.name())
    }

    fn tell(&mut self, feed: Feed, page: &Page, count: usize, began: SystemTime) -> Result<()> {
        let visible = began - Duration::from_secs(LOOK_BACK.into());
        for item in page.items.iter().take(count) {
            let time = humantime::parse_rfc3339(&item.time.replace("+00:00", "Z"))
                .with_context(|| format!("{} has the time {:?}", item.key, item.time))?;
            let (told, round) = (self.ledger.of_mut(feed), self.rounds.of_mut(feed));
            told.tell(item);
            if time < visible {
                if round.latest.is_some_and(|latest| time < latest) {
                    told.disordered.push(item.key.clone());
                }
                round.latest = round.latest.max(Some(time));
            }
        }
        Ok(())
    }

    /// Writes the cursors, whole or not at all.
    fn keep(&mut self) -> Result<()> {
        let new = self.file.with_extension("new");
        std::fs::write(&new, serde_json::to_vec(&self.places)?)?;
        std::fs::rename(&new, &self.file)?;
        self.ledger.kept();
        Ok(())
    }

    /// Forgets all but the file.
    fn die(&mut self) -> Result<()> {
        self.counts.kills += 1;
        self.rounds = ByFeed::default();
        self.places = if self.file.exists() {
            serde_json::from_slice(&std::fs::read(&self.file)?)?
        } else {
            ByFeed::default()
        };
        self.ledger.killed();
        Ok(())
    }
}
