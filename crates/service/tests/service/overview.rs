//! What the status page is told, by the rights of who asks, on each NATS server that there is.

use super::door::get;
use super::permissions::{deployed, make_streams, queue};
use crate::stage::{opt_in, stage_at, until};
use klaviyo_mock::Nats;
use klaviyo_service::ops::{Listener, ListenerSettings};
use klaviyo_service::overview::{Overview, routes};
use klaviyo_service::queue::Role;
use serde_json::{Value, json};
use std::sync::Arc;

/// The URL of an overview that is shown until the test ends.
async fn shown(overview: Overview) -> String {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), ListenerSettings::default()).unwrap();
    let url = format!("http://{}", listener.address().unwrap());
    tokio::spawn(listener.serve(routes(Arc::new(overview)), std::future::pending()));
    url
}

async fn told(url: &str) -> Value {
    let (status, text) = get(url, "/overview").await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_all_and_a_worker_what_it_may_read() {
    for server in Nats::servers() {
        let nats = deployed(server, "");
        make_streams(&nats).await;
        let (as_operator, as_worker) = (queue(&nats, Role::Operator).await, queue(&nats, Role::Worker).await);
        let stage = stage_at(nats, Arc::clone(&as_operator), &["shop-1"]);
        let urls = [
            shown(Overview::to_decide(Arc::clone(&as_operator))).await,
            shown(Overview::to_look(Arc::clone(&as_worker))).await,
        ];
        let waiting =
            [opt_in("shop-1", 1, json!({ "list": "no such list" })), opt_in("shop-2", 2, json!({}))];
        stage.put(&waiting).await;
        for (url, decides) in urls.iter().zip([true, false]) {
            let told = told(url).await;
            let account = |n: usize, pointer: &str| told["accounts"][n].pointer(pointer).cloned().unwrap();
            assert_eq!(told["decides"], decides);
            assert_eq!((&told["workers"], account(0, "/state/name")), (&json!(0), json!("no-worker")));
            assert_eq!(told["lanes"]["opt-ins"]["count"], 2);
            assert!(told["lanes"]["opt-ins"]["oldest"].as_i64() <= told["at"].as_i64());
            assert!(told["lanes"]["opt-outs"]["oldest"].is_null());
            assert_eq!(account(0, "/lanes/opt-ins/count"), 1);
            assert_eq!(account(0, "/lanes/opt-ins/oldest").is_i64(), decides);
        }

        let worker = stage.worker_at(as_worker);
        // Each of the two shows what it has read for a second, so each is waited for.
        until("the worker has told of itself, and both show that one opt-in is dead", || {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    let [all, some] = [told(&urls[0]).await, told(&urls[1]).await];
                    let states: Vec<&str> = all["accounts"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter_map(|one| one["state"]["name"].as_str())
                        .collect();
                    all["letters"].as_array().unwrap().len() == 1
                        && states.contains(&"without-key")
                        && some["dead_letters"] == 1
                })
            })
        })
        .await;
        let [all, some] = [told(&urls[0]).await, told(&urls[1]).await];
        assert_eq!(all["dead_letters"], 1);
        assert_eq!(some["letters"], json!([]));
        assert_eq!((&all["letters"][0]["code"], &all["workers"]), (&json!("not-found"), &json!(1)));
        let address = waiting[0].email.as_deref().unwrap();
        assert!(!all.to_string().contains(address), "{all}");
        let id = all["letters"][0]["id"].as_str().unwrap();
        let (status, whole) = get(&urls[0], &format!("/overview/dead-letters/{id}")).await;
        assert!(status == 200 && whole.contains(address), "{whole}");
        assert_eq!(get(&urls[1], &format!("/overview/dead-letters/{id}")).await.0, 404);
        worker.stop().await;
    }
}
