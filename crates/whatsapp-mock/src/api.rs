//! Takes the business' messages: `POST /v{N}/{phone-number-id}/messages`.

use crate::limits::pause;
use crate::problem::Problem;
use crate::request::{Kind, Outgoing};
use crate::shared::{Message, Sent, Shared, World};
use crate::statuses::Status;
use crate::updates::{Packing, Update};
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long after a person's last message the business may write something else than a template.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Carries out a request: the answer, or why there is none.
pub(crate) fn answer(shared: &Shared, parts: &Parts, body: &[u8]) -> Result<Value, Problem> {
    let asked = format!("{} {}", parts.method, parts.uri.path());
    let result = shared.change(|world| {
        authorize(shared, &parts.headers)?;
        route(shared, parts)?;
        take(shared, world, &parts.headers, body)
    });
    match &result {
        Ok((_, line)) => shared.report(line),
        Err(problem) => shared.report(&format!("← {asked}: refused, {}", problem.label())),
    }
    result.map(|(answer, _)| answer)
}

fn authorize(shared: &Shared, headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.strip_prefix("Bearer "));
    if token == Some(shared.business.token.as_str()) { Ok(()) } else { Err(Problem::WrongToken) }
}

fn route(shared: &Shared, parts: &Parts) -> Result<(), Problem> {
    let segments: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
    let is_version = |text: &str| {
        let numbers = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
        numbers.is_some_and(|(one, two)| one.parse::<u16>().is_ok() && two.parse::<u16>().is_ok())
    };
    match segments.as_slice() {
        [version, id, "messages"] if is_version(version) && parts.method == Method::POST => {
            if *id == shared.business.address.number_id {
                return Ok(());
            }
            let details = format!(
                "Unsupported post request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
                 permissions, or does not support this operation."
            );
            Err(Problem::NoSuchObject(details))
        }
        _ => Err(Problem::NoSuchObject("Unsupported request.".to_owned())),
    }
}

fn take(
    shared: &Shared,
    world: &mut World,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Value, String), Problem> {
    let (limits, now) = (shared.business.limits, shared.clock.now());
    world.meter.take(limits, now)?;
    let media_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type.to_ascii_lowercase().starts_with("application/json") {
        return Err(Problem::InvalidParameter("The body must be application/json.".to_owned()));
    }
    let outgoing = Outgoing::read(body)?;
    let place = world.find(&outgoing.recipient).ok_or(Problem::Undeliverable)?;
    let person = world.people.get(place).ok_or(Problem::Undeliverable)?;
    if let Some(context) = &outgoing.context {
        let is_of_business = world.sent_to(place).any(|sent| sent.message.id == *context);
        if !is_of_business && !person.messages.contains(context) {
            let details = "The parameter context.message_id is no message of this conversation.";
            return Err(Problem::InvalidParameter(details.to_owned()));
        }
    }
    pause(limits, person.got, now)?;
    let is_template = matches!(outgoing.kind, Kind::Template(_));
    let is_open = person.wrote.is_some_and(|wrote| now.saturating_sub(wrote) <= WINDOW);
    let problem = if !is_template && !is_open {
        Some(Problem::WindowClosed)
    } else if is_template && person.has_stopped {
        Some(Problem::MarketingStopped)
    } else {
        None
    };
    let later = match problem {
        Some(problem) if !shared.business.refuses_later => return Err(problem),
        problem => problem.or(person.fails_with.map(Problem::of_code)),
    };
    Ok(accept(shared, world, place, outgoing, body, later))
}

/// Keeps a message, and puts the webhooks about it into the outbox. Returns the answer, and the line for the
/// log.
fn accept(
    shared: &Shared,
    world: &mut World,
    place: usize,
    outgoing: Outgoing,
    body: &[u8],
    problem: Option<Problem>,
) -> (Value, String) {
    let (id, at) = (shared.new_id(world), shared.clock.now());
    let Outgoing { recipient, context, kind, callback_data } = outgoing;
    let number = u64::try_from(world.sent.len()).unwrap_or(u64::MAX).saturating_add(1);
    let steps = shared.business.statuses.of(shared.business.seed, number, problem);
    let mut contact = Map::from_iter([("input".to_owned(), json!(recipient))]);
    let (mut label, mut entry, mut ids) = (String::new(), Value::Null, Map::new());
    if let Some(person) = world.people.get_mut(place) {
        person.got = Some(at);
        person.got_messages.push(world.sent.len());
        person.is_asked = matches!(kind, Kind::ContactRequest(_));
        // Who is written to by a number is told by it.
        if recipient.contains('.') {
            contact.insert("user_id".to_owned(), json!(recipient));
        } else {
            contact.insert("wa_id".to_owned(), json!(person.contact.number));
        }
        label = person.contact.label();
        entry = person.contact.entry();
        let names = ["recipient_id", "recipient_user_id", "recipient_parent_user_id"];
        person.contact.identify(&mut ids, names);
    }
    for step in &steps {
        let mut item = Map::new();
        item.insert("id".to_owned(), json!(id));
        item.insert("status".to_owned(), json!(step.status.name()));
        let happens = at.saturating_add(step.after);
        item.insert("timestamp".to_owned(), json!(shared.unix(happens).to_string()));
        item.extend(ids.clone());
        if let Some(data) = &callback_data {
            item.insert("biz_opaque_callback_data".to_owned(), json!(data));
        }
        let mut name = step.status.name().to_owned();
        if let Status::Failed(problem) = &step.status {
            item.insert("errors".to_owned(), json!([problem.in_status()]));
            name = format!("{name}, {}", problem.label());
        }
        let update = Update {
            field: "messages",
            array: "statuses",
            item: Value::Object(item),
            contact: (!matches!(step.status, Status::Failed(_))).then(|| entry.clone()),
            label: format!("the message to {label} is {name}"),
        };
        let told = at.saturating_add(step.told_after);
        shared.post_at(world, &[update], Packing::Values, told);
    }
    let line = match &kind {
        Kind::Text(text) => format!("← to {label}: {text:?}"),
        Kind::ContactRequest(text) => format!("← to {label}, asking for the number: {text:?}"),
        Kind::Template(name) => format!("← to {label}: the template {name}"),
    };
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [{ "id": id }],
    });
    let message = Message {
        id,
        to: recipient,
        kind: kind.name(),
        text: kind.text().to_owned(),
        context,
        body: serde_json::from_slice(body).unwrap_or_default(),
        at: shared.unix(at),
    };
    world.sent.push(Sent { person: place, message, at, steps });
    (answer, line)
}
