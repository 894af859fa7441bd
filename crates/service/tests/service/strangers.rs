//! The answers of a door to callers without a secret.

use crate::door::{SECRET, client, get, now, opened, person, post, signature};
use crate::stage::{Running, settings};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

async fn said(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The answers to an unsigned opt-in of an account, to a question about one, and to an unsigned notification.
async fn to_strangers(door: &Running, account: &str) -> Vec<(u16, String)> {
    let body = json!({ "account": account, "list": "x", "email": "a@example.com" }).to_string();
    let headers = |request: RequestBuilder, id: &str, at: i64, signature: &str| {
        request
            .header("webhook-id", id.to_owned())
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature.to_owned())
    };
    let opt_in = || client().post(format!("{}/v1/opt-ins", door.url)).body(body.clone());
    let id = format!("{account}.{}.1", "0".repeat(32));
    let outcome = || client().get(format!("{}/v1/opt-ins/{id}", door.url));
    let webhook = format!("{}/v1/whatsapp/{account}", door.url);
    let meta = |signature: &str| {
        client().post(&webhook).header("x-hub-signature-256", signature.to_owned()).body("{}")
    };
    let question = format!("{webhook}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=");
    let mut all = Vec::new();
    for request in [
        opt_in(),
        headers(opt_in(), "x", 1, "v1,AAAA"),
        headers(opt_in(), "x", now(), "v1,AAAA"),
        headers(
            opt_in(),
            "x",
            now(),
            &signature(&format!("whsec_{}", "A".repeat(32)), "x", now(), body.as_bytes()),
        ),
        headers(opt_in(), "x", now(), "AAAA"),
        outcome(),
        headers(outcome(), &id, 1, "v1,AAAA"),
        headers(outcome(), &id, now(), "v1,AAAA"),
        headers(outcome(), "other", now(), "v1,AAAA"),
        client().post(&webhook).body("{}"),
        meta("sha256=00"),
        meta("nothing"),
        client().get(&webhook),
        client().get(&question),
        client().get(format!("{question}nothing")),
    ] {
        all.push(said(request.send().await.unwrap()).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn who_the_accounts_are_is_not_told() {
    let stage = opened(&["shop-1", "shop-2"]).await;
    let has = |name: &str| stage.keys.path().join(name).exists();
    assert!(has("shop-1.whatsapp-app-secret") && !has("shop-2.whatsapp-app-secret"));
    for door in [stage.direct_door(settings()).await, stage.queue_door(settings()).await] {
        let here = to_strangers(&door, "shop-1").await;
        assert!(here.iter().all(|(status, _)| matches!(status, 401 | 403)), "{here:?}");
        // An account without a webhook, a missing one, and an invalid name.
        for other in ["shop-2", "nobody"] {
            assert_eq!(to_strangers(&door, other).await, here, "{other}");
        }
        let webhooks = to_strangers(&door, "no*body").await;
        assert_eq!(webhooks[9..], here[9..]);
        let (status, told) = get(&door.health_url, "/readyz").await;
        assert_eq!(
            (status, serde_json::from_str::<Value>(&told).unwrap()["accounts"].as_u64()),
            (200, Some(2))
        );
        assert!(!told.contains("shop-1"), "{told}");
        door.stop().await;
    }
}

/// An empty secret, and secrets that are easy to guess.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_with_a_secret_that_is_none() {
    let stage = opened(&["shop-1"]).await;
    for secret in ["whsec_", "whsec_AAAA", "password", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        std::fs::write(stage.keys.path().join("shop-1.signing-secret"), secret).unwrap();
        let door = stage.queue_door(settings()).await;
        let prefixed = format!("whsec_{}", secret.trim_start_matches("whsec_"));
        let body = person(1).to_string();
        let response = crate::door::post_at(&door, &prefixed, "msg_1", now(), body).await;
        assert_eq!(response.status(), 401, "{secret}");
        door.stop().await;
    }
    assert!(stage.queue.waiting().await.unwrap().is_empty());
    std::fs::write(stage.keys.path().join("shop-1.signing-secret"), SECRET).unwrap();
    let door = stage.queue_door(settings()).await;
    assert_eq!(post(&door, "msg_1", &person(1)).await.0, 202);
    door.stop().await;
}
