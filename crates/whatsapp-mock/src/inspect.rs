//! The state of a simulator as JSON.

use crate::outbox::{Fate, Webhook};
use crate::shared::{Sent, Shared, State, World};
use crate::whatsapp::WhatsApp;
use serde_json::{Value, json};
use std::time::Duration;

impl WhatsApp {
    /// The whole state, as `GET /_whatsapp/state` shows it.
    #[must_use]
    pub fn state(&self) -> Value {
        let shared = &*self.0;
        let (world, now) = (shared.world.lock(), shared.clock.now());
        json!({
            "at": shared.unix(now),
            "requests": world.requests,
            "faults": world.injector.document(),
            "webhook": world.webhook,
            "people": world.people.iter().map(|person| person_state(shared, person)).collect::<Vec<_>>(),
            "messages": world.sent.iter().map(|sent| message_state(&world, sent, now)).collect::<Vec<_>>(),
            "webhooks": world.outbox.all().iter().map(webhook_state).collect::<Vec<_>>(),
        })
    }
}

fn person_state(shared: &Shared, person: &State) -> Value {
    let contact = &person.contact;
    json!({
        "number": contact.number,
        "name": contact.name,
        "username": contact.username,
        "user_id": contact.user_id,
        "parent_user_id": contact.parent_user_id,
        "shows_number": contact.shows_number,
        "wrote_at": person.wrote.map(|at| shared.unix(at)),
        "stopped_marketing": person.has_stopped,
        "asked_for_number": person.is_asked,
        "fails_with": person.fails_with,
    })
}

fn message_state(world: &World, sent: &Sent, now: Duration) -> Value {
    let message = &sent.message;
    let happened = |after: Duration| sent.at.saturating_add(after) <= now;
    let status = sent.steps.iter().rev().find(|step| happened(step.after)).map(|step| step.status.name());
    json!({
        "id": message.id,
        "number": world.people.get(sent.person).map(|person| &person.contact.number),
        "to": message.to,
        "type": message.kind,
        "text": message.text,
        "context": message.context,
        "at": message.at,
        "status": status.unwrap_or("accepted"),
        "body": message.body,
    })
}

fn webhook_state(webhook: &Webhook) -> Value {
    let fate = match webhook.fate {
        Fate::Waiting => "waiting",
        Fate::Taken => "taken",
        Fate::Dropped => "dropped",
    };
    json!({ "tells": webhook.label, "fate": fate, "answers": webhook.answers, "body": webhook.json() })
}
