//! Accounts that have installed an app: their tokens, in one process and in many.

use crate::stage::{LIST, connect, key_of, opt_in, receipts, stage, until};
use async_nats::jetstream;
use klaviyo_host::oauth::{Installation, OAuth, TokenEndpoint};
use klaviyo_host::{Credentials, Egress, HttpTransport, Limits};
use klaviyo_mock::{Account, App, Faults, Nats};
use klaviyo_service::account::Account as Name;
use serde_json::json;

/// What `klaviyo-connector connect` writes after a person has let the app in.
fn installation(klaviyo: &klaviyo_mock::Server, account: &str) -> String {
    let token = klaviyo.install(App::DEMO_CLIENT_ID, &key_of(account), Account::SCOPES).unwrap();
    json!({
        "client_id": App::DEMO_CLIENT_ID,
        "client_secret": App::DEMO_CLIENT_SECRET,
        "refresh_token": token,
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_on_one_queue_refresh_once_and_go_on_after_each_other() {
    let stage = stage(&["shop-1"]).await;
    let account: Name = "shop-1".parse().unwrap();
    let text = installation(&stage.klaviyo, "shop-1");
    let egress = Egress::endpoint(&stage.klaviyo.url()).unwrap();
    // A process each: connections of their own, and no memory in common.
    let process = async || {
        let transport = HttpTransport::new(&egress, &Limits::default()).unwrap();
        let endpoint = TokenEndpoint::new(transport, egress.clone(), &Limits::default());
        let store = connect(&stage.nats).await.token_store(&account);
        OAuth::new(endpoint, "shop-1", Installation::from_json(&text).unwrap(), store)
    };
    let mut asked = Vec::new();
    for _ in 0..4 {
        let process = process().await;
        asked.extend((0..8).map(|_| {
            let process = process.clone();
            tokio::spawn(async move { process.authorize().await.map(|_| ()) })
        }));
    }
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    assert_eq!(stage.klaviyo.refreshes(), 1);

    // The first refresh token has ended: who comes later needs the one that is kept.
    let later = process().await;
    let authorization = later.authorize().await.unwrap();
    assert_eq!(stage.klaviyo.refreshes(), 1);
    assert!(later.refused(&authorization));
    later.authorize().await.unwrap();
    assert_eq!(stage.klaviyo.refreshes(), 2);
    process().await.authorize().await.unwrap();
    assert_eq!(stage.klaviyo.refreshes(), 2);

    let nats = jetstream::new(async_nats::connect(stage.nats.url()).await.unwrap());
    let bucket = nats.get_key_value("klaviyo-oauth").await.unwrap();
    let kept = String::from_utf8(bucket.get("shop-1").await.unwrap().unwrap().into()).unwrap();
    let first = Installation::from_json(&text).unwrap();
    assert!(kept.contains("\"sealed\""), "{kept}");
    for secret in ["access_", "refresh_0", App::DEMO_CLIENT_SECRET] {
        assert!(!kept.contains(secret), "{kept}");
    }
    assert!(!kept.contains(first.to_json().as_str()));
}

/// NATS is killed between the question and the answer.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_come_while_nats_is_away_are_used_and_kept_when_it_is_back() {
    let mut stage = stage(&["shop-1"]).await;
    stage.klaviyo.set_faults(Faults::none().rule("POST /oauth/token: #1 latency 2s".parse().unwrap()));
    let account: Name = "shop-1".parse().unwrap();
    let text = installation(&stage.klaviyo, "shop-1");
    let egress = Egress::endpoint(&stage.klaviyo.url()).unwrap();
    let process = async |nats: &Nats| {
        let transport = HttpTransport::new(&egress, &Limits::default()).unwrap();
        let endpoint = TokenEndpoint::new(transport, egress.clone(), &Limits::default());
        let store = connect(nats).await.token_store(&account);
        OAuth::new(endpoint, "shop-1", Installation::from_json(&text).unwrap(), store)
    };
    let first = process(&stage.nats).await;
    let before = stage.klaviyo.requests();
    let asked = tokio::spawn({
        let first = first.clone();
        async move { first.authorize().await.map(|_| ()) }
    });
    until("Klaviyo is asked", || stage.klaviyo.requests() > before).await;
    stage.nats.kill().unwrap();
    asked.await.unwrap().unwrap();
    assert_eq!(stage.klaviyo.refreshes(), 1);
    stage.nats.restart().unwrap();
    first.settled().await;
    // The token of the installation has ended: without those that are kept nobody could go on.
    process(&stage.nats).await.authorize().await.unwrap();
    assert_eq!(stage.klaviyo.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_uninstalled_pauses_its_account_until_it_is_connected_anew() {
    let stage = stage(&["shop-1", "shop-2"]).await;
    std::fs::remove_file(stage.keys.path().join("shop-1.api-key")).unwrap();
    let file = stage.keys.path().join("shop-1.oauth");
    std::fs::write(&file, installation(&stage.klaviyo, "shop-1")).unwrap();
    let worker = stage.worker().await;
    let keys = stage.put(&[opt_in("shop-1", 1, json!({}))]).await;
    let receipt = receipts(stage.outcomes(&keys).await).remove(0);
    assert_eq!(receipt.list_id, LIST);

    let tokens = |status: u16| {
        worker.metric(&format!("klaviyo_api_requests_total{{endpoint=\"oauth token\",status=\"{status}\"}}"))
    };
    assert_eq!(tokens(200), 1);

    stage.klaviyo.uninstall(App::DEMO_CLIENT_ID);
    let waiting: Vec<_> = (2..20).map(|n| opt_in("shop-1", n, json!({}))).collect();
    let waiting = stage.put(&waiting).await;
    let state = |pointer: &str| worker.health.readiness().document.pointer(pointer).cloned();
    until("the account is paused", || state("/accounts/shop-1/error/code") == Some(json!("unauthenticated")))
        .await;
    let message = state("/accounts/shop-1/error/message").unwrap().to_string();
    assert!(message.contains("klaviyo-connector connect --account shop-1"), "{message}");
    assert!(tokens(400) > 0);
    let other = stage.put(&[opt_in("shop-2", 1, json!({}))]).await;
    assert_eq!(receipts(stage.outcomes(&other).await).len(), 1);

    std::fs::write(&file, installation(&stage.klaviyo, "shop-1")).unwrap();
    assert_eq!(receipts(stage.outcomes(&waiting).await).len(), 18);
    worker.stop().await;
}
