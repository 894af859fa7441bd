//! Who a person is: the number, WhatsApp's own ids, the name, and how WhatsApp writes the number.

use serde_json::{Map, Value, json};

/// How a webhook writes a person's number.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Notation {
    /// A text of digits, which is usual: `"919820000001"`.
    #[default]
    Digits,
    /// A text of digits after a plus sign: `"+919820000001"`.
    Plus,
    /// A JSON number: `919820000001`.
    Number,
}

/// Who a person is. It is made of the number, as WhatsApp writes it: digits, which for Mexico and Brazil may
/// differ from E.164 (`5215512345678`, `551187654321`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contact {
    /// Digits.
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) username: Option<String>,
    /// None until the person is made: then it is chosen.
    pub(crate) user_id: Option<String>,
    pub(crate) parent_user_id: Option<String>,
    pub(crate) notation: Notation,
    /// Whether webhooks tell the number.
    pub(crate) shows_number: bool,
}

impl Contact {
    /// Somebody with this number. All but its digits is left out. The name is `Somebody`.
    #[must_use]
    pub fn new(number: &str) -> Self {
        Self {
            number: digits(number),
            name: "Somebody".to_owned(),
            username: None,
            user_id: None,
            parent_user_id: None,
            notation: Notation::Digits,
            shows_number: true,
        }
    }

    /// Sets the name in WhatsApp.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Gives the person a username. Webhooks tell the number no more, until the person shares it.
    #[must_use]
    pub fn with_username(mut self, username: &str) -> Self {
        self.username = Some(username.to_owned());
        self.shows_number = false;
        self
    }

    /// Webhooks tell the number although the person has a username, as they do when business and person were
    /// in contact lately.
    #[must_use]
    pub fn shown(mut self) -> Self {
        self.shows_number = true;
        self
    }

    /// Sets WhatsApp's id of the person for this business, such as `US.13491208655302741918`. Without it one
    /// is chosen.
    #[must_use]
    pub fn with_user_id(mut self, id: &str) -> Self {
        self.user_id = Some(id.to_owned());
        self
    }

    /// Sets WhatsApp's id of the person for the portfolio of businesses, such as `US.ENT.11815799212886844830`.
    #[must_use]
    pub fn with_parent_user_id(mut self, id: &str) -> Self {
        self.parent_user_id = Some(id.to_owned());
        self
    }

    /// Sets how webhooks write the number.
    #[must_use]
    pub fn written_as(mut self, notation: Notation) -> Self {
        self.notation = notation;
        self
    }

    /// Everything that the person can be found by, as [`key`] has it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        let others = [&self.user_id, &self.parent_user_id, &self.username];
        let others = others.into_iter().flatten().map(|id| key(id));
        std::iter::once(canonical(&self.number)).chain(others)
    }

    /// How a person who reads the log recognizes this one.
    pub(crate) fn label(&self) -> String {
        match (&self.username, self.shows_number) {
            (Some(username), false) => format!("{} (@{username})", self.name),
            _ => format!("{} ({})", self.name, self.number),
        }
    }

    /// The number as webhooks write it; none if they do not tell it.
    pub(crate) fn written(&self) -> Option<Value> {
        self.shows_number.then(|| match (self.notation, self.number.parse::<u64>()) {
            (Notation::Plus, _) => json!(format!("+{}", self.number)),
            (Notation::Number, Ok(number)) => json!(number),
            _ => json!(self.number),
        })
    }

    /// The entry of `contacts[]`.
    pub(crate) fn entry(&self) -> Value {
        let mut profile = Map::from_iter([("name".to_owned(), json!(self.name))]);
        put(&mut profile, "username", &self.username);
        let mut entry = Map::from_iter([("profile".to_owned(), Value::Object(profile))]);
        self.identify(&mut entry, ["wa_id", "user_id", "parent_user_id"]);
        Value::Object(entry)
    }

    /// Puts the ids that webhooks tell into an object, by these names: the number, the id, the portfolio's id.
    pub(crate) fn identify(&self, object: &mut Map<String, Value>, names: [&str; 3]) {
        let [number, user_id, parent_user_id] = names;
        if let Some(written) = self.written() {
            object.insert(number.to_owned(), written);
        }
        put(object, user_id, &self.user_id);
        put(object, parent_user_id, &self.parent_user_id);
    }
}

fn put(object: &mut Map<String, Value>, name: &str, value: &Option<String>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), json!(value));
    }
}

/// The digits of a text.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether a text is a number, perhaps with a plus sign and separators.
pub(crate) fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('+').unwrap_or(text);
    let is_part = |c: char| c.is_ascii_digit() || " -().".contains(c);
    (7..=15).contains(&digits(text).len()) && text.chars().all(is_part)
}

/// A number, an id or a username in the one spelling by which people are found.
pub(crate) fn key(id: &str) -> String {
    let id = id.trim();
    if is_number(id) { canonical(&digits(id)) } else { id.to_owned() }
}

/// One spelling for the numbers of two countries that have two.
fn canonical(number: &str) -> String {
    match (number.len(), number.split_at_checked(4), number.strip_prefix("521")) {
        (13, _, Some(rest)) => format!("52{rest}"),
        (12, Some((area, rest)), _) if area.starts_with("55") && rest.starts_with(['6', '7', '8', '9']) => {
            format!("{area}9{rest}")
        }
        _ => number.to_owned(),
    }
}

/// The country of a number in WhatsApp's ids. It is exact for a few countries, and US for all others.
pub(crate) fn country(number: &str) -> &'static str {
    const CODES: [(&str, &str); 8] = [
        ("91", "IN"),
        ("52", "MX"),
        ("55", "BR"),
        ("54", "AR"),
        ("44", "GB"),
        ("49", "DE"),
        ("34", "ES"),
        ("33", "FR"),
    ];
    CODES.iter().find(|(code, _)| number.starts_with(code)).map_or("US", |(_, country)| country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_in_each_of_its_spellings() {
        for (one, other, is_same) in [
            ("919820000001", "+91 98200-00001", true),
            ("5215512345678", "+525512345678", true),
            ("551187654321", "5511987654321", true),
            ("551133334444", "5511933334444", false),
            ("919820000001", "919820000002", false),
            ("919820000001", "", false),
            ("919820000001", "91982000000x", false),
        ] {
            assert_eq!(key(one) == key(other), is_same, "{one} {other}");
        }
        let asha = Contact::new("5215512345678").with_username("asha").with_user_id("IN.7");
        assert_eq!(asha.keys().collect::<Vec<_>>(), ["525512345678", "IN.7", "asha"]);
    }

    #[test]
    fn a_webhook_tells_the_number_of_who_shows_it() {
        let written = |contact: Contact| contact.entry().get("wa_id").cloned();
        let priya = Contact::new("+919820000001");
        assert_eq!(written(priya.clone()), Some(json!("919820000001")));
        assert_eq!(written(priya.clone().written_as(Notation::Plus)), Some(json!("+919820000001")));
        assert_eq!(written(priya.clone().written_as(Notation::Number)), Some(json!(919_820_000_001_u64)));
        assert_eq!(written(priya.clone().with_username("priya")), None);
        assert_eq!(written(priya.with_username("priya").shown()), Some(json!("919820000001")));
    }
}
