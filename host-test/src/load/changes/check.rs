//! What must have been told, by what the simulator holds in the end.

use super::feed::{ByFeed, Feed, Item};
use crate::load::LIST;
use klaviyo_mock::Account;
use serde_json::Value;

/// The keys of all that is present.
pub(super) fn journal(account: &Account) -> ByFeed<Vec<String>> {
    let mut journal = ByFeed::<Vec<String>>::default();
    journal.of_mut(Feed::Profiles).extend(account.profiles().iter().map(|profile| {
        let title = profile.attributes.get("title").and_then(Value::as_str);
        Item::version(&profile.id, Some(&profile.updated), title, profile.last_event_date.as_deref()).key
    }));
    let joined = account.joined(LIST).map(|(id, time)| Item::membership(id, Some(time)).key);
    journal.of_mut(Feed::Members).extend(joined);
    // Klaviyo shows no events of people who were deleted.
    let events = account.events().filter(|event| account.profile("id", &event.profile).is_some());
    journal.of_mut(Feed::Events).extend(events.map(|event| Item::event(&event.id, None).key));
    journal
}
