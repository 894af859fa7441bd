//! The simulator with its clock, who writes to it, and what goes wrong on the way.

use super::writer::Writer;
use super::{LATENESS, LOOK_BACK};
use crate::canary::KEY;
use crate::load::{LIST, LIST_NAME};
use anyhow::Result;
use fastrand::Rng;
use klaviyo_mock::{Account, Faults, Klaviyo, Rates, Reply, Simulator};
use std::time::{Duration, SystemTime};

/// When the world begins: the start of the readers.
pub(super) const START: &str = "2026-01-15T12:00:00Z";
/// The same in seconds since 1970.
const START_SECONDS: u32 = 1_768_478_400;
/// What goes wrong with reading. With one request in a hundred there is no answer besides.
const FAULTS: [&str; 7] = [
    "GET /api/*: 2% status 429 retry-after 1",
    "GET /api/*: 2% status 503",
    "GET /api/*: 1% status 504",
    "GET /api/*: 1% status 500",
    "GET /api/*: 1% reset-before",
    "GET /api/*: 1% truncate",
    "GET /api/*: 1% garbage",
];
/// How long a reader waits for an answer: as the host does by default.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many imports change people before the first round.
const STIRRED: u32 = 50;

/// How far the clock moves at once while nobody asks.
const STEP: Duration = Duration::from_millis(500);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Connection,
    Silence,
}

/// A Klaviyo that changes while it is read: with each request the clock goes on, and somebody writes.
pub(super) struct World {
    simulator: Simulator,
    writer: Writer,
    random: Rng,
    /// When the writer was done.
    done: Option<SystemTime>,
    problem: Option<anyhow::Error>,
    /// The reader's, with all attempts.
    pub(super) requests: usize,
    /// How many of them were not answered.
    pub(super) unanswered: usize,
}

impl World {
    /// A world that will have so many profiles, and has some of them.
    pub(super) fn new(profiles: usize, seed: u64) -> Result<Self> {
        let mut account = Account::default();
        account.add_key(KEY, Account::SCOPES);
        account.add_list(LIST, LIST_NAME);
        let mut faults = Faults::seeded(seed);
        for rule in FAULTS {
            faults = faults.rule(rule.parse()?);
        }
        let klaviyo = Klaviyo::from(account).rates(Rates::off()).faults(faults);
        let simulator = Simulator::new(klaviyo.stop_the_clock_at(START_SECONDS));
        let mut writer = Writer::new(profiles, seed);
        writer.begin(&simulator)?;
        simulator.account().set_lateness(LATENESS, seed);
        let random = Rng::with_seed(seed);
        let mut world =
            Self { simulator, writer, random, done: None, problem: None, requests: 0, unanswered: 0 };
        // The first round meets many who are about to change their places.
        let neighbours = (profiles / 5 / STIRRED as usize).max(1);
        for _ in 0..STIRRED {
            world.writer.change_neighbours(&world.simulator, neighbours)?;
            world.pass(LATENESS / STIRRED);
        }
        Ok(world)
    }

    pub(super) fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// The time of the simulator.
    pub(super) fn now(&self) -> SystemTime {
        self.simulator.date()
    }

    /// Whether all that was ever written is visible to a round that began at a time.
    pub(super) fn is_all_visible_at(&self, began: SystemTime) -> bool {
        let look_back = Duration::from_secs(LOOK_BACK.into());
        self.done.is_some_and(|done| began >= done + look_back)
    }

    /// Lets time pass, in which the writer goes on.
    pub(super) fn wait(&mut self, time: Duration) -> Result<()> {
        let end = self.now() + time;
        while self.now() < end {
            self.pass(STEP);
            // Not with each step: it would be done before anybody has read.
            if self.random.u8(..4) == 0 {
                self.write();
            }
        }
        self.take_problem()
    }

    /// Moves the clock, in steps in which the simulator works on what it has accepted.
    fn pass(&self, time: Duration) {
        let end = self.now() + time;
        while self.now() < end {
            self.simulator.advance(STEP);
            drop(self.simulator.account());
        }
    }

    /// Answers a request of the reader.
    pub(super) fn answer(
        &mut self,
        request: http::Request<impl AsRef<[u8]>>,
    ) -> Result<http::Response<Vec<u8>>, Broken> {
        self.requests += 1;
        self.simulator.advance(Duration::from_millis(self.random.u64(100..1_500)));
        self.write();
        if self.random.u8(..100) == 0 {
            self.unanswered += 1;
            self.pass(PATIENCE);
            return Err(Broken::Silence);
        }
        match self.simulator.answer(request) {
            Reply::Answer(answer) => Ok(answer),
            Reply::Reset | Reply::Truncated(_) | Reply::NotHttp(_) => Err(Broken::Connection),
        }
    }

    /// What the writer failed with.
    pub(super) fn take_problem(&mut self) -> Result<()> {
        self.problem.take().map_or(Ok(()), Err)
    }

    fn write(&mut self) {
        if self.done.is_none() {
            self.problem = self.problem.take().or(self.writer.step(&self.simulator).err());
            self.done = self.writer.is_done().then(|| self.simulator.date());
        }
    }
}
