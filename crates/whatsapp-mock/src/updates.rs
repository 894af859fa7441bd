//! The body of a webhook, made of one update or of several.

use serde_json::{Map, Value, json};

/// How several updates share one body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packing {
    /// Neighbours of one kind share a change, such as several `messages` in one `value`.
    Values,
    /// Each has a change of its own, in one entry.
    Changes,
    /// Each has an entry of its own.
    Entries,
}

/// The business that a webhook is for.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) account: String,
    pub(crate) display_number: String,
    pub(crate) number_id: String,
}

/// One thing that a webhook tells.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// `field` of the change.
    pub(crate) field: &'static str,
    /// The array of the value that has the item.
    pub(crate) array: &'static str,
    pub(crate) item: Value,
    /// The entry of `contacts[]`; none without one.
    pub(crate) contact: Option<Value>,
    /// What happened, for the log.
    pub(crate) label: String,
}

/// The body that tells these updates.
pub(crate) fn pack(updates: &[Update], packing: Packing, address: &Address) -> Value {
    let mut changes: Vec<(&str, Map<String, Value>)> = Vec::new();
    for update in updates {
        let shared =
            changes.last_mut().filter(|(field, _)| packing == Packing::Values && *field == update.field);
        match shared {
            Some((_, value)) => add(value, update),
            None => {
                let metadata = json!({
                    "display_phone_number": address.display_number,
                    "phone_number_id": address.number_id,
                });
                let mut value = Map::new();
                value.insert("messaging_product".to_owned(), json!("whatsapp"));
                value.insert("metadata".to_owned(), metadata);
                add(&mut value, update);
                changes.push((update.field, value));
            }
        }
    }
    let changes = changes.into_iter().map(|(field, value)| json!({ "value": value, "field": field }));
    let entry = |changes: Vec<Value>| json!({ "id": address.account, "changes": changes });
    let entries: Vec<Value> = match packing {
        Packing::Entries => changes.map(|change| entry(vec![change])).collect(),
        Packing::Values | Packing::Changes => vec![entry(changes.collect())],
    };
    json!({ "object": "whatsapp_business_account", "entry": entries })
}

fn add(value: &mut Map<String, Value>, update: &Update) {
    let mut push = |name: &str, item: &Value| {
        let array = value.entry(name.to_owned()).or_insert_with(|| json!([])).as_array_mut();
        if let Some(array) = array.filter(|array| name != "contacts" || !array.contains(item)) {
            array.push(item.clone());
        }
    };
    if let Some(contact) = &update.contact {
        push("contacts", contact);
    }
    push(update.array, &update.item);
}

/// Writes a body as Meta does: all but ASCII, and each slash, is escaped.
pub(crate) fn written(body: &Value) -> Vec<u8> {
    let mut text = String::new();
    for character in body.to_string().chars() {
        match character {
            '/' => text.push_str("\\/"),
            _ if character.is_ascii() => text.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(field: &'static str, item: u32, contact: &str) -> Update {
        Update { field, array: field, item: json!(item), contact: Some(json!(contact)), label: String::new() }
    }

    #[test]
    fn updates_share_a_value_a_change_or_a_body() {
        let address = Address {
            account: "1".to_owned(),
            display_number: "15550783881".to_owned(),
            number_id: "2".to_owned(),
        };
        let updates = [
            update("messages", 1, "a"),
            update("messages", 2, "a"),
            update("statuses", 3, "b"),
            update("messages", 4, "c"),
        ];
        let shape = |packing| {
            let body = pack(&updates, packing, &address);
            let changes = |entry: &Value| {
                let change = |change: &Value| {
                    let field = change["field"].as_str().unwrap().to_owned();
                    (change["value"][&field].to_string(), change["value"]["contacts"].to_string())
                };
                entry["changes"].as_array().unwrap().iter().map(change).collect::<Vec<_>>()
            };
            body["entry"].as_array().unwrap().iter().map(changes).collect::<Vec<_>>()
        };
        let pair = |items: &str, contacts: &str| (items.to_owned(), contacts.to_owned());
        let alone: Vec<_> = [("[1]", "[\"a\"]"), ("[2]", "[\"a\"]"), ("[3]", "[\"b\"]"), ("[4]", "[\"c\"]")]
            .map(|(items, contacts)| pair(items, contacts))
            .into();
        let shared = vec![pair("[1,2]", "[\"a\"]"), pair("[3]", "[\"b\"]"), pair("[4]", "[\"c\"]")];
        assert_eq!(shape(Packing::Values), [shared]);
        assert_eq!(shape(Packing::Changes), std::slice::from_ref(&alone));
        assert_eq!(shape(Packing::Entries), alone.into_iter().map(|one| vec![one]).collect::<Vec<_>>());
    }

    #[test]
    fn a_body_is_ascii_and_means_the_same() {
        let body = json!({ "text": "sí 👍 a/b \"q\" \\" });
        let bytes = written(&body);
        assert_eq!(bytes, br#"{"text":"s\u00ed \ud83d\udc4d a\/b \"q\" \\"}"#);
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), body);
    }
}
