use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A step of a key, or of the waiter or permit with this number.
#[derive(Clone, Copy, Debug)]
enum Step {
    Take(u8),
    TryTake(u8),
    /// A waiter polls.
    Poll(usize),
    /// A waiter is dropped, perhaps after it was given a permit and before it polled.
    Cancel(usize),
    Release(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0_u8..6;
    prop_oneof![
        4 => key.clone().prop_map(Step::Take),
        1 => key.prop_map(Step::TryTake),
        2 => any::<usize>().prop_map(Step::Poll),
        2 => any::<usize>().prop_map(Step::Cancel),
        3 => any::<usize>().prop_map(Step::Release),
    ]
}

/// The rule as it is documented, checked for each waiter in turn.
#[derive(Debug)]
struct Model {
    most: usize,
    held: Vec<u8>,
    /// Key and number, in the order of their arrival.
    waiting: Vec<(u8, usize)>,
    /// The waiting keys, in the order of their turns.
    turns: VecDeque<u8>,
}

impl Model {
    fn holds(&self, key: u8) -> usize {
        self.held.iter().filter(|held| **held == key).count()
    }

    fn may_have_more(&self, key: u8) -> bool {
        let (held, free) = (self.holds(key), self.most - self.held.len());
        free > 0 && (held == 0 || held < free - 1)
    }

    fn release(&mut self, key: u8) {
        let permit = self.held.iter().position(|held| *held == key).unwrap();
        self.held.remove(permit);
        if let Some(turn) = self.turns.iter().position(|turn| *turn == key) {
            self.turns.remove(turn);
            self.turns.push_back(key);
        }
    }

    fn wait(&mut self, key: u8, number: usize) {
        self.waiting.push((key, number));
        if !self.turns.contains(&key) {
            self.turns.push_back(key);
        }
    }

    fn leave(&mut self, number: usize) {
        self.waiting.retain(|(_, waiting)| *waiting != number);
        let Self { waiting, turns, .. } = self;
        turns.retain(|key| waiting.iter().any(|(waiting, _)| waiting == key));
    }

