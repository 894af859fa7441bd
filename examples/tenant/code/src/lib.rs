//! The code of a shop: whoever writes SUBSCRIBE is opted in, and greeted by the name that Klaviyo knows.

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
use bindings::klaviyo::connector::contacts::{lookup, opt_in};
use bindings::klaviyo::connector::types::{Identifier, NewProfile};

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
    let receipt = opt_in(&contact, LIST, None).map_err(|error| error.message)?;
    Ok(format!("You are now subscribed, {}!", receipt.profile_name.unwrap_or_default()))
}

fn greet(phone_number: String) -> Result<String, String> {
    let profile = lookup(&Identifier::PhoneNumber(phone_number)).map_err(|error| error.message)?;
    Ok(match profile.and_then(|profile| profile.first_name) {
        Some(name) => format!("Hello {name}! What can we do for you?"),
        None => "Hello! Write SUBSCRIBE to hear from us.".to_owned(),
    })
}
