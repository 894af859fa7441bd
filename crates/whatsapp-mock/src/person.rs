//! People as actors: what they do becomes webhooks.

use crate::contact::{Contact, digits};
use crate::content::{Content, Sender};
use crate::shared::{Message, Shared, State, World};
use crate::updates::Update;
use crate::wait;
use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A person in WhatsApp. Clones are the same person.
#[derive(Clone, Debug)]
pub struct Person {
    pub(crate) shared: Arc<Shared>,
    /// The place among all people.
    pub(crate) place: usize,
}

impl Person {
    /// Writes a text. Returns the id of the message.
    pub fn writes(&self, text: &str) -> String {
        self.sends(&Content::Text(text.to_owned()))
    }

    /// Presses a button of a template: what it says, and what the business gave it. Returns the id of the
    /// message.
    pub fn presses(&self, text: &str, payload: &str) -> String {
        self.sends(&Content::Button { text: text.to_owned(), payload: payload.to_owned() })
    }

    /// Fills in a Flow with these fields. Returns the id of the message.
    pub fn fills_in(&self, fields: Map<String, Value>) -> String {
        self.sends(&Content::Flow(fields))
    }

    /// Sends anything. Returns the id of the message.
    pub fn sends(&self, content: &Content) -> String {
        self.shared.change(|world| {
            let id = self.shared.new_id(world);
            let now = self.shared.clock.now();
            let about = world.sent_to(self.place).next_back().map(|sent| sent.message.id.clone());
            let message = self.with(world, |person| {
                if content.is_written() {
                    person.wrote = Some(now);
                }
                person.messages.push(id.clone());
                let mut message = Map::new();
                person.contact.identify(&mut message, ["from", "from_user_id", "from_parent_user_id"]);
                message.insert("id".to_owned(), json!(id));
                message.insert("timestamp".to_owned(), json!(self.shared.unix(now).to_string()));
                let Contact { name, number, .. } = &person.contact;
                content.fill(&mut message, &Sender { name, number, about: about.as_deref() });
                let label = format!("{} {}", person.contact.label(), content.label());
                // A notice of WhatsApp's has no contact.
                let contact = content.is_written().then(|| person.contact.entry());
                Update { field: "messages", array: "messages", item: Value::Object(message), contact, label }
            });
            if let Some(update) = message {
                self.shared.publish(world, update);
            }
            id
        })
    }

    /// Answers the business, which asks for the number. From now on webhooks tell it. Returns the id of the
    /// message.
    ///
    /// # Errors
    /// When the last message of the business does not ask for the number.
    pub fn shares_number(&self) -> Result<String> {
        let is_asked = self.shared.change(|world| {
            self.with(world, |person| std::mem::take(&mut person.is_asked)).unwrap_or_default()
        });
        ensure!(is_asked, "the last message to {} does not ask for the number", self.contact().label());
        let id = self.sends(&Content::Number { asked: true });
        self.shared.change(|world| self.with(world, |person| person.contact.shows_number = true));
        Ok(id)
    }

    /// Presses in WhatsApp that marketing messages are to stop.
    pub fn stops(&self) {
        self.prefers("stop");
    }

    /// Presses in WhatsApp that marketing messages may come again.
    pub fn resumes(&self) {
        self.prefers("resume");
    }

    fn prefers(&self, value: &str) {
        self.shared.change(|world| {
            let at = self.shared.unix(self.shared.clock.now());
            let update = self.with(world, |person| {
                person.has_stopped = value == "stop";
                let mut item = Map::new();
                person.contact.identify(&mut item, ["wa_id", "user_id", "parent_user_id"]);
                item.insert(
                    "detail".to_owned(),
                    json!(format!("User requested to {value} marketing messages")),
                );
                item.insert("category".to_owned(), json!("marketing_messages"));
                item.insert("value".to_owned(), json!(value));
                item.insert("timestamp".to_owned(), json!(at));
                let contact = Some(person.contact.entry());
                let label = format!("{} presses {value} in WhatsApp", person.contact.label());
                let (field, array) = ("user_preferences", "user_preferences");
                Update { field, array, item: Value::Object(item), contact, label }
            });
            if let Some(update) = update {
                self.shared.publish(world, update);
            }
        });
    }

    /// Takes another number, and with it another id: WhatsApp tells both.
    pub fn changes_number(&self, number: &str) {
        let number = digits(number);
        let Contact { name, number: old, .. } = self.contact();
        self.sends(&Content::System {
            body: format!("User {name} changed from {old} to {number}"),
            kind: "user_changed_number".to_owned(),
            number: self.contact().shows_number.then(|| number.clone()),
        });
        self.shared.change(|world| {
            let at = self.shared.unix(self.shared.clock.now());
            let current = self.shared.another_user_id(world, &number);
            let Some(person) = world.people.get(self.place) else { return };
            let mut contact = person.contact.clone();
            let previous = contact.user_id.replace(current.clone());
            contact.number = number;
            // Unproven: the names in it.
            let mut item = Map::new();
            if let Some(written) = contact.written() {
                item.insert("wa_id".to_owned(), written);
            }
            item.insert("user_id".to_owned(), json!({ "previous": previous, "current": current }));
            item.insert("timestamp".to_owned(), json!(at.to_string()));
            let update = Update {
                field: "user_id_update",
                array: "user_id_update",
                item: Value::Object(item),
                contact: Some(contact.entry()),
                label: format!("{} has another id", contact.label()),
            };
            world.become_other(self.place, contact);
            self.shared.publish(world, update);
        });
    }

    /// From now on messages to the person are taken, and fail with this code of Meta's; none for no failure.
    pub fn fails_with(&self, code: Option<u32>) {
        self.shared.change(|world| self.with(world, |person| person.fails_with = code));
    }

    /// Who the person is.
    #[must_use]
    pub fn contact(&self) -> Contact {
        let world = self.shared.world.lock();
        world.people.get(self.place).map_or_else(|| Contact::new(""), |person| person.contact.clone())
    }

    /// WhatsApp's id of the person for this business, such as `US.13491208655302741918`.
    #[must_use]
    pub fn user_id(&self) -> String {
        self.contact().user_id.unwrap_or_default()
    }

    /// What the business has sent to the person, oldest first, with what failed.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        let world = self.shared.world.lock();
        world.sent_to(self.place).map(|sent| sent.message.clone()).collect()
    }

    /// Waits until the business has sent this many messages to the person. Returns all of them.
    ///
    /// # Errors
    /// When there are fewer after this time.
    pub fn waits_for(&self, count: usize, timeout: Duration) -> Result<Vec<Message>> {
        let has_all = wait::until(&self.shared, timeout, || self.messages().len() >= count);
        let messages = self.messages();
        ensure!(
            has_all,
            "{} has {} messages instead of {count} after {timeout:?}",
            self.contact().label(),
            messages.len()
        );
        Ok(messages)
    }

    fn with<T>(&self, world: &mut World, change: impl FnOnce(&mut State) -> T) -> Option<T> {
        world.people.get_mut(self.place).map(change)
    }
}