    /// The waiters that get a permit now, in order.
    fn serve(&mut self) -> Vec<usize> {
        let mut served = Vec::new();
        while let Some(key) = self
            .turns
            .iter()
            .copied()
            .filter(|key| self.may_have_more(*key))
            .min_by_key(|key| self.holds(*key))
        {
            let number = self.waiting.iter().find(|(waiting, _)| *waiting == key).unwrap().1;
            self.held.push(key);
            self.turns.retain(|turn| *turn != key);
            self.turns.push_back(key);
            self.leave(number);
            served.push(number);
        }
        served
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Waiter {
    number: usize,
    key: u8,
    taking: Pin<Box<dyn Future<Output = FairPermit<u8>>>>,
    woken: Arc<Woken>,
    served: bool,
}

impl Waiter {
    fn new(semaphore: &Arc<FairSemaphore<u8>>, key: u8, number: usize) -> Self {
        let semaphore = Arc::clone(semaphore);
        let taking = Box::pin(async move { semaphore.acquire(&key).await });
        Self { number, key, taking, woken: Arc::default(), served: false }
    }

    fn poll(&mut self) -> Option<FairPermit<u8>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.taking.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        }
    }
}

fn nth<T>(of: &mut Vec<T>, n: usize) -> Option<T> {
    if of.is_empty() { None } else { Some(of.remove(n % of.len())) }
}

fn play(most: usize, steps: &[Step]) -> Result<(), TestCaseError> {
    let semaphore = FairSemaphore::new(most);
    let mut model = Model { most, held: Vec::new(), waiting: Vec::new(), turns: VecDeque::new() };
    let (mut held, mut waiters) = (Vec::<(u8, FairPermit<u8>)>::new(), Vec::<Waiter>::new());
    for (number, step) in steps.iter().copied().enumerate() {
        match step {
            Step::Take(key) => {
                let may = model.may_have_more(key);
                let mut waiter = Waiter::new(&semaphore, key, number);
                let permit = waiter.poll();
                prop_assert_eq!(permit.is_some(), may);
                if let Some(permit) = permit {
                    model.held.push(key);
                    held.push((key, permit));
                } else {
                    model.wait(key, number);
                    waiters.push(waiter);
                }
            }
            Step::TryTake(key) => {
                let permit = semaphore.try_acquire(&key);
                prop_assert_eq!(permit.is_some(), model.may_have_more(key));
                if let Some(permit) = permit {
                    model.held.push(key);
                    held.push((key, permit));
                }
            }
            Step::Poll(n) => {
                let Some(mut waiter) = nth(&mut waiters, n) else { continue };
                let permit = waiter.poll();
                prop_assert_eq!(permit.is_some(), waiter.served);
                match permit {
                    Some(permit) => held.push((waiter.key, permit)),
                    None => waiters.push(waiter),
                }
            }
            Step::Cancel(n) => {
                let Some(waiter) = nth(&mut waiters, n) else { continue };
                if waiter.served {
                    model.release(waiter.key);
                } else {
                    model.leave(waiter.number);
                }
            }
            Step::Release(n) => {
                let Some((key, permit)) = nth(&mut held, n) else { continue };
                model.release(key);
                drop(permit);
            }
        }
        let served = model.serve();
        for waiter in &mut waiters {
            waiter.served |= served.contains(&waiter.number);
            prop_assert_eq!(waiter.woken.0.load(Ordering::Relaxed), waiter.served);
        }
        prop_assert!(model.held.len() <= most);
        let state = semaphore.state.lock();
        prop_assert_eq!(state.free, most - model.held.len());
        let mut known: Vec<u8> = state.keys.keys().copied().collect();
        let mut busy: Vec<u8> = model.held.iter().chain(&model.turns).copied().collect();
        known.sort_unstable();
        busy.sort_unstable();
        busy.dedup();
        prop_assert_eq!(known, busy);
        prop_assert_eq!(state.line.len(), model.turns.len());
    }
    drop((held, waiters));
    let state = semaphore.state.lock();
    prop_assert!(state.free == most && state.keys.is_empty() && state.line.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whoever_may_have_a_place_has_it_and_nobody_else(
        most in 0_usize..12,
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        play(most, &steps)?;
    }
}

/// Lets keys take permits in turns until none can take another.
fn fill(most: usize, keys: usize) -> Vec<usize> {
    let semaphore = FairSemaphore::new(most);
    let mut taken: Vec<Vec<FairPermit<usize>>> = (0..keys).map(|_| Vec::new()).collect();
    loop {
        let before: usize = taken.iter().map(Vec::len).sum();
        for (key, taken) in taken.iter_mut().enumerate() {
            taken.extend(semaphore.try_acquire(&key));
        }
        if taken.iter().map(Vec::len).sum::<usize>() == before {
            return taken.iter().map(Vec::len).collect();
        }
    }
}

#[test]
fn one_gets_a_half_and_two_get_a_third_each() {
    assert_eq!(fill(256, 1), [128]);
    assert_eq!(fill(255, 2), [85, 85]);
    assert_eq!(fill(256, 3), [64, 64, 64]);
    assert_eq!(fill(4, 1), [2]);
    assert_eq!(fill(3, 1), [1]);
    assert_eq!(fill(2, 1), [1]);
    assert_eq!(fill(1, 2), [1, 0]);
    assert_eq!(fill(0, 1), [0]);
    for keys in 1..=20 {
        let got = fill(420, keys);
        let share = 420 / (keys + 1);
        assert!(got.iter().all(|got| got.abs_diff(share) <= 1), "{keys}: {got:?}");
        assert!(got.iter().sum::<usize>() < 420, "{keys}: {got:?}");
    }
}

#[test]
fn however_many_are_busy_a_newcomer_gets_a_place_at_once() {
    for busy in 1..=30 {
        let semaphore = FairSemaphore::new(32);
        let mut taken = Vec::new();
        for _ in 0..32 {
            for key in 1..=busy {
                taken.extend(semaphore.try_acquire(&key));
            }
        }
        assert!(semaphore.try_acquire(&0).is_some(), "{busy}");
    }
}

#[test]
fn those_who_wait_take_turns() {
    let semaphore = FairSemaphore::new(1);
    let mut holder = semaphore.try_acquire(&9);
    // Key 1 comes first, and with many waiters.
    let mut waiters: Vec<Waiter> = [1, 1, 1, 1, 2, 3, 3]
        .into_iter()
        .enumerate()
        .map(|(number, key)| Waiter::new(&semaphore, key, number))
        .collect();
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_none()));
    let mut order = Vec::new();
    while !waiters.is_empty() {
        drop(holder.take());
        let next = waiters.iter().position(|waiter| waiter.woken.0.load(Ordering::Relaxed)).unwrap();
        let mut waiter = waiters.remove(next);
        order.push((waiter.key, waiter.number));
        holder = waiter.poll();
    }
    assert_eq!(order, [(1, 0), (2, 4), (3, 5), (1, 1), (3, 6), (1, 2), (1, 3)]);
}

#[test]
fn a_newcomer_is_next_however_many_wait_before_it() {
    let semaphore = FairSemaphore::new(3);
    let mut holders: Vec<FairPermit<u8>> = (1..=3).filter_map(|key| semaphore.try_acquire(&key)).collect();
    let mut waiters: Vec<Waiter> =
        (0..300).map(|number| Waiter::new(&semaphore, number as u8 % 3 + 1, number)).collect();
    waiters.push(Waiter::new(&semaphore, 0, 300));
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_none()));
    drop(holders.remove(0));
    let served: Vec<u8> = waiters
        .iter()
        .filter(|waiter| waiter.woken.0.load(Ordering::Relaxed))
        .map(|waiter| waiter.key)
        .collect();
    assert_eq!(served, [0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_threads() {
    let semaphore = FairSemaphore::new(5);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..64_u32 {
        let semaphore = Arc::clone(&semaphore);
        tasks.spawn(async move {
            for round in 0..200_u32 {
                let key = (task + round) % 7;
                if round % 3 == 0 {
                    // Most of these give up, some of them after they were given a permit.
                    let wait = Duration::from_micros(u64::from((task * 31 + round * 17) % 500));
                    drop(tokio::time::timeout(wait, semaphore.acquire(&key)).await);
                } else {
                    let permit = semaphore.acquire(&key).await;
                    tokio::task::yield_now().await;
                    drop(permit);
                }
            }
        });
    }
    tokio::time::timeout(Duration::from_secs(60), tasks.join_all()).await.unwrap();
    let state = semaphore.state.lock();
    assert!(state.free == 5 && state.keys.is_empty() && state.line.is_empty());
}
