//! Reading a notification.
//!
//! Each message and each preference is read by itself, so one that cannot be read hides no other. Fields that
//! are not named here have no effect.

use super::ignored::{Ignored, IgnoredReason};
use super::json::{Part, fields, items, text, text_or_number};
use super::message::{self, Intent};
use super::person::{Contacts, Person, PersonIds};
use super::request::{Addressed, OptInRequest, OptOutRequest, Preference, RenamingRequest, ResumeRequest};
use super::rules::Rules;
use super::status::{self, StatusRequest};
use super::time::{is_recent, said_at, sent_at};
use crate::account::Account;
use crate::key::OptInKey;
use klaviyo_core::text::shown;
use serde_json::value::RawValue;

/// The field of ids that have changed, and the name of the array with them.
const RENAMED: &str = "user_id_update";

/// The requests in a notification.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::door) struct Notification {
    /// The requests for an opt-in.
    pub(in crate::door) opt_ins: Vec<OptInRequest>,
    /// The requests for an opt-out.
    pub(in crate::door) opt_outs: Vec<OptOutRequest>,
    /// The requests for what an opt-out took.
    pub(in crate::door) resumes: Vec<ResumeRequest>,
    /// The statuses that are events.
    pub(in crate::door) statuses: Vec<StatusRequest>,
    /// The ids of people that have changed.
    pub(in crate::door) renamed: Vec<RenamingRequest>,
    /// Everything else, counted.
    pub(in crate::door) ignored: Ignored,
}

impl Notification {
    /// Reads a notification. None: the body is not JSON.
    pub(in crate::door) fn read(body: &[u8], rules: Rules<'_>) -> Option<Self> {
        let body: &RawValue = serde_json::from_slice(body).ok()?;
        let mut notification = Self::default();
        let [object, entry] = fields(Some(body), ["object", "entry"]).unwrap_or_default();
        if text(object).as_deref() == Some("whatsapp_business_account") {
            notification.items(entry, |notification, entry| {
                let [changes] = fields(Some(entry), ["changes"])?;
                notification.items(changes, |notification, change| notification.change(change, rules));
                Some(())
            });
        }
        if notification.is_empty() && notification.ignored.is_empty() {
            notification.ignored.count(IgnoredReason::Empty);
        }
        Some(notification)
    }

    /// Whether there is nothing to do.
    pub(in crate::door) fn is_empty(&self) -> bool {
        self.opt_ins.is_empty()
            && self.opt_outs.is_empty()
            && self.resumes.is_empty()
            && self.statuses.is_empty()
            && self.renamed.is_empty()
    }

    /// Reads each item of an array. An item, or an array, that cannot be read is counted.
    fn items<'a>(&mut self, array: Part<'a>, mut each: impl FnMut(&mut Self, &'a RawValue) -> Option<()>) {
        let whole = items(array, |item| {
            if each(self, item).is_none() {
                self.ignored.count(IgnoredReason::Unreadable);
            }
        });
        if whole.is_none() && array.is_some_and(|array| array.get() != "null") {
            self.ignored.count(IgnoredReason::Unreadable);
        }
    }

    fn change(&mut self, change: &RawValue, rules: Rules<'_>) -> Option<()> {
        let [field, value] = fields(Some(change), ["field", "value"])?;
        let names = ["metadata", "contacts", "messages", "statuses", "user_preferences", RENAMED];
        // Other fields have copies of messages, such as those that the business has sent.
        let field = text(field);
        if field.as_deref().is_some_and(|field| !["messages", "user_preferences", RENAMED].contains(&field)) {
            self.ignored.count(IgnoredReason::OtherField);
            return Some(());
        }
        let [metadata, contacts, messages, statuses, preferences, renamed] = fields(value, names)?;
        let [number] = fields(metadata, ["phone_number_id"]).unwrap_or_default();
        let number = text_or_number(number);
        let is_own =
            rules.numbers.is_none_or(|own| own.split_whitespace().any(|own| Some(own) == number.as_deref()));
        let to = Addressed { phone_number_id: number.as_deref(), is_own };
        if field.as_deref() == Some(RENAMED) {
            self.items(renamed, |notification, renamed| notification.renamed(renamed, to, rules));
            return Some(());
        }
        let contacts = Contacts::of(contacts);
        self.items(messages, |notification, message| notification.message(message, &contacts, to, rules));
        self.items(preferences, |notification, preference| {
            notification.preference(preference, &contacts, to, rules)
        });
        self.items(statuses, |notification, status| notification.status(status, &contacts, to, rules));
        Some(())
    }

