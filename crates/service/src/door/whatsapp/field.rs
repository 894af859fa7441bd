//! The fields of a Flow, by their names.
//!
//! Names are given by whoever made the Flow, or by Meta's builder, such as `screen_0_Email_1`. Case,
//! separators and the builder's numbers do not count:
//!
//! | fields | say |
//! |---|---|
//! | `email`, `email_address`, `e-mail`, `mail`, `email_id`, and these with `your`, `customer` or `user` in front | the email |
//! | `name`, `full_name`, `your_name`, `customer_name`; `first_name`, `given_name`; `last_name`, `surname`, `family_name` | the name |
//! | `consent`, `opt_in`, `opted_in`, `subscribe`, `subscribed`, `newsletter`, `marketing`, `marketing_consent`, `marketing_opt_in`, `consent_to_marketing`, `accepts_marketing`, `agree_to_marketing`, `updates`, `receive_updates`, and these with `email` or `whatsapp` in them | yes or no |
//! | others with `consent`, `optin`, `subscri`, `newsletter`, `marketing` or `updates` in them, such as `want_our_newsletter` | no, and never yes |
//! | those with `unsubscribe`, `optout` or `optedout` in them | no, by yes |

use super::words::{is_number, letters};

/// The meaning of a field.
pub(super) enum Field {
    Email,
    Name,
    FirstName,
    LastName,
    Consent,
    /// Consent to something that is not known.
    LikeConsent,
    /// The withdrawal of consent.
    OptOut,
    Other,
}

impl Field {
    /// The field with this name.
    pub(super) fn named(name: &str) -> Self {
        let name = letters(without_numbers(name));
        let unprefixed = ["your", "customer", "user"].iter().find_map(|prefix| name.strip_prefix(prefix));
        match unprefixed.unwrap_or(&name) {
            "email" | "emailaddress" | "mail" | "emailid" => return Self::Email,
            "name" | "fullname" if name != "username" => return Self::Name,
            "firstname" | "givenname" => return Self::FirstName,
            "lastname" | "surname" | "familyname" => return Self::LastName,
            _ => {}
        }
        match name.replace("whatsapp", "").replace("email", "").as_str() {
            "consent" | "optin" | "optedin" | "subscribe" | "subscribed" | "newsletter" | "marketing"
            | "marketingconsent" | "marketingoptin" | "consenttomarketing" | "acceptsmarketing"
            | "agreetomarketing" | "updates" | "receiveupdates" => return Self::Consent,
            _ => {}
        }
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        if has(&["unsubscribe", "optout", "optedout"]) {
            Self::OptOut
        } else if has(&["consent", "optin", "subscri", "newsletter", "marketing", "updates"]) {
            Self::LikeConsent
        } else {
            Self::Other
        }
    }
}

/// `Email` of `screen_0_Email_1`.
fn without_numbers(name: &str) -> &str {
    let screen = name.strip_prefix("screen_").and_then(|rest| rest.split_once('_'));
    let name = screen.filter(|(number, _)| is_number(number)).map_or(name, |(_, rest)| rest);
    name.rsplit_once('_').filter(|(_, number)| is_number(number)).map_or(name, |(rest, _)| rest)
}
