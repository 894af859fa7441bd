//! Tokens of simulated accounts: who renews them, and what is left of them after a crash at each moment.

use super::*;
use crate::credentials::{Credentials, CredentialsError};
use crate::egress::Egress;
use crate::limits::Limits;
use crate::secret::Secret;
use crate::transport::{Attempt, AttemptError, Bounds, Transport};
use bytes::Bytes;
use http::Request;
use klaviyo_mock::{Account, App, Faults, Klaviyo, Reply, Simulator};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A Klaviyo in this process. The answer to a request takes its time.
#[derive(Clone)]
struct InProcess {
    klaviyo: Arc<Simulator>,
    takes: Duration,
}

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(async move {
            let reply = self.klaviyo.answer(request);
            sleep(self.takes).await;
            match reply {
                Reply::Answer(answer) => Ok(answer.map(Bytes::from)),
                _ => Err(AttemptError::Connection("it broke".to_owned())),
            }
        })
    }
}

/// What processes share: a store that can fail, and be slow.
#[derive(Clone, Default)]
struct Shared {
    store: Arc<MemoryTokenStore>,
    /// Writes that succeed before the rest fail.
    good: Arc<Mutex<Option<usize>>>,
    /// Whether the rest succeed too, and the answer to them is lost.
    loses_answers: Arc<AtomicBool>,
    writes: Arc<AtomicUsize>,
}

impl TokenStore for Shared {
    fn load(&self) -> Storing<'_, Option<StoredTokens>> {
        self.store.load()
    }

    fn replace(&self, version: Option<u64>, contents: Vec<u8>) -> Storing<'_, Option<u64>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        if let Some(good) = self.good.lock().as_mut() {
            let Some(left) = good.checked_sub(1) else {
                if self.loses_answers.load(Ordering::Relaxed) {
                    drop(self.store.replace(version, contents));
                }
                return Box::pin(async { Err(TokenStoreError::new("the disk is full")) });
            };
            *good = left;
        }
        self.store.replace(version, contents)
    }
}

struct Stage {
    klaviyo: Arc<Simulator>,
    installation: Installation,
    shared: Shared,
}

fn stage(klaviyo: Klaviyo) -> Stage {
    let klaviyo = Arc::new(Simulator::new(klaviyo.app(App::demo()).stop_the_clock()));
    let installation = install(&klaviyo);
    Stage { klaviyo, installation, shared: Shared::default() }
}

fn klaviyo() -> Klaviyo {
    Klaviyo::from(Account::demo())
}

fn install(klaviyo: &Simulator) -> Installation {
    let token = klaviyo.install(App::DEMO_CLIENT_ID, Account::DEMO_KEY, &["lists:read"]).unwrap();
    let client = Client::new(App::DEMO_CLIENT_ID, App::DEMO_CLIENT_SECRET).unwrap();
    Installation { client, refresh_token: Arc::new(Secret::new(&token).unwrap()) }
}

impl Stage {
    /// A process that uses the account.
    fn process(&self) -> OAuth {
        self.process_of(self.installation.clone(), Duration::from_millis(50))
    }

    fn process_of(&self, installation: Installation, takes: Duration) -> OAuth {
        let transport = InProcess { klaviyo: Arc::clone(&self.klaviyo), takes };
        let endpoint = TokenEndpoint::new(transport, Egress::default(), &Limits::default());
        OAuth::new(endpoint, "shop-1", installation, self.shared.clone())
    }

    fn accepts(&self, token: &str) -> bool {
        let request = Request::get("https://a.klaviyo.com/api/lists/")
            .header("authorization", format!("Bearer {token}"))
            .header("revision", "2025-01-15");
        match self.klaviyo.answer(request.body(Bytes::new()).unwrap()) {
            Reply::Answer(answer) => answer.status() == 200,
            _ => false,
        }
    }
}

async fn token(process: &OAuth) -> Result<String, CredentialsError> {
    process.authorize().await.map(|authorization| authorization.secret().expose().to_owned())
}

fn is_ended(result: &Result<String, CredentialsError>) -> bool {
    matches!(result, Err(CredentialsError::Refused { code: "invalid_grant", reason }) if reason.contains("connect --account shop-1"))
}

/// After an hour at Klaviyo.
async fn token_after_401(process: &OAuth) -> Result<String, CredentialsError> {
    let authorization = process.authorize().await?;
    assert!(process.refused(&authorization));
    token(process).await
}

