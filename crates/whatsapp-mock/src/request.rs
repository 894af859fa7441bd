//! Reading the body of a request for a message. It is strict: what Meta does not know is refused.

use crate::contact::is_number;
use crate::problem::Problem;
use serde_json::{Map, Value};

/// The longest text of a message, and of a message that asks for the number, in characters.
const LONGEST_TEXT: usize = 4096;
const LONGEST_BODY: usize = 1024;

/// What a business wants to send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Outgoing {
    /// The number or the id that it is for, as it was written. A number goes first.
    pub(crate) recipient: String,
    /// The message that it answers.
    pub(crate) context: Option<String>,
    /// What it is.
    pub(crate) kind: Kind,
    /// The business' own text, which the statuses repeat.
    pub(crate) callback_data: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Text(String),
    /// Asks for the number, with this text.
    ContactRequest(String),
    /// A template, by its name. Here every template is marketing.
    Template(String),
}

type Read<T> = Result<T, Problem>;
type Object = Map<String, Value>;

impl Outgoing {
    pub(crate) fn read(body: &[u8]) -> Read<Self> {
        let body: Value = serde_json::from_slice(body).map_err(|_| wrong("The body is not JSON."))?;
        let Value::Object(body) = body else { return Err(wrong("The body is no object.")) };
        let kind = optional_text(&body, "type")?.unwrap_or("text");
        only(
            &body,
            "the body",
            &[
                "messaging_product",
                "recipient_type",
                "to",
                "recipient",
                "context",
                "type",
                "biz_opaque_callback_data",
                kind,
            ],
        )?;
        if text(&body, "messaging_product")? != "whatsapp" {
            return Err(wrong("The parameter messaging_product must be whatsapp."));
        }
        if optional_text(&body, "recipient_type")?.is_some_and(|kind| kind != "individual") {
            return Err(wrong("The parameter recipient_type must be individual."));
        }
        let to = optional_text(&body, "to")?;
        if to.is_some_and(|to| !is_number(to)) {
            return Err(wrong("The parameter to is no phone number."));
        }
        let recipient = optional_text(&body, "recipient")?;
        if recipient.is_some_and(|id| !is_user_id(id)) {
            return Err(wrong("The parameter recipient is no business-scoped user id."));
        }
        let recipient = to.or(recipient).ok_or_else(|| wrong("The parameter to is required."))?.to_owned();
        let context = match body.get("context") {
            None => None,
            Some(_) => {
                let context = object(&body, "context")?;
                only(context, "context", &["message_id"])?;
                Some(text(context, "message_id")?.to_owned())
            }
        };
        let kind = match kind {
            "text" => text_message(object(&body, "text")?)?,
            "interactive" => interactive(object(&body, "interactive")?)?,
            "template" => template(object(&body, "template")?)?,
            other => return Err(wrong(&format!("The simulator sends no messages of the type {other:?}."))),
        };
        let callback_data = optional_text(&body, "biz_opaque_callback_data")?.map(str::to_owned);
        Ok(Self { recipient, context, kind, callback_data })
    }
}

impl Kind {
    /// The type.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::ContactRequest(_) => "interactive",
            Self::Template(_) => "template",
        }
    }

    /// What the person reads, or the name of the template.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::ContactRequest(text) | Self::Template(text) => text,
        }
    }
}

fn text_message(part: &Object) -> Read<Kind> {
    only(part, "text", &["body", "preview_url"])?;
    if part.get("preview_url").is_some_and(|value| !value.is_boolean()) {
        return Err(wrong("The parameter text.preview_url must be a boolean."));
    }
    Ok(Kind::Text(bounded(part, "body", LONGEST_TEXT)?.to_owned()))
}

fn interactive(part: &Object) -> Read<Kind> {
    const ASKS: &str = "request_contact_info";
    only(part, "interactive", &["type", "body", "action"])?;
    if text(part, "type")? != ASKS {
        return Err(wrong("The simulator sends only interactive messages of the type request_contact_info."));
    }
    let action = object(part, "action")?;
    only(action, "action", &["name"])?;
    if text(action, "name")? != ASKS {
        return Err(wrong("The parameter action.name must be request_contact_info."));
    }
    let body = object(part, "body")?;
    only(body, "body", &["text"])?;
    Ok(Kind::ContactRequest(bounded(body, "text", LONGEST_BODY)?.to_owned()))
}

fn template(part: &Object) -> Read<Kind> {
    only(part, "template", &["name", "language", "components"])?;
    let language = object(part, "language")?;
    only(language, "language", &["code", "policy"])?;
    text(language, "code")?;
    if part.get("components").is_some_and(|value| !value.is_array()) {
        return Err(wrong("The parameter template.components must be an array."));
    }
    Ok(Kind::Template(text(part, "name")?.to_owned()))
}

/// Whether a text is an id such as `US.13491208655302741918` or `US.ENT.11815799212886844830`.
fn is_user_id(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else { return false };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=128).contains(&rest.len())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn only(object: &Object, name: &str, known: &[&str]) -> Read<()> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(wrong(&format!("Unexpected key {unknown:?} in {name}."))),
        None => Ok(()),
    }
}

fn optional_text<'a>(object: &'a Object, name: &str) -> Read<Option<&'a str>> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(&format!("The parameter {name} must be a string."))),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Read<&'a str> {
    let text = optional_text(object, name)?.filter(|text| !text.trim().is_empty());
    text.ok_or_else(|| wrong(&format!("The parameter {name} is required.")))
}

fn bounded<'a>(object: &'a Object, name: &str, longest: usize) -> Read<&'a str> {
    let text = text(object, name)?;
    let is_short = text.chars().count() <= longest;
    is_short
        .then_some(text)
        .ok_or_else(|| wrong(&format!("The parameter {name} has over {longest} characters.")))
}

fn object<'a>(object: &'a Object, name: &str) -> Read<&'a Object> {
    let part = object.get(name).and_then(Value::as_object);
    part.ok_or_else(|| wrong(&format!("The parameter {name} is required, and is an object.")))
}

fn wrong(details: &str) -> Problem {
    Problem::InvalidParameter(details.to_owned())
}
