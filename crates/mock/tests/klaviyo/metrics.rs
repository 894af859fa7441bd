//! Metrics come into being with their first events.

use crate::client::{Client, JOB, server};
use klaviyo_mock::Account;
use serde_json::json;

#[test]
fn a_metric_is_made_by_its_first_event() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    for n in 0..201 {
        let person = json!({ "email": "a@example.com" });
        client.report(&format!("Metric {n}"), person.clone(), json!({}));
        client.report(&format!("Metric {n}"), person, json!({ "unique_id": "again" }));
    }
    assert!(client.get("/api/metrics").ids().is_empty());
    server.advance(JOB);
    let pages = client.pages("/api/metrics/");
    let sizes: Vec<usize> = pages.iter().map(|page| page.ids().len()).collect();
    assert_eq!(sizes, [200, 1]);
    let first = pages[0].at("/data/0");
    assert_eq!(first["attributes"]["name"], "Metric 0");
    assert_eq!(first["attributes"]["integration"]["name"], "API");
    let id = first["id"].as_str().unwrap();
    assert_eq!(id.len(), 6);
    assert_eq!(client.get(&format!("/api/metrics/{id}")).at("/data"), first);
    let sparse = client.get(&format!("/api/metrics/{id}?fields[metric]=name"));
    assert_eq!(sparse.at("/data/attributes"), &json!({ "name": "Metric 0" }));
    assert_eq!(client.get("/api/metrics/X").error(), (404, "not_found", ""));

    assert_eq!(client.get("/api/metrics?filter=equals(integration.name,'API')").ids().len(), 200);
    assert!(client.get("/api/metrics?filter=equals(integration.name,'Shopify')").ids().is_empty());
    assert_eq!(client.get("/api/metrics?filter=equals(name,'Metric')").error(), (400, "invalid", "filter"));
    assert_eq!(client.get("/api/metrics?page[size]=5").error(), (400, "invalid", "page[size]"));
}
