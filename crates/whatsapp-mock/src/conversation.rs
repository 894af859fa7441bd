//! What webhooks tell of a conversation beside what the person writes: echoes of the business' own app, and
//! the history from before the number was connected.

use crate::person::Person;
use crate::shared::Shared;
use crate::updates::Update;
use serde_json::{Value, json};

impl Person {
    /// The business writes to the person in its own app, which webhooks tell as an echo.
    pub fn is_written_to(&self, text: &str) {
        self.shared.change(|world| {
            let id = self.shared.new_id(world);
            let Some(person) = world.people.get(self.place) else { return };
            let (number, label) = (&person.contact.number, person.contact.label());
            let own = &self.shared.business.address.display_number;
            let item = message(&self.shared, &id, own, text, ("to", json!(number)));
            let label = format!("the business writes {text:?} to {label} in its app");
            let (field, array) = ("message_echoes", "message_echoes");
            self.shared.publish(world, Update { field, array, item, contact: None, label });
        });
    }

    /// WhatsApp tells what the person wrote before the number was connected: these texts, oldest first.
    pub fn has_history(&self, texts: &[&str]) {
        self.shared.change(|world| {
            let ids: Vec<String> = texts.iter().map(|_| self.shared.new_id(world)).collect();
            let Some(person) = world.people.get(self.place) else { return };
            let (number, label) = (&person.contact.number, person.contact.label());
            let read = || ("history_context", json!({ "status": "READ" }));
            let messages: Vec<Value> = ids
                .iter()
                .zip(texts)
                .map(|(id, text)| message(&self.shared, id, number, text, read()))
                .collect();
            let item = json!({
                "metadata": { "phase": 0, "chunk_order": 1, "progress": 100 },
                "threads": [{ "id": number, "messages": messages }],
            });
            let label = format!("the history of {label}");
            self.shared
                .publish(world, Update { field: "history", array: "history", item, contact: None, label });
        });
    }
}

fn message(shared: &Shared, id: &str, from: &str, text: &str, (name, value): (&str, Value)) -> Value {
    let at = shared.unix(shared.clock.now()).to_string();
    let mut message =
        json!({ "from": from, "id": id, "timestamp": at, "type": "text", "text": { "body": text } });
    if let Some(message) = message.as_object_mut() {
        message.insert(name.to_owned(), value);
    }
    message
}