#[tokio::test(start_paused = true)]
async fn one_refresh_serves_all_processes() {
    let stage = stage(klaviyo().rotate_refresh_tokens());
    let processes: Vec<OAuth> = (0..8).map(|_| stage.process()).collect();
    let asked: Vec<_> = (0..64)
        .map(|n| {
            let process = processes[n % 8].clone();
            tokio::spawn(async move { token(&process).await.unwrap() })
        })
        .collect();
    let mut tokens = Vec::new();
    for asked in asked {
        tokens.push(asked.await.unwrap());
    }
    tokens.dedup();
    assert_eq!((tokens.len(), stage.klaviyo.refreshes()), (1, 1));
    assert!(stage.accepts(&tokens[0]));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_klaviyo_refuses_is_renewed_once_and_a_good_one_stays() {
    let stage = stage(klaviyo().rotate_refresh_tokens());
    let (one, other) = (stage.process(), stage.process());
    let first = token(&one).await.unwrap();
    assert_eq!(token(&other).await.unwrap(), first);
    stage.klaviyo.advance(Duration::from_secs(3600));
    let (a, b) = tokio::join!(token_after_401(&one), token_after_401(&other));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_ne!(a, first);
    assert_eq!((&a, stage.klaviyo.refreshes()), (&b, 2));
    // Another 401 soon after is about something else.
    assert!(!one.refused(&one.authorize().await.unwrap()));
    assert_eq!(stage.klaviyo.refreshes(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_while_requests_go_on() {
    // Of eight seconds, the last five count as the end.
    let stage = stage(klaviyo().access_token_lifetime(Duration::from_secs(8)));
    let process = stage.process_of(stage.installation.clone(), Duration::ZERO);
    let first = token(&process).await.unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while token(&process).await.unwrap() == first {
        assert!(Instant::now() < end);
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stage.klaviyo.refreshes(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_comes_after_goes_on_with_the_rotated_token() {
    let stage = stage(klaviyo().rotate_refresh_tokens());
    let mut before = String::new();
    for n in 1..=5 {
        // Each process ends after its refresh; the installation's own token is long gone.
        let process = stage.process();
        let now = if n == 1 { token(&process).await } else { token_after_401(&process).await };
        let now = now.unwrap();
        assert_ne!(now, before);
        assert_eq!(stage.klaviyo.refreshes(), n);
        before = now;
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_while_it_asks_is_replaced() {
    for rotates in [false, true] {
        let klaviyo = if rotates { klaviyo().rotate_refresh_tokens() } else { klaviyo() };
        let stage = stage(klaviyo);
        // Klaviyo has done what it was asked for, and the process does not hear of it.
        let doomed = stage.process_of(stage.installation.clone(), Duration::from_secs(1_000));
        let process = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
            runtime.unwrap().block_on(async {
                tokio::select! {
                    _ = token(&doomed) => panic!("the answer takes longer"),
                    () = sleep(Duration::from_secs(1)) => {}
                }
            });
        });
        process.join().unwrap();
        assert_eq!(stage.klaviyo.refreshes(), 1);
        let since = Instant::now();
        let next = token(&stage.process()).await;
        assert!(since.elapsed() >= Duration::from_secs(20));
        if rotates {
            assert!(is_ended(&next), "{next:?}");
        } else {
            assert!(stage.accepts(&next.unwrap()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_takes_no_renewal_with_it() {
    let stage = stage(klaviyo().rotate_refresh_tokens());
    let process = stage.process();
    tokio::select! {
        _ = token(&process) => panic!("the answer takes longer"),
        () = sleep(Duration::from_millis(10)) => {}
    }
    process.settled().await;
    let other = token(&stage.process()).await.unwrap();
    assert_eq!((token(&process).await.unwrap(), stage.klaviyo.refreshes()), (other, 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_that_could_not_be_kept() {
    let stage = stage(klaviyo().rotate_refresh_tokens());
    *stage.shared.good.lock() = Some(0);
    let error = token(&stage.process()).await.unwrap_err();
    assert!(
        matches!(&error, CredentialsError::Unavailable { reason, .. } if reason.contains("the disk is full"))
    );
    assert_eq!(stage.klaviyo.refreshes(), 0);
    *stage.shared.good.lock() = None;
    assert!(stage.accepts(&token(&stage.process()).await.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn tokens_that_cannot_be_kept_at_once_are_used_and_kept_later() {
    let stage = stage(klaviyo().rotate_refresh_tokens());
    // The refresher is written, and nothing after it.
    *stage.shared.good.lock() = Some(1);
    let process = stage.process();
    let first = token(&process).await.unwrap();
    assert!(stage.accepts(&first));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(token(&process).await.unwrap(), first);
    let tried = stage.shared.writes.load(Ordering::Relaxed);
    assert!(tried > 3, "{tried}");
    *stage.shared.good.lock() = None;
    sleep(Duration::from_secs(11)).await;
    assert_eq!(token(&stage.process()).await.unwrap(), first);
    assert_eq!(stage.klaviyo.refreshes(), 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_kept_though_the_store_does_not_say_so_stay() {
    for rotates in [false, true] {
        let stage = stage(if rotates { klaviyo().rotate_refresh_tokens() } else { klaviyo() });
        *stage.shared.good.lock() = Some(1);
        stage.shared.loses_answers.store(true, Ordering::Relaxed);
        let process = stage.process();
        let first = token(&process).await.unwrap();
        // Another process has them already, and a newer one after that is not overwritten.
        let other = stage.process();
        assert_eq!(token(&other).await.unwrap(), first);
        *stage.shared.good.lock() = None;
        let next = token_after_401(&other).await.unwrap();
        process.settled().await;
        assert_eq!(token(&stage.process()).await.unwrap(), next, "{rotates}");
        assert_eq!(stage.klaviyo.refreshes(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_asked_for_again() {
    for (rotates, fault) in [(false, "reset-after"), (true, "reset-before"), (true, "reset-after")] {
        let faults = Faults::seeded(1).rule(format!("POST /oauth/token: #1 {fault}").parse().unwrap());
        let klaviyo = klaviyo().faults(faults);
        let stage = stage(if rotates { klaviyo.rotate_refresh_tokens() } else { klaviyo });
        let process = stage.process();
        assert!(matches!(token(&process).await, Err(CredentialsError::Attempt(AttemptError::Connection(_)))));
        let again = token(&process).await;
        if rotates && fault == "reset-after" {
            assert!(is_ended(&again), "{again:?}");
        } else {
            assert!(stage.accepts(&again.unwrap()), "{rotates} {fault}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_klaviyo_cannot_do_now_is_not_a_refusal() {
    for fault in ["status 503", "status 429 retry-after 7", "html 403", "garbage"] {
        let faults = Faults::seeded(1).rule(format!("POST /oauth/token: #1 {fault}").parse().unwrap());
        let stage = stage(klaviyo().faults(faults));
        let process = stage.process();
        let error = token(&process).await.unwrap_err();
        let expected = fault.ends_with('7').then_some(Duration::from_secs(7));
        assert!(
            matches!(&error, CredentialsError::Unavailable { retry_after, .. } if *retry_after == expected),
            "{fault}: {error:?}"
        );
        assert!(token(&process).await.is_ok(), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_uninstalled_is_out_until_the_account_is_connected_anew() {
    let stage = stage(klaviyo().rotate_refresh_tokens());
    let process = stage.process();
    token(&process).await.unwrap();
    stage.klaviyo.uninstall(App::DEMO_CLIENT_ID);
    assert!(is_ended(&token_after_401(&process).await));
    let before = stage.shared.writes.load(Ordering::Relaxed);
    assert!(is_ended(&token(&process).await));
    assert_eq!(stage.shared.writes.load(Ordering::Relaxed), before);

    // The file has another installation now. A process that has not read it yet changes nothing back.
    let anew = install(&stage.klaviyo);
    let next = stage.process_of(anew.clone(), Duration::ZERO);
    let now = token(&next).await.unwrap();
    assert!(stage.accepts(&now));
    assert_eq!(token(&stage.process()).await.unwrap(), now);
    assert_eq!(token(&stage.process_of(anew, Duration::ZERO)).await.unwrap(), now);
    assert_eq!(stage.klaviyo.refreshes(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_client_secret_is_told_from_an_ended_grant() {
    let stage = stage(klaviyo());
    let client = Client::new(App::DEMO_CLIENT_ID, "not-the-secret").unwrap();
    let process = stage.process_of(Installation { client, ..stage.installation.clone() }, Duration::ZERO);
    let error = token(&process).await.unwrap_err();
    assert!(matches!(&error, CredentialsError::Refused { code: "invalid_client", .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_shown_or_kept_has_a_secret_in_it() {
    let stage = stage(klaviyo().rotate_refresh_tokens());
    let process = stage.process();
    let authorization = process.authorize().await.unwrap();
    let shown = format!("{process:?} {authorization:?} {:?}", stage.installation);
    let kept = stage.shared.load().await.unwrap().unwrap().contents;
    let kept = String::from_utf8(kept).unwrap();
    let first = stage.installation.refresh_token.expose();
    assert_eq!(authorization.secrets().count(), 3);
    let secrets = authorization.secrets().map(|secret| secret.expose()).chain([first]);
    for secret in secrets {
        assert!(!shown.contains(secret) && !kept.contains(secret), "{shown} {kept}");
    }
}
