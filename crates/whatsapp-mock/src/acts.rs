//! What people do, as JSON: the bodies of `/_whatsapp/people/…`.

use crate::contact::{Contact, Notation, is_number};
use crate::content::Content;
use crate::person::Person;
use crate::whatsapp::WhatsApp;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

/// What a body may have.
const MESSAGE: &str = "the body has one of text, button {text, payload}, button_reply {id, title}, list_reply \
    {id, title, description}, flow {field: value, …}, number (true), reaction, image (its text), order (true) or \
    unsupported (true)";
const PERSON: &str = "the body may have name, username, user_id, parent_user_id, shows_number (true or false), \
    written (digits, plus or number) and fails_with (a code of Meta's, or null)";

pub(crate) type Object = Map<String, Value>;

/// The person with this number, id or username. A number that nobody has makes somebody.
pub(crate) fn person(whatsapp: &WhatsApp, id: &str) -> Result<Person> {
    match whatsapp.find(id) {
        Some(person) => Ok(person),
        None if is_number(id) => Ok(whatsapp.person(Contact::new(id))),
        None => bail!("nobody has the number, the id or the username {id:?}"),
    }
}

/// Adds somebody with this number, or changes who it is.
pub(crate) fn describe(whatsapp: &WhatsApp, number: &str, body: &Object) -> Result<Person> {
    ensure!(is_number(number), "{number:?} is no phone number");
    let known = whatsapp.find(number).map(|person| person.contact());
    let mut contact = known.unwrap_or_else(|| Contact::new(number));
    let mut fails_with = None;
    for (name, value) in body {
        let text =
            || value.as_str().map(str::to_owned).with_context(|| format!("{name} is a text; {PERSON}"));
        match name.as_str() {
            "name" => contact.name = text()?,
            "username" => {
                contact.username = Some(text()?);
                contact.shows_number = false;
            }
            "user_id" => contact.user_id = Some(text()?),
            "parent_user_id" => contact.parent_user_id = Some(text()?),
            "written" => {
                contact.notation = match value.as_str() {
                    Some("digits") => Notation::Digits,
                    Some("plus") => Notation::Plus,
                    Some("number") => Notation::Number,
                    _ => bail!(PERSON),
                }
            }
            "fails_with" if value.is_null() => fails_with = Some(None),
            "fails_with" => {
                fails_with = Some(Some(value.as_u64().and_then(|code| code.try_into().ok()).context(PERSON)?))
            }
            // After the username, wherever it stands.
            "shows_number" => {}
            _ => bail!("{PERSON}, without {name:?}"),
        }
    }
    if let Some(shows) = body.get("shows_number") {
        contact.shows_number = shows.as_bool().context(PERSON)?;
    }
    let person = whatsapp.person(contact);
    if let Some(code) = fails_with {
        person.fails_with(code);
    }
    Ok(person)
}

/// Lets somebody send what a body says. Returns the id of the message.
pub(crate) fn send(person: &Person, body: &Object) -> Result<String> {
    let mut members = body.iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else { bail!(MESSAGE) };
    let part = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned).context(MESSAGE);
    let text = || value.as_str().map(str::to_owned).context(MESSAGE);
    let is_true = value.as_bool() == Some(true);
    let content = match name.as_str() {
        "text" => Content::Text(text()?),
        "button" => Content::Button { text: part("text")?, payload: part("payload")? },
        "button_reply" => Content::ButtonReply { id: part("id")?, title: part("title")? },
        "list_reply" => Content::ListReply {
            id: part("id")?,
            title: part("title")?,
            description: part("description").unwrap_or_default(),
        },
        "flow" => Content::Flow(value.as_object().cloned().context(MESSAGE)?),
        "number" if is_true => return person.shares_number(),
        "reaction" => Content::Reaction(text()?),
        "image" => Content::Image { caption: Some(text()?).filter(|text| !text.is_empty()) },
        "order" if is_true => Content::Order,
        "unsupported" if is_true => Content::Unsupported,
        _ => bail!(MESSAGE),
    };
    Ok(person.sends(&content))
}