    fn message(
        &mut self,
        message: &RawValue,
        contacts: &Contacts<'_>,
        to: Addressed<'_>,
        rules: Rules<'_>,
    ) -> Option<()> {
        let [id, number, user_id, parent, at, written, button, interactive, shared, origin] = fields(
            Some(message),
            [
                "id",
                "from",
                "from_user_id",
                "from_parent_user_id",
                "timestamp",
                "text",
                "button",
                "interactive",
                "contacts",
                "origin",
            ],
        )?;
        let mut intent = message::intent([written, button, interactive], rules.vocabulary);
        if let (Intent::Nothing, Some(number)) = (&intent, message::requested_number(shared, origin)) {
            intent = Intent::Number(number);
        }
        let sent = sent_at(at);
        let reason = match intent {
            Intent::Nothing => IgnoredReason::UnsupportedType,
            Intent::Other => IgnoredReason::NotAnOptIn,
            Intent::No => IgnoredReason::Declined,
            Intent::Unclear => IgnoredReason::Unclear,
            _ if !to.is_own => IgnoredReason::ForeignNumber,
            Intent::Yes(..) | Intent::Number(_) | Intent::Resume(_)
                if !sent.is_some_and(|at| is_recent(rules.now, at)) =>
            {
                IgnoredReason::Old
            }
            // Without a time it is done: an opt-out that is done twice does no harm.
            Intent::OptOut(_) if sent.is_some_and(|at| !is_recent(rules.now, at)) => IgnoredReason::Old,
            intent => {
                let mut person = Person::of(PersonIds { number, user_id, parent }, contacts);
                let id = text(id).and_then(|id| shown(&id).map(ToOwned::to_owned));
                // Meta repeats a message as the same text.
                let id = id.unwrap_or_else(|| OptInKey::new(&Account::default(), message.get()).to_string());
                let (form, language, completes) = match intent {
                    Intent::OptOut(language) => {
                        let at = said_at(sent, rules.now, true);
                        let conversation = to.conversation(id.clone(), &person, language);
                        return self.opt_out(OptOutRequest::of(id, person, at, Some(conversation)));
                    }
                    Intent::Resume(language) => {
                        let at = said_at(sent, rules.now, false);
                        let conversation = to.conversation(id.clone(), &person, language);
                        return self.resume(ResumeRequest::of(id, person, at, Some(conversation)));
                    }
                    Intent::Number(number) => {
                        person.has_number(&number);
                        (None, None, person.by_id.is_some())
                    }
                    Intent::Yes(form, language) => (form, language, false),
                    Intent::Nothing | Intent::Other | Intent::No | Intent::Unclear => return Some(()),
                };
                let has_email = form.as_ref().is_some_and(|form| form.email.is_some());
                let is_known = person.by_id.is_some() || has_email;
                if rules.numbers_only && person.number.is_none() && is_known {
                    IgnoredReason::WithoutNumber
                } else {
                    let at = said_at(sent, rules.now, false);
                    let conversation = to.conversation(id.clone(), &person, language);
                    self.opt_ins.push(OptInRequest { id, person, form, at, conversation, completes });
                    return Some(());
                }
            }
        };
        self.ignored.count(reason);
        Some(())
    }

