//! What a message opt_ins, and the opt-in that a wish is.

use super::flow::{FlowAnswer, Form};
use super::json::{Part, fields, text};
use super::person::{ById, Person, cut};
use super::words::says;
use crate::account::Account;
use crate::key::OptInKey;
use crate::opt_in::OptIn;
use klaviyo_core::intake;
use serde_json::value::to_raw_value;
use std::collections::BTreeMap;

/// The custom property that has the username of somebody without a number.
const USERNAME: &str = "whatsapp_username";
/// The one that has WhatsApp's id of somebody without a number.
const USER_ID: &str = "whatsapp_user_id";

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// The word, or yes in a Flow, with what else is filled in there.
    Yes(Option<Box<Form>>),
    /// No, in a Flow.
    No,
    /// Neither yes nor no, where a Flow asks for consent.
    Unclear,
    /// Something else.
    Other,
    /// Nothing that could be a word: it is no text, button, choice or Flow.
    Nothing,
}

impl Intent {
    /// Reads the parts of a message.
    pub(super) fn of([written, button, interactive]: [Part<'_>; 3], words: &[String]) -> Self {
        let [body] = fields(written, ["body"]).unwrap_or_default();
        let [payload, label] = fields(button, ["payload", "text"]).unwrap_or_default();
        let [pressed, chosen, flow] =
            fields(interactive, ["button_reply", "list_reply", "nfm_reply"]).unwrap_or_default();
        let [pressed_id, pressed_title] = fields(pressed, ["id", "title"]).unwrap_or_default();
        let [chosen_id, chosen_title] = fields(chosen, ["id", "title"]).unwrap_or_default();
        let parts = [body, payload, label, pressed_id, pressed_title, chosen_id, chosen_title];
        let is_word = parts.into_iter().filter_map(text).any(|text| says(&text, words));
        match flow {
            Some(_) => FlowAnswer::read(flow, words).said(is_word),
            None if is_word => Self::Yes(None),
            None if parts.iter().any(Option::is_some) => Self::Other,
            None => Self::Nothing,
        }
    }
}

/// A message that asks to be opted in.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct OptInRequest {
    /// The message's id, or a digest of all of it where it has none. Meta delivers a message again under the same one.
    pub(super) id: String,
    pub(super) person: Person,
    pub(super) form: Option<Box<Form>>,
}

impl OptInRequest {
    /// The opt-in to this list, as it was wished: not cleaned yet, and it may be that nobody could be opted in by it.
    pub(in crate::door) fn into_opt_in(self, account: &Account, list: &str) -> OptIn {
        let Self { id, person, form } = self;
        let Person { number, unfit, name, by_id } = person;
        let form = form.map(|form| *form).unwrap_or_default();
        // An id of Meta's that is too long is replaced by a digest of it.
        let id = if id.len() > OptIn::LONGEST_ID { OptInKey::new(account, &id).to_string() } else { id };
        let names = |name: &str| intake::names(cut(name));
        // What somebody has written into a form is their name rather than what they are called in WhatsApp.
        let (first_name, last_name) = match (form.first_name, form.last_name, form.name) {
            (None, None, written) => written.or(name).as_deref().map(names).unwrap_or_default(),
            (first, last, _) => {
                let cut = |name: String| cut(&name).to_owned();
                (first.map(cut), last.map(cut))
            }
        };
        let mut opt_in = OptIn {
            account: account.clone(),
            id: Some(id),
            list: list.to_owned(),
            email: form.email,
            phone_number: number,
            external_id: None,
            first_name,
            last_name,
            properties: None,
            consent: Vec::new(),
            consent_source: None,
            strict: false,
            warnings: Vec::new(),
        };
        if opt_in.phone_number.is_none() {
            opt_in.phone_number = unfit.map(with_plus);
            if let Some(by_id) = by_id {
                let ById { user_id, username } = *by_id;
                let mut properties = BTreeMap::from([(USER_ID, &user_id)]);
                properties.extend(username.as_ref().map(|username| (USERNAME, username)));
                opt_in.properties = to_raw_value(&properties).ok();
                opt_in.external_id = Some(user_id);
                opt_in.warn(
                    "phone_number: WhatsApp has sent none of this person, who is known by WhatsApp's own id as \
                     external_id instead; consent to WhatsApp needs a phone number"
                        .to_owned(),
                );
            } else if opt_in.phone_number.is_none() && opt_in.email.is_none() {
                // So that it is told, by whoever tries to do it, that nobody is known by this.
                opt_in.phone_number = Some("none".to_owned());
            }
        }
        opt_in
    }
}

/// WhatsApp's numbers have their country code, so that is not what is wrong with one.
fn with_plus(number: String) -> String {
    if number.bytes().all(|byte| byte.is_ascii_digit()) { format!("+{number}") } else { number }
}
