//! Tenants beside each other: one that makes many calls at once leaves places to the others.

use anyhow::{Context, Result};
use host_test::canary::KEY;
use host_test::component::{artifact, built, cache};
use http::header::AUTHORIZATION;
use http::{Request, Response};
use klaviyo_host::types::Identifier;
use klaviyo_host::{
    Attempt, Bounds, Cause, Connector, Error, Limit, Limits, Secret, Tenant, Transport, Usage,
};
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How many calls are made at once by one that is noisy.
const MANY: usize = 300;
const PLACES: u32 = 16;
/// How long a call waits for its place.
const WAIT: Duration = Duration::from_secs(60);

/// Answers all tenants alike, the noisy ones when they are let.
#[derive(Clone)]
struct Gate {
    /// The keys of the requests, in the order in which they came.
    sent: Arc<Mutex<Vec<String>>>,
    /// One permit for each answer to a noisy tenant.
    noisy: Arc<Semaphore>,
    /// Headers of every answer.
    headers: &'static [(&'static str, &'static str)],
}

impl Gate {
    fn new(headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { sent: Arc::default(), noisy: Arc::new(Semaphore::new(0)), headers }
    }

    fn sent(&self) -> Vec<String> {
        self.log().clone()
    }

    fn log(&self) -> MutexGuard<'_, Vec<String>> {
        self.sent.lock()
    }
}

impl Transport for Gate {
    fn send(&self, request: Request<bytes::Bytes>, _: Bounds) -> Attempt<'_> {
        let key =
            request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let key = key.rsplit('_').next().unwrap_or_default().to_owned();
        let is_noisy = key.starts_with("noisy");
        self.log().push(key);
        Box::pin(async move {
            if is_noisy && let Ok(permit) = self.noisy.acquire().await {
                permit.forget();
            }
            let mut answer = Response::new(r#"{"data":[]}"#.into());
            if is_noisy {
                let headers = self.headers.iter().map(|(name, value)| Ok((name.parse()?, value.parse()?)));
                *answer.headers_mut() = headers.collect::<Result<_>>().unwrap_or_default();
            }
            Ok(answer)
        })
    }
}

fn connector(gate: &Gate, concurrent_calls: u32) -> Result<Connector> {
    let limits = Limits { concurrent_calls, wait: WAIT, ..Limits::default() };
    let file = built(artifact())?;
    Ok(Connector::builder().limits(limits).transport(gate.clone()).cache(cache()).load(file)?)
}

fn tenant(connector: &Connector, name: &str) -> Result<Tenant> {
    Ok(Tenant::new(connector, Secret::new(&format!("{KEY}_{name}"))?))
}

async fn call(tenant: &Tenant) -> Result<Usage, Error> {
    Ok(tenant.lookup(&Identifier::Email("priya@example.com".to_owned())).await?.usage)
}

type Calls = JoinSet<Result<Usage, Error>>;

/// Starts calls of a tenant, each of which has a clone of it, and returns when none of them gets on any more: the clock
/// stands still until there is nothing else to do.
async fn start(tenant: &Tenant, calls: usize) -> Calls {
    let mut started = JoinSet::new();
    for _ in 0..calls {
        let tenant = tenant.clone();
        started.spawn(async move { call(&tenant).await });
    }
    settled().await;
    started
}

async fn settled() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_their_accounts_pace_leave_places_to_others() -> Result<()> {
    for crowds in 1..=3 {
        let gate = Gate::new(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")]);
        gate.noisy.add_permits(crowds);
        let connector = connector(&gate, PLACES)?;
        let mut noisy = Vec::new();
        for n in 0..crowds {
            let tenant = tenant(&connector, &format!("noisy{n}"))?;
            // Its answer holds all others of this tenant for 30 s.
            call(&tenant).await?;
            noisy.push(start(&tenant, MANY).await);
        }
        let quiet = tenant(&connector, "quiet")?;
        let before = Instant::now();
        for _ in 0..50 {
            let usage = call(&quiet).await?;
            assert_eq!(usage.waited, Duration::ZERO, "{crowds}");
        }
        assert_eq!(before.elapsed(), Duration::ZERO);
        let sent = gate.sent();
        assert_eq!(sent.iter().filter(|key| *key == "quiet").count(), 50);
        assert_eq!(sent.len(), 50 + crowds);
        assert!(noisy.iter_mut().all(|calls| calls.try_join_next().is_none()));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tenant_has_half_of_the_places_and_its_calls_wait_for_those() -> Result<()> {
    let gate = Gate::new(&[]);
    let connector = connector(&gate, PLACES)?;
    let noisy = tenant(&connector, "noisy")?;
    let mut calls = start(&noisy, MANY).await;
    assert_eq!(gate.sent().len(), 8);
    // With another one beside it that is more than its share: what it gives back is for the other one.
    let other = start(&tenant(&connector, "noisy2")?, MANY).await;
    assert_eq!(gate.sent().len(), 8 + 4);
    gate.noisy.add_permits(3);
    settled().await;
    assert_eq!(gate.sent().get(12..), Some(["noisy2".to_owned()].as_slice()));
    drop(other);
    // The rest end for want of a turn, and say which limit it was.
    let mut without_turn = 0;
    while let Some(called) = calls.join_next().await {
        match called? {
            Err(Error { cause: Cause::Limit { limit: Limit::Wait, message }, usage }) => {
                assert!(message.contains("Limits::concurrent_calls"), "{message}");
                assert_eq!((usage.requests, usage.waited), (0, WAIT));
                without_turn += 1;
            }
            called => drop(called),
        }
    }
    assert!(without_turn > 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_place_is_next_when_several_have_taken_all() -> Result<()> {
    const TENANTS: usize = 4;
    let gate = Gate::new(&[]);
    let connector = connector(&gate, TENANTS as u32)?;
    let mut noisy = Vec::new();
    for n in 0..TENANTS {
        noisy.push(start(&tenant(&connector, &format!("noisy{n}"))?, MANY).await);
    }
    // What the first ones had more of is given back by and by, and goes to those who have none.
    while gate.sent().iter().collect::<BTreeSet<_>>().len() < TENANTS {
        gate.noisy.add_permits(1);
        settled().await;
    }
    let before = gate.sent().len();
    let quiet = tenant(&connector, "quiet")?;
    let mut called = start(&quiet, 1).await;
    assert_eq!(gate.sent().len(), before);
    // One of more than a thousand ends.
    gate.noisy.add_permits(1);
    assert!(called.join_next().await.context("it has not ended")??.is_ok());
    assert_eq!(gate.sent().get(before).context("nobody was next")?, "quiet");
    Ok(())
}
