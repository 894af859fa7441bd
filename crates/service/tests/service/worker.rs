//! Workers on accounts.

use crate::stage::{LIST, PATIENCE, Running, key_of, opt_in, receipts, stage, stage_on, until};
use klaviyo_mock::{Faults, Nats};
use klaviyo_service::opt_in::OptIn;
use klaviyo_service::outcome::Outcome;
use klaviyo_service::queue::Lane;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};

#[tokio::test(flavor = "multi_thread")]
async fn one_alone_takes_the_three_steps_and_many_take_few_requests() {
    let stage = stage(&["shop-1"]).await;
    let worker = stage.worker().await;
    let first =
        stage.put(&[opt_in("shop-1", 0, json!({ "first_name": "Priya", "list": "WhatsApp Opt-Ins" }))]).await;
    let receipt = receipts(stage.outcomes(&first).await).remove(0);
    assert_eq!((receipt.created, receipt.list_id.as_str()), (true, LIST));
    assert_eq!(receipt.profile_name.as_deref(), Some("Priya"));
    assert!(receipt.profile_id.is_some());
    // One more request finds the list.
    assert_eq!(stage.requests("shop-1"), 4);
    worker.stop().await;

    // A person who exists with another name; new people; one of them twice.
    let mut many: Vec<OptIn> = (0..2_000)
        .map(|n| opt_in("shop-1", n, json!({ "id": format!("b{n}"), "first_name": "Ada" })))
        .collect();
    many.push(opt_in("shop-1", 7, json!({ "id": "again", "email": "P00007@example.com" })));
    let many = stage.put(&many).await;
    let worker = stage.worker().await;
    let receipts = receipts(stage.outcomes(&many).await);
    assert!(!receipts[0].created);
    assert_eq!(receipts[0].profile_name.as_deref(), Some("Priya"));
    assert_eq!(receipts[0].warnings.len(), 1);
    assert!(receipts[1].created);
    assert_eq!(stage.members("shop-1").len(), 2_000);
    let requests = stage.requests("shop-1") - 4;
    assert!(requests < 50, "{requests}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_people_are_imported_and_consent_follows() {
    let stage = stage(&["shop-1"]).await;
    let bare: Vec<OptIn> = (0..1_500)
        .map(|n| opt_in("shop-1", n, json!({ "consent": ["email"], "consent_source": "a form" })))
        .collect();
    stage.klaviyo.account_of(&key_of("shop-1")).unwrap().refuse_to_import("p00003@example.com", "no");
    let keys = stage.put(&bare).await;
    let worker = stage.worker().await;
    let receipts = receipts(stage.outcomes(&keys).await);
    assert!(receipts[0].created && receipts[0].profile_id.is_none());
    // An opt-in that an import has refused is tried by itself.
    assert!(receipts[3].profile_id.is_some());
    assert_eq!(stage.members("shop-1").len(), 1_500);
    {
        let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
        assert_eq!(account.requests_of("bulk_import_profiles"), 1);
        for email in ["p00000@example.com", "p00003@example.com", "p01499@example.com"] {
            let profile = account.profile("email", email).unwrap();
            assert!(profile.consent(klaviyo_mock::Channel::Email).is_given(), "{email}");
        }
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_a_dead_letter_until_it_is_retried_or_dropped() {
    let stage = stage(&["shop-1"]).await;
    let mut opt_ins: Vec<OptIn> = (0..30).map(|n| opt_in("shop-1", n, json!({}))).collect();
    // The first is invalid, the simulator refuses the second, and the list of the third does not exist.
    opt_ins.push(opt_in("shop-1", 100, json!({ "email": "nobody" })));
    opt_ins.push(opt_in("shop-1", 101, json!({ "email": null, "phone_number": "+2901234" })));
    opt_ins.push(opt_in("shop-1", 102, json!({ "list": "There is none" })));
    let keys = stage.put(&opt_ins).await;
    let worker = stage.worker().await;
    let outcomes = stage.outcomes(&keys).await;
    assert_eq!(receipts(outcomes[..30].to_vec()).len(), 30);
    let codes: Vec<String> = outcomes[30..]
        .iter()
        .map(|outcome| match outcome {
            Outcome::Dead(reason) => reason.code.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(codes, ["invalid-input", "rejected", "not-found"]);

    for (key, _) in &keys[30..] {
        stage.letter(key).await;
    }
    let letters = stage.queue.dead(Some(&"shop-1".parse().unwrap())).await.unwrap();
    assert_eq!(letters.len(), 3);
    assert!(stage.queue.dead(Some(&"shop-2".parse().unwrap())).await.unwrap().is_empty());
    let letter = stage.letter(&keys[32].0).await;
    assert_eq!(
        (
            &serde_json::from_str::<serde_json::Value>(letter.body.opt_in.get()).unwrap()["id"],
            letter.body.attempts
        ),
        (&json!("102"), 1)
    );

    // The list is created, and the dead letter is retried.
    stage.klaviyo.account_of(&key_of("shop-1")).unwrap().add_list("Nw1234", "There is none");
    stage.queue.retry(&letter).await.unwrap();
    let receipt = receipts(stage.outcomes(&keys[32..]).await).remove(0);
    assert_eq!(receipt.list_id, "Nw1234");
    assert!(stage.queue.dead_letter(&keys[32].0).await.unwrap().is_none());

    let letter = stage.letter(&keys[31].0).await;
    stage.queue.give_up(&letter).await.unwrap();
    assert_eq!(stage.outcomes(&keys[31..32]).await, [Outcome::Dropped]);
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_opt_in_with_the_same_id_is_not_done_again() {
    let stage = stage(&["shop-1"]).await;
    let worker = stage.worker().await;
    let one = opt_in("shop-1", 1, json!({}));
    let keys = stage.put(std::slice::from_ref(&one)).await;
    let outcome = stage.outcomes(&keys).await;
    let again = stage.queue.put(Lane::OptIns, vec![(keys[0].0.clone(), one.to_json())]).await.remove(0);
    assert!(again.unwrap().duplicate);
    // After JetStream's memory has ended it is the outcome that says so; and a stranger's words are no
    // opt-in.
    let client = async_nats::connect(stage.nats.url()).await.unwrap();
    let requests = stage.requests("shop-1");
    for text in [serde_json::to_string(&one).unwrap(), "{}".to_owned(), "\u{0}".to_owned()] {
        client.publish("klaviyo.opt-ins.shop-1", text.into()).await.unwrap();
    }
    client.flush().await.unwrap();
    let end = Instant::now() + PATIENCE;
    while stage.queue.dead_letters().await.unwrap() < 2 || !stage.queue.waiting().await.unwrap().is_empty() {
        assert!(Instant::now() < end);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stage.requests("shop-1"), requests);
    assert_eq!(stage.outcomes(&keys).await, outcome);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_pauses_its_account_only_and_a_right_one_resumes_it() {
    let stage = stage(&["shop-1", "shop-2"]).await;
    let file = stage.keys.path().join("shop-1.api-key");
    std::fs::write(&file, "pk_wrong").unwrap();
    let worker = stage.worker().await;
    let paused: Vec<OptIn> = (0..20).map(|n| opt_in("shop-1", n, json!({}))).collect();
    let paused = stage.put(&paused).await;
    let without_key = stage.put(&[opt_in("shop-3", 1, json!({}))]).await;
    let other = stage.put(&[opt_in("shop-2", 1, json!({}))]).await;
    assert_eq!(receipts(stage.outcomes(&other).await).len(), 1);
    let state = |pointer: &str| worker.health.readiness().document.pointer(pointer).cloned();
    until("the account is paused", || {
        state("/accounts/shop-1/error/code") == Some(json!("unauthenticated"))
            && state("/without_key") == Some(json!(["shop-3"]))
    })
    .await;
    assert!(worker.health.readiness().ready);
    let requests = stage.requests("shop-1");
    std::fs::write(&file, key_of("shop-1")).unwrap();
    assert_eq!(receipts(stage.outcomes(&paused).await).len(), 20);
    assert!(stage.requests("shop-1") > requests);
    let still = stage.queue.outcome(&without_key[0].0, without_key[0].1).await.unwrap();
    assert_eq!(still, Some(Outcome::Waiting));

    // A missing scope does the same.
    stage.klaviyo.account_of(&key_of("shop-2")).unwrap().add_key("pk_narrow", &["lists:read"]);
    let file = stage.keys.path().join("shop-2.api-key");
    std::fs::write(&file, "pk_narrow").unwrap();
    let mut n = 1;
    let mut keys = Vec::new();
    // The worker goes on with the old key until it has read the new one.
    while state("/accounts/shop-2/error/code") != Some(json!("forbidden")) {
        n += 1;
        assert!(n < 100, "the key is not read");
        keys.extend(stage.put(&[opt_in("shop-2", n, json!({}))]).await);
        sleep(Duration::from_millis(200)).await;
    }
    std::fs::write(&file, key_of("shop-2")).unwrap();
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), keys.len());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_klaviyo_that_is_away_is_waited_for() {
    let stage = stage(&["shop-1"]).await;
    let away = |rule: &str| stage.klaviyo.set_faults(Faults::none().rule(rule.parse().unwrap()));
    away("GET /api/*: always status 503");
    let opt_ins: Vec<OptIn> = (0..20).map(|n| opt_in("shop-1", n, json!({}))).collect();
    let keys = stage.put(&opt_ins).await;
    let worker = stage.worker().await;
    until("it is tried", || stage.klaviyo.requests() > 0).await;
    stage.klaviyo.set_faults(Faults::none());
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 20);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_too_often_is_given_up() {
    let stage = stage(&["shop-1"]).await;
    let rule = "GET /api/profiles: always garbage";
    stage.klaviyo.set_faults(Faults::none().rule(rule.parse().unwrap()));
    let keys = stage.put(&[opt_in("shop-1", 1, json!({}))]).await;
    let worker = stage.worker().await;
    let outcomes = stage.outcomes(&keys).await;
    assert!(matches!(&outcomes[0], Outcome::Dead(reason) if reason.code == "malformed"), "{outcomes:?}");
    let letter = stage.letter(&keys[0].0).await;
    assert_eq!(letter.body.attempts, 3);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_move_when_workers_come_and_go() {
    let names: Vec<String> = (1..=8).map(|n| format!("shop-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let stage = stage(&names).await;
    let opt_ins = async |round: usize| {
        let opt_ins: Vec<OptIn> = names.iter().map(|name| opt_in(name, round, json!({}))).collect();
        stage.put(&opt_ins).await
    };
    let one = stage.worker().await;
    let keys = opt_ins(1).await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 8);
    let mut other = stage.worker().await;
    let accounts = |worker: &Running| {
        let document = worker.health.readiness().document;
        document["accounts"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let (mut round, mut since, end) = (1, Instant::now(), Instant::now() + PATIENCE);
    // As long as opt-ins come, accounts stay with their workers.
    loop {
        round += 1;
        let keys = opt_ins(round).await;
        stage.outcomes(&keys).await;
        let (ones, others) = (accounts(&one), accounts(&other));
        assert!(ones.iter().all(|account| !others.contains(account)), "{ones:?} {others:?}");
        if !ones.is_empty() && !others.is_empty() && ones.len() + others.len() == 8 {
            break;
        }
        // With one name in 128 a worker is assigned none of eight accounts, or all. Then another name is
        // tried.
        if (ones.is_empty() || others.is_empty()) && since.elapsed() > PATIENCE / 4 {
            other.stop().await;
            (other, since) = (stage.worker().await, Instant::now());
        }
        assert!(Instant::now() < end, "{ones:?} {others:?}");
    }
    other.stop().await;
    let keys = opt_ins(round + 1).await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 8);
    one.stop().await;
    for name in &names {
        assert_eq!(stage.members(name).len(), round + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nats_that_restarts_loses_nothing() {
    let mut stage = stage(&["shop-1"]).await;
    let worker = stage.worker().await;
    let mut keys = stage.put(&[opt_in("shop-1", 1, json!({}))]).await;
    stage.outcomes(&keys).await;
    stage.nats.kill().unwrap();
    until("it is noticed", || !worker.health.readiness().ready).await;
    let other = opt_in("shop-1", 2, json!({})).to_json();
    assert!(stage.queue.put(Lane::OptIns, vec![(keys[0].0.clone(), other)]).await.remove(0).is_err());
    stage.nats.restart().unwrap();
    until("it is back", || worker.health.readiness().ready && stage.queue.is_connected()).await;
    keys.extend(stage.put(&[opt_in("shop-1", 2, json!({}))]).await);
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 2);
    worker.stop().await;
}

/// A server that is killed can come back with messages that its consumer has acknowledged: here one is made
/// to.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_nats_forgets_to_give_out_is_found() {
    for server in Nats::servers() {
        what_is_forgotten_is_found(Nats::start_with(server.program).unwrap()).await;
    }
}

async fn what_is_forgotten_is_found(nats: Nats) {
    let mut stage = stage_on(nats, &["shop-1"]).await;
    let opt_ins: Vec<OptIn> = (0..3).map(|n| opt_in("shop-1", n, json!({}))).collect();
    let keys = stage.put(&opt_ins).await;
    let messages = stage.nats.stored("KLAVIYO_OPT_INS").join("msgs");
    let consumer = stage.nats.stored("KLAVIYO_OPT_INS").join("obs/shop-1/o.dat");
    let copies: Vec<(PathBuf, Vec<u8>)> = std::fs::read_dir(&messages)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    let worker = stage.worker().await;
    stage.outcomes(&keys).await;
    worker.stop().await;
    let requests = stage.requests("shop-1");
    let modified = || std::fs::metadata(&consumer).and_then(|file| file.modified()).ok();
    until("the acknowledgements are on the disk", || {
        modified().is_some_and(|time| time.elapsed().is_ok_and(|age| age > Duration::from_secs(1)))
    })
    .await;
    stage.nats.kill().unwrap();
    std::fs::remove_dir_all(&messages).unwrap();
    std::fs::create_dir(&messages).unwrap();
    for (path, bytes) in copies {
        std::fs::write(path, bytes).unwrap();
    }
    stage.nats.restart().unwrap();
    until("the queue is back", || stage.queue.is_connected()).await;
    assert_eq!(stage.queue.waiting().await.unwrap().total(), 3);
    let forgetting = stage.queue.account(&"shop-1".parse().unwrap(), Lane::OptIns).await.unwrap();
    assert!(forgetting.take(10, 5_000_000, Duration::from_secs(1)).await.unwrap().is_empty());

    let worker = stage.worker().await;
    let end = Instant::now() + PATIENCE;
    while !stage.queue.waiting().await.unwrap().is_empty() {
        assert!(Instant::now() < end, "they are not given out");
        sleep(Duration::from_millis(50)).await;
    }
    // They were done before, and are not done again.
    assert_eq!(stage.requests("shop-1"), requests);
    worker.stop().await;
}
