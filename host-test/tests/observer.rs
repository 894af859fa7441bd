//! What an observer hears of the attempts of a call.

use anyhow::Result;
use bytes::Bytes;
use host_test::component::{artifact, cache};
use host_test::suite::block_on;
use http::{Request, Response};
use klaviyo_host::types::Identifier;
use klaviyo_host::{
    Attempt, AttemptError, AttemptObserver, AttemptResult, Authorization, Authorizing, Bounds, Connector,
    Credentials, CredentialsError, Limits, ObservedAttempt, Retirement, Secret, Tenant, Transport,
};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

const KEY: &str = "pk_0123456789";

/// Answers one after the other.
struct Script(Mutex<VecDeque<Result<Response<Bytes>, AttemptError>>>);

impl Transport for Script {
    fn send(&self, _: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        let answer = self.0.lock().pop_front();
        Box::pin(async {
            answer.unwrap_or_else(|| Err(AttemptError::Other("the script has ended".to_owned())))
        })
    }
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Result<Response<Bytes>, AttemptError> {
    let builder = Response::builder().status(status);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(r#"{"data":[]}"#.into()).map_err(|error| AttemptError::Other(error.to_string()))
}

/// What was heard, without the durations, and these.
#[derive(Default)]
struct Heard(Mutex<Vec<(String, Duration, Duration)>>);

impl AttemptObserver for Heard {
    fn attempted(&self, attempt: &ObservedAttempt<'_>) {
        let ObservedAttempt { tenant, endpoint, number, result, repeat, remaining, retirement, .. } =
            *attempt;
        let result = match result {
            AttemptResult::Answered(status) => status.as_u16().to_string(),
            AttemptResult::Failed(failure) => <&str>::from(failure).to_owned(),
        };
        let repeat = repeat.map(|repeat| (<&str>::from(repeat.cause), repeat.pause > Duration::ZERO));
        let retirement = retirement.map(|Retirement { revision, date }| {
            (revision.to_owned(), date.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400)
        });
        let text = format!("{tenant} {endpoint} {number} {result} {repeat:?} {remaining:?} {retirement:?}");
        self.0.lock().push((text, attempt.paced, attempt.took));
    }
}

impl Heard {
    fn texts(&self) -> Vec<String> {
        self.0.lock().iter().map(|(text, ..)| text.clone()).collect()
    }
}

/// Looks a person up, so often, and returns what was heard.
fn heard(
    script: impl IntoIterator<Item = Result<Response<Bytes>, AttemptError>>,
    credentials: impl Credentials,
    limits: Limits,
    calls: usize,
) -> Result<Arc<Heard>> {
    let heard = Arc::new(Heard::default());
    let transport = Script(Mutex::new(script.into_iter().collect()));
    let connector = Connector::builder().transport(transport).limits(limits).cache(cache());
    let connector = connector.observer(Arc::clone(&heard) as Arc<dyn AttemptObserver>).load(artifact())?;
    let tenant = Tenant::builder(&connector, credentials).name("shop-1").build();
    block_on(async {
        for _ in 0..calls {
            // Whether a call succeeds is not what this is about.
            let _ = tenant.lookup(&Identifier::Email("priya@example.com".to_owned())).await;
        }
        Ok(())
    })?;
    Ok(heard)
}

#[test]
fn each_attempt_is_heard_of_with_why_it_is_repeated() -> Result<()> {
    let script = [
        Err(AttemptError::Unreachable("priya@example.com cannot be reached".to_owned())),
        answer(429, &[("retry-after", "1"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "1")]),
        answer(503, &[]),
        answer(
            200,
            &[
                ("ratelimit-remaining", "42"),
                ("x-klaviyo-api-revision", "2025-01-15"),
                ("x-klaviyo-api-retirement-date", "2027-01-15"),
            ],
        ),
    ];
    let heard = heard(script, Secret::new(KEY)?, Limits::default(), 1)?;
    assert_eq!(
        heard.texts(),
        [
            "shop-1 get profiles 1 unreachable Some((\"unreachable\", true)) None None",
            "shop-1 get profiles 2 429 Some((\"rate-limit\", true)) Some(0) None",
            "shop-1 get profiles 3 503 Some((\"gateway\", true)) None None",
            // 20,833 days after 1970.
            "shop-1 get profiles 4 200 None Some(42) Some((\"2025-01-15\", 20833))",
        ]
    );
    Ok(())
}

#[test]
fn what_is_not_sent_is_heard_of_too() -> Result<()> {
    let limits = Limits { time: Duration::from_secs(5), wait: Duration::from_secs(5), ..Limits::default() };
    let heard_of_wait = heard([answer(429, &[("retry-after", "60")])], Secret::new(KEY)?, limits, 2)?;
    assert_eq!(
        heard_of_wait.texts(),
        ["shop-1 get profiles 1 429 None None None", "shop-1 get profiles 1 no-turn None None None"]
    );
    let refused = || CredentialsError::Refused { code: "invalid_grant", reason: "connect anew".to_owned() };
    let heard_of_refusal = heard([], Fixed(Err(refused())), Limits::default(), 1)?;
    assert_eq!(heard_of_refusal.texts(), ["shop-1 get profiles 1 no-authorization None None None"]);
    Ok(())
}

#[test]
fn another_authorization_is_a_reason_to_repeat() -> Result<()> {
    let token = Authorization::bearer(Arc::new(Secret::new(KEY)?), Vec::new());
    let heard = heard([answer(401, &[]), answer(200, &[])], Fixed(Ok(token)), Limits::default(), 1)?;
    assert_eq!(
        heard.texts(),
        [
            "shop-1 get profiles 1 401 Some((\"authorization\", false)) None None",
            "shop-1 get profiles 2 200 None None None",
        ]
    );
    Ok(())
}

/// Always the same, and never the last.
struct Fixed(Result<Authorization, CredentialsError>);

impl Credentials for Fixed {
    fn authorize(&self) -> Authorizing<'_> {
        let answer = self.0.clone();
        Box::pin(async { answer })
    }

    fn refused(&self, _: &Authorization) -> bool {
        true
    }
}

#[test]
fn the_wait_for_the_rates_and_the_time_of_an_answer_are_told_apart() -> Result<()> {
    // Klaviyo has none left for a second, so that the second call waits.
    let none_left = [("ratelimit-remaining", "0"), ("ratelimit-reset", "1")];
    let heard = heard([answer(200, &none_left), answer(200, &[])], Secret::new(KEY)?, Limits::default(), 2)?;
    let heard = heard.0.lock();
    let [(_, first, _), (_, second, took)] = heard.as_slice() else { anyhow::bail!("{heard:?}") };
    assert!(*first < Duration::from_millis(500), "{heard:?}");
    assert!(*second >= Duration::from_millis(500) && *took < Duration::from_millis(500), "{heard:?}");
    Ok(())
}