    fn preference(
        &mut self,
        preference: &RawValue,
        contacts: &Contacts<'_>,
        to: Addressed<'_>,
        rules: Rules<'_>,
    ) -> Option<()> {
        let reason = match Preference::read(preference, contacts)? {
            Preference::Other => IgnoredReason::Preference,
            Preference::Stop { .. } | Preference::Resume { .. } if !to.is_own => IgnoredReason::ForeignNumber,
            // Without a time it is done: an opt-out that is done twice does no harm.
            Preference::Stop { at, .. } if sent_at(at).is_some_and(|at| !is_recent(rules.now, at)) => {
                IgnoredReason::Old
            }
            Preference::Resume { at, .. } if !sent_at(at).is_some_and(|at| is_recent(rules.now, at)) => {
                IgnoredReason::Old
            }
            Preference::Stop { person, at } => {
                let at = said_at(sent_at(at), rules.now, true);
                return self.opt_out(OptOutRequest::of(String::new(), person, at, None));
            }
            Preference::Resume { person, at } => {
                let at = said_at(sent_at(at), rules.now, false);
                return self.resume(ResumeRequest::of(String::new(), person, at, None));
            }
        };
        self.ignored.count(reason);
        Some(())
    }

    fn status(
        &mut self,
        status: &RawValue,
        contacts: &Contacts<'_>,
        to: Addressed<'_>,
        rules: Rules<'_>,
    ) -> Option<()> {
        let [id, state, at, number, user_id, parent, errors] = fields(
            Some(status),
            [
                "id",
                "status",
                "timestamp",
                "recipient_id",
                "recipient_user_id",
                "parent_recipient_user_id",
                "errors",
            ],
        )?;
        let (Some(id), Some(state)) = (text(id), text(state)) else {
            self.ignored.count(IgnoredReason::Status);
            return Some(());
        };
        let failure = status::failure(errors);
        let has_stopped = failure.as_ref().is_some_and(|failure| failure.code == status::STOPPED);
        let metric = rules.metrics.of(&state);
        let sent = sent_at(at);
        let reason = match metric {
            None if !has_stopped => IgnoredReason::Status,
            _ if !to.is_own => IgnoredReason::ForeignNumber,
            _ if sent.is_some_and(|at| !is_recent(rules.now, at)) => IgnoredReason::Old,
            _ => {
                let ids = PersonIds { number, user_id, parent };
                if has_stopped {
                    // Meta's id of the message has other statuses too, and contains the number.
                    let word = format!("WhatsApp status {id} {}", status::STOPPED);
                    let word = OptInKey::new(&Account::default(), &word).to_string();
                    let person = Person::of(ids, contacts);
                    self.opt_out(OptOutRequest::of(word, person, said_at(sent, rules.now, true), None));
                }
                if let Some(metric) = metric {
                    self.statuses.push(StatusRequest {
                        id: id.into_owned(),
                        state: state.into_owned(),
                        metric: metric.to_owned(),
                        person: Person::of(ids, contacts),
                        at: said_at(sent, rules.now, false),
                        phone_number_id: to.phone_number_id.map(ToOwned::to_owned),
                        failure,
                    });
                }
                return Some(());
            }
        };
        self.ignored.count(reason);
        Some(())
    }

    fn renamed(&mut self, renamed: &RawValue, to: Addressed<'_>, rules: Rules<'_>) -> Option<()> {
        let request = RenamingRequest::read(renamed, rules.now)?;
        match to.is_own {
            true => self.renamed.push(request),
            false => self.ignored.count(IgnoredReason::ForeignNumber),
        }
        Some(())
    }

    fn opt_out(&mut self, request: Option<OptOutRequest>) -> Option<()> {
        match request {
            Some(request) => self.opt_outs.push(request),
            None => self.ignored.count(IgnoredReason::Nobody),
        }
        Some(())
    }

    fn resume(&mut self, request: Option<ResumeRequest>) -> Option<()> {
        match request {
            Some(request) => self.resumes.push(request),
            None => self.ignored.count(IgnoredReason::Nobody),
        }
        Some(())
    }
}
