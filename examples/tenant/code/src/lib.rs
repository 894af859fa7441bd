//! The code of a shop: whoever writes SUBSCRIBE is opted in and gives consent to messages on WhatsApp. Everybody is
//! greeted by the name that Klaviyo knows and by what they ordered last.

/// Generated from `wit/`, with the connector's contract.
#[allow(missing_docs, unreachable_pub, unsafe_code)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod bindings {
    wit_bindgen::generate!({ path: ["../../../wit", "wit"], world: "shop:code/shop", generate_all });

    // The names of a component's exports are no symbols that another platform's linker takes.
    #[cfg(target_arch = "wasm32")]
    use super::Shop;
    #[cfg(target_arch = "wasm32")]
    export!(Shop);
}

use bindings::exports::shop::code::automation::Guest;
use bindings::klaviyo::connector::contacts::{Permission, lookup, opt_in};
use bindings::klaviyo::connector::events::{Event, Period, history};
use bindings::klaviyo::connector::types::{Channel, Identifier, NewProfile};
use serde_json::Value;

/// The shop's list for people who opted in on WhatsApp.
const LIST: &str = "Y6nRLr";

struct Shop;

impl Guest for Shop {
    fn on_message(from: String, name: String, text: String) -> String {
        let answer = match text.trim().to_uppercase().as_str() {
            "SUBSCRIBE" => subscribe(from, name),
            _ => greet(from),
        };
        answer.unwrap_or_else(|reason| format!("Sorry, that did not work. ({reason})"))
    }
}

fn subscribe(phone_number: String, name: String) -> Result<String, String> {
    let contact = NewProfile {
        email: None,
        phone_number: Some(phone_number),
        external_id: None,
        first_name: Some(name),
        last_name: None,
        organization: None,
        title: None,
        locale: None,
        image: None,
        location: None,
        properties: None,
    };
    let permission =
        Permission { channels: vec![Channel::Whatsapp], custom_source: Some("WhatsApp bot".to_owned()) };
    let receipt = opt_in(&contact, LIST, Some(&permission)).map_err(|error| error.message)?;
    let name = receipt.profile_name.unwrap_or_default();
    // Membership of the list allows no message: the promise needs the consent.
    Ok(if receipt.consent.iter().any(|permitted| permitted.refused.is_none()) {
        format!("You are now subscribed, {name}!")
    } else {
        format!("You are on the list, {name}!")
    })
}

fn greet(phone_number: String) -> Result<String, String> {
    let profile = lookup(&Identifier::PhoneNumber(phone_number)).map_err(|error| error.message)?;
    let Some((id, name)) = profile.and_then(|profile| Some((profile.id, profile.first_name?))) else {
        return Ok("Hello! Write SUBSCRIBE to hear from us.".to_owned());
    };
    Ok(match ordered_last(id)? {
        Some(item) => format!("Hello {name}! How do you like your {item}?"),
        None => format!("Hello {name}! What can we do for you?"),
    })
}

/// The first item of a person's newest order, if they have ordered anything lately.
fn ordered_last(profile: String) -> Result<Option<String>, String> {
    let lately = Period { since: None, until: None, limit: Some(50) };
    let timeline = history(&Identifier::Id(profile), &lately).map_err(|error| error.message)?;
    let events = timeline.map(|timeline| timeline.events).unwrap_or_default();
    let order = events.into_iter().find(|event| event.metric.as_deref() == Some("Placed Order"));
    Ok(order.and_then(first_item))
}

fn first_item(order: Event) -> Option<String> {
    let properties: Value = serde_json::from_str(&order.properties).ok()?;
    Some(properties.pointer("/Items/0/ProductName")?.as_str()?.to_owned())
}
