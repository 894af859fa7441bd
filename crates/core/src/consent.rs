//! Grants, revokes and reads consent to marketing.

use crate::batch::{BatchReport, Row};
use crate::jsonapi::{Consenting, Marketing, NewResource, SUBSCRIBED, Subscriptions, UNSUBSCRIBED};
use crate::operation::REVISION;
use crate::operation::consents::{bulk_subscribe, bulk_unsubscribe, get_consents};
use crate::rfc3339::{self, Timestamp};
use crate::{
    Channel, ConsentOptions, ConsentOutcome, Consents, Error, Http, Identifier, Subscription, Unsubscription,
    check, contacts, identifiers,
};
use alloc::{boxed::Box, format};

/// Subscribes people to marketing. This lifts suppressions.
///
/// # Errors
/// Those of Klaviyo and of the transport, when nothing was accepted. Later failures are in
/// [`ConsentOutcome::stopped`].
pub fn grant(
    http: &mut dyn Http,
    subscriptions: &[Subscription],
    list: Option<&str>,
    options: &ConsentOptions,
) -> Result<ConsentOutcome, Box<Error>> {
    check::optional_id("list", list)?;
    let historical = options.historical_import.as_ref();
    let now = historical.map(|historical| timestamp("now", &historical.now)).transpose()?;
    let bulk = bulk_subscribe(options.custom_source.as_deref(), now.is_some(), list)?;
    let row = |person: &Subscription| {
        check::optional_id("id", person.id.as_deref())?;
        consented_at(person.consented_at.as_deref(), now.as_ref())?;
        if list.is_none() && now.is_none() && person.id.is_none() {
            return Err(Error::invalid(
                "id",
                "without a list, Klaviyo does nothing for somebody who has no profile; name the list, or the profile by \
                 its id, which contacts.lookup-many finds",
            ));
        }
        let marketing = Marketing { consent: SUBSCRIBED, consented_at: person.consented_at.as_deref() };
        let channels = &person.channels;
        let person = Person {
            id: person.id.as_deref(),
            email: person.email.as_deref(),
            phone_number: person.phone_number.as_deref(),
            date_of_birth: person.date_of_birth.as_deref(),
        };
        row(&person, channels, marketing)
    };
    bulk.send(http, &mut subscriptions.iter().map(row)).map(Into::into)
}

/// Unsubscribes people from marketing.
///
/// # Errors
/// As [`grant`].
pub fn revoke(
    http: &mut dyn Http,
    unsubscriptions: &[Unsubscription],
    list: Option<&str>,
) -> Result<ConsentOutcome, Box<Error>> {
    check::optional_id("list", list)?;
    let row = |person: &Unsubscription| {
        let marketing = Marketing { consent: UNSUBSCRIBED, consented_at: None };
        let channels = &person.channels;
        let person = Person {
            id: None,
            email: person.email.as_deref(),
            phone_number: person.phone_number.as_deref(),
            date_of_birth: None,
        };
        row(&person, channels, marketing)
    };
    bulk_unsubscribe(list)?.send(http, &mut unsubscriptions.iter().map(row)).map(Into::into)
}

/// Reads a person's consent.
///
/// # Errors
/// As [`contacts::lookup`]. If there is no such profile, the value is none.
pub fn status(http: &mut dyn Http, by: &Identifier) -> Result<Option<Consents>, Box<Error>> {
    let by = by.cleaned()?;
    contacts::absent_is_none(&by, get_consents(&by).send(http))
}

impl From<BatchReport> for ConsentOutcome {
    fn from(report: BatchReport) -> Self {
        let accepted: usize = report.accepted.iter().map(|accepted| accepted.rows.len()).sum();
        Self {
            // There are no more than the caller gave.
            accepted: u32::try_from(accepted).unwrap_or(u32::MAX),
            refused: report.refused,
            warnings: report.warnings,
            stopped: report.stopped,
        }
    }
}

/// The person of a row, as the caller gave it.
struct Person<'a> {
    id: Option<&'a str>,
    email: Option<&'a str>,
    phone_number: Option<&'a str>,
    date_of_birth: Option<&'a str>,
}

/// Checks a person, and writes the row to send.
fn row(person: &Person<'_>, channels: &[Channel], marketing: Marketing<'_>) -> Result<Row, Box<Error>> {
    let email = person.email.map(identifiers::email).transpose()?;
    email.as_deref().map(identifiers::bulk_email).transpose()?;
    let phone_number = person.phone_number.map(identifiers::phone_number).transpose()?;
    let mut subscriptions = Subscriptions::default();
    let mut revision = REVISION;
    for channel in channels {
        let (field, given) = match channel {
            Channel::Email => ("email", email.is_some()),
            Channel::Sms | Channel::Whatsapp => ("phone-number", phone_number.is_some()),
            Channel::Push => ("email", person.id.is_some() || email.is_some() || phone_number.is_some()),
        };
        if !given {
            let name = channel.name();
            return Err(Error::invalid(
                field,
                &format!("it is none, and {name} needs it; Klaviyo would ignore this"),
            ));
        }
        subscriptions.set(*channel, marketing);
        revision = revision.max(channel.revision());
    }
    if channels.is_empty() {
        return Err(Error::invalid("channels", "none is named; Klaviyo would ignore this person"));
    }
    if !person.date_of_birth.is_none_or(rfc3339::is_date) {
        return Err(Error::invalid("date-of-birth", "it is no date, such as 1990-12-31"));
    }
    let age_gated_date_of_birth = person.date_of_birth;
    let attributes = Consenting { email, phone_number, age_gated_date_of_birth, subscriptions };
    Row::new(&NewResource { kind: "profile", id: person.id, attributes }, revision)
}

/// Checks the time at which a consent was given against the present time of a historical import.
fn consented_at(given: Option<&str>, now: Option<&Timestamp<'_>>) -> Result<(), Box<Error>> {
    let reason = match (given, now) {
        (None, None) => return Ok(()),
        (Some(_), None) => "it is for historical imports only; give historical-import, or leave it out",
        (None, Some(_)) => "a historical import needs it for everybody",
        (Some(given), Some(now)) if timestamp("consented-at", given)? > *now => "it is in the future",
        (Some(_), Some(_)) => return Ok(()),
    };
    Err(Error::invalid("consented-at", reason))
}

fn timestamp<'a>(field: &str, text: &'a str) -> Result<Timestamp<'a>, Box<Error>> {
    rfc3339::parse(text).ok_or_else(|| {
        Error::invalid(field, "it is no date and time of RFC 3339, such as 2025-03-01T12:00:00Z")
    })
}
