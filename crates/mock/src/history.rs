//! People of the demo account, and what they did.

use crate::account::Account;
use crate::clock::{self, Clock};
use crate::events::Report;
use serde_json::{Value, json};
use std::time::SystemTime;

impl Account {
    /// [`Account::demo`] with three people who did something before: Priya and Noah bought, Mei only read.
    /// Each event has its fixed time in January 2026, and is visible at once. Priya's profile is the first.
    #[must_use]
    pub fn demo_with_history() -> Self {
        let mut account = Self::demo();
        for (email, first_name, metric, time, properties) in events() {
            let Some(time) = clock::parse(time) else { continue };
            account.remember(email, first_name, metric, time, &properties);
        }
        account
    }

    /// Records an event as if the clock stood at its time.
    fn remember(
        &mut self,
        email: &str,
        first_name: &str,
        metric: &str,
        time: SystemTime,
        properties: &Value,
    ) {
        let attributes = json!({ "email": email, "first_name": first_name });
        let report = Report {
            attributes: attributes.as_object().cloned().unwrap_or_default(),
            metric: metric.to_owned(),
            properties: properties.as_object().cloned().unwrap_or_default(),
            ..Report::default()
        };
        let clock = std::mem::replace(&mut self.clock, Clock::stopped(time));
        self.record(report, time);
        self.clock = clock;
    }
}

/// The email, the first name, the metric, the time and the properties of each event, in the order of time.
fn events() -> [(&'static str, &'static str, &'static str, &'static str, Value); 8] {
    const PRIYA: (&str, &str) = ("priya@example.com", "Priya");
    const NOAH: (&str, &str) = ("noah@example.com", "Noah");
    const MEI: (&str, &str) = ("mei@example.com", "Mei");
    let site = |page: &str| json!({ "page": format!("https://shop.example.com/{page}") });
    let email = |subject: &str| json!({ "Subject": subject });
    let order = |id: &str, value: f64, items: &[(&str, u32, f64)]| {
        let item = |(name, quantity, price): &(&str, u32, f64)| json!({ "ProductName": name, "Quantity": quantity, "ItemPrice": price });
        let items: Vec<Value> = items.iter().map(item).collect();
        json!({ "OrderId": id, "Items": items, "$value": value, "$currency_code": "USD", "$event_id": id })
    };
    let of = |person: (&'static str, &'static str), metric, time, properties| {
        (person.0, person.1, metric, time, properties)
    };
    [
        of(PRIYA, "Active on Site", "2026-01-05T18:02:11Z", site("shoes")),
        of(
            PRIYA,
            "Placed Order",
            "2026-01-05T18:20:45Z",
            order("1001", 84.5, &[("Trail shoes", 1, 69.5), ("Wool socks", 2, 7.5)]),
        ),
        of(PRIYA, "Opened Email", "2026-01-06T07:30:05Z", email("Your order is on its way")),
        of(NOAH, "Placed Order", "2026-01-07T11:15:00Z", order("1002", 120.0, &[("Rain jacket", 1, 120.0)])),
        of(MEI, "Opened Email", "2026-01-08T09:41:37Z", email("New in January")),
        of(MEI, "Active on Site", "2026-01-08T09:43:02Z", site("new")),
        of(PRIYA, "Active on Site", "2026-01-11T20:12:09Z", site("socks")),
        of(PRIYA, "Placed Order", "2026-01-11T20:19:58Z", order("1003", 22.5, &[("Wool socks", 3, 7.5)])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_people_did_what_they_did_at_fixed_times() {
        let account = Account::demo_with_history();
        assert_eq!(account.events().count(), events().len());
        let metrics: BTreeSet<&str> = account.metrics().map(|metric| metric.name.as_str()).collect();
        assert_eq!(metrics, BTreeSet::from(["Active on Site", "Opened Email", "Placed Order"]));
        let priya = &account.profiles()[0];
        assert_eq!(priya.attributes["email"], "priya@example.com");
        assert_eq!(priya.created, "2026-01-05T18:02:11+00:00");
        assert_eq!(priya.updated, "2026-01-11T20:19:58+00:00");
        assert_eq!(priya.last_event_date.as_ref(), Some(&priya.updated));
        assert_eq!(account.events.shown(Some(&priya.id)).len(), 5);
    }

    #[test]
    fn the_value_of_an_order_is_that_of_its_items() {
        for (.., properties) in events() {
            let Some(items) = properties["Items"].as_array() else { continue };
            let number = |item: &Value, name: &str| item[name].as_f64().unwrap();
            let sum: f64 = items.iter().map(|i| number(i, "Quantity") * number(i, "ItemPrice")).sum();
            assert!((sum - number(&properties, "$value")).abs() < 0.001, "{properties}");
        }
    }
}
