//! Grants, revokes and reads consent to messages.

use crate::batch::{BatchReport, BulkRequest, Row};
use crate::channels::ByChannel;
use crate::jsonapi::{Consent, Consenting, NewResource, SUBSCRIBED, Subscriptions, UNSUBSCRIBED};
use crate::operation::REVISION;
use crate::operation::consents::{bulk_subscribe, bulk_unsubscribe, get_consents};
use crate::rfc3339::{self, Timestamp};
use crate::{
    BatchResult, Channel, ChannelRefusal, ConsentOptions, ConsentOutcome, Consents, Error, Http, Identifier,
    Subscription, Unsubscription, check, contacts, identifiers,
};
use alloc::{boxed::Box, format, vec::Vec};

/// Whether the consent that Klaviyo took through a list waits for the person to confirm it. `opt_in` is that of the list, and
/// `state` the consent right after the call, if it is known. Who was subscribed already is not asked again.
#[must_use]
pub fn waits_for_confirmation(opt_in: Option<&str>, state: Option<&str>) -> bool {
    opt_in == Some("double_opt_in") && state != Some(SUBSCRIBED)
}

/// Subscribes people to messages. This lifts suppressions.
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
    subscribe(http, subscriptions, list, options).map(Into::into)
}

/// As [`grant`].
pub(crate) fn subscribe(
    http: &mut dyn Http,
    subscriptions: &[Subscription],
    list: Option<&str>,
    options: &ConsentOptions,
) -> Result<ConsentReport, Box<Error>> {
    check::optional_id("list", list)?;
    check::text("custom-source", options.custom_source.as_deref())?;
    let historical = options.historical_import.as_ref();
    let now = historical.map(|historical| check::time("now", &historical.now)).transpose();
    let now = now.map_err(|error| error.at("historical-import"))?;
    let bulk = bulk_subscribe(options.custom_source.as_deref(), now.is_some(), list)?;
    let check = |person: &Subscription| {
        check::optional_id("id", person.id.as_deref())?;
        consented_at(person.consented_at.as_deref(), now.as_ref())?;
        if list.is_none() && now.is_none() && person.id.is_none() {
            return Err(Error::invalid(
                "id",
                "without a list, Klaviyo does nothing for somebody who has no profile; name the list, or the profile by \
                 its id, which contacts.lookup-many finds",
            ));
        }
        Ok(())
    };
    send(http, &bulk, subscriptions, &check)
}

/// Unsubscribes people from messages.
///
/// # Errors
/// As [`grant`].
pub fn revoke(
    http: &mut dyn Http,
    unsubscriptions: &[Unsubscription],
    list: Option<&str>,
) -> Result<ConsentOutcome, Box<Error>> {
    unsubscribe(http, unsubscriptions, list).map(Into::into)
}

/// As [`revoke`].
pub(crate) fn unsubscribe(
    http: &mut dyn Http,
    unsubscriptions: &[Unsubscription],
    list: Option<&str>,
) -> Result<ConsentReport, Box<Error>> {
    check::optional_id("list", list)?;
    send(http, &bulk_unsubscribe(list)?, unsubscriptions, &|_| Ok(()))
}

/// Reads a person's consent.
///
/// # Errors
/// As [`contacts::lookup`]. If there is no such profile, the value is none.
pub fn status(http: &mut dyn Http, by: &Identifier) -> Result<Option<Consents>, Box<Error>> {
    let by = by.cleaned()?;
    contacts::absent_is_none(&by, get_consents(&by).send(http))
}

/// Checks the time of a consent as [`grant`] does. `now` is the present time of a historical import, if it is one.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput), the pointer `consented-at`: it is missing, is not wanted, is not a
/// time, or is in the future. The pointer `now`: it is not a time.
pub fn check_time(consented_at: Option<&str>, now: Option<&str>) -> Result<(), Box<Error>> {
    let now = now.map(|now| check::time("now", now)).transpose()?;
    self::consented_at(consented_at, now.as_ref())
}

/// Checks a person as [`grant`] does with a list.
pub(crate) fn check(person: &Subscription) -> Result<(), Box<Error>> {
    row(&person.person(), None).map(|_| ())
}

/// The result for all people.
pub(crate) struct ConsentReport {
    pub(crate) report: BatchReport,
    /// The channels that Klaviyo refused, also of people whom the report has as refused.
    pub(crate) channels: Vec<ChannelRefusal>,
}

impl From<ConsentReport> for ConsentOutcome {
    fn from(granted: ConsentReport) -> Self {
        let ConsentReport { report, channels } = granted;
        let BatchResult { accepted, refused, warnings, stopped } = report.into();
        let is_refused = |index: u32| refused.binary_search_by_key(&index, |refusal| refusal.index).is_ok();
        let refused_channels = channels.into_iter().filter(|refusal| !is_refused(refusal.index)).collect();
        Self { accepted, refused, refused_channels, warnings, stopped }
    }
}

/// Checks people and sends them.
fn send<T: Consenter>(
    http: &mut dyn Http,
    bulk: &BulkRequest,
    people: &[T],
    check: &dyn Fn(&T) -> Result<(), Box<Error>>,
) -> Result<ConsentReport, Box<Error>> {
    let person = |index: u32| usize::try_from(index).ok().and_then(|index| people.get(index)).map(T::person);
    let channels = |index| person(index).map(|person| person.each_channel()).unwrap_or_default();
    let row_of = |index, channel: &Channel| match person(index) {
        Some(person) => row(&person, Some(channel)),
        // The positions are those of rows that were made of people.
        None => Err(Error::invalid("index", "nobody is there")),
    };
    let mut by_channel = ByChannel::new(bulk, &channels, &row_of);
    let mut rows = people.iter().map(|person| check(person).and_then(|()| row(&person.person(), None)));
    let report = bulk.send(http, &mut rows, &mut by_channel)?;
    Ok(ConsentReport { report, channels: by_channel.refused() })
}

/// The person of a row, as the caller gave it.
struct Person<'a> {
    id: Option<&'a str>,
    email: Option<&'a str>,
    phone_number: Option<&'a str>,
    date_of_birth: Option<&'a str>,
    channels: &'a [Channel],
    transactional: &'a [Channel],
    consent: Consent<'a>,
}

impl Person<'_> {
    /// The channels, each once.
    fn each_channel(&self) -> Vec<Channel> {
        let mut each: Vec<Channel> = Vec::new();
        for channel in self.channels.iter().chain(self.transactional) {
            if !each.contains(channel) {
                each.push(channel.clone());
            }
        }
        each
    }
}

/// What people are given by in an argument.
trait Consenter {
    fn person(&self) -> Person<'_>;
}

impl Consenter for Subscription {
    fn person(&self) -> Person<'_> {
        Person {
            id: self.id.as_deref(),
            email: self.email.as_deref(),
            phone_number: self.phone_number.as_deref(),
            date_of_birth: self.date_of_birth.as_deref(),
            channels: &self.channels,
            transactional: &self.transactional,
            consent: Consent { consent: SUBSCRIBED, consented_at: self.consented_at.as_deref() },
        }
    }
}

impl Consenter for Unsubscription {
    fn person(&self) -> Person<'_> {
        Person {
            id: None,
            email: self.email.as_deref(),
            phone_number: self.phone_number.as_deref(),
            date_of_birth: None,
            channels: &self.channels,
            transactional: &self.transactional,
            consent: Consent { consent: UNSUBSCRIBED, consented_at: None },
        }
    }
}

/// Checks a person, and writes the row to send: with all channels, or with one alone.
fn row(person: &Person<'_>, only: Option<&Channel>) -> Result<Row, Box<Error>> {
    let email = person.email.map(identifiers::email).transpose()?;
    email.as_deref().map(identifiers::bulk_email).transpose()?;
    let phone_number = person.phone_number.map(identifiers::phone_number).transpose()?;
    let has_an_address = person.id.is_some() || email.is_some() || phone_number.is_some();
    let mut revision = REVISION;
    let mut fits = |channel: &Channel| {
        check::channel(channel)?;
        let (field, given) = match channel {
            Channel::Email => ("email", email.is_some()),
            Channel::Sms | Channel::Whatsapp => ("phone-number", phone_number.is_some()),
            Channel::Push | Channel::Other(_) => ("email", has_an_address),
        };
        if !given {
            let name = channel.name();
            return Err(Error::invalid(
                field,
                &format!("it is none, and {name} needs it; Klaviyo would ignore this"),
            ));
        }
        revision = revision.max(channel.revision());
        Ok(())
    };
    let is_sent = |channel: &&Channel| only.is_none_or(|only| only == *channel);
    let mut subscriptions = Subscriptions::default();
    for channel in person.channels.iter().filter(is_sent) {
        fits(channel)?;
        subscriptions.marketing(channel, person.consent);
    }
    for channel in person.transactional.iter().filter(is_sent) {
        fits(channel)?;
        if matches!(channel, Channel::Email | Channel::Push) {
            let name = channel.name();
            return Err(Error::invalid(
                "transactional",
                &format!("Klaviyo keeps no consent to transactional messages by {name}; leave {name} out"),
            ));
        }
        subscriptions.transactional(channel, person.consent);
    }
    if person.channels.is_empty() && person.transactional.is_empty() {
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
        (Some(given), Some(now)) if check::time("consented-at", given)? > *now => "it is in the future",
        (Some(_), Some(_)) => return Ok(()),
    };
    Err(Error::invalid("consented-at", reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn who_is_not_subscribed_yet_confirms_to_a_list_with_double_opt_in() {
        for (opt_in, state, waits) in [
            (Some("double_opt_in"), None, true),
            (Some("double_opt_in"), Some("NEVER_SUBSCRIBED"), true),
            (Some("double_opt_in"), Some("SUBSCRIBED"), false),
            (Some("single_opt_in"), None, false),
            (Some("single_opt_in"), Some("NEVER_SUBSCRIBED"), false),
            (None, None, false),
        ] {
            assert_eq!(waits_for_confirmation(opt_in, state), waits, "{opt_in:?} {state:?}");
        }
    }

    #[test]
    fn a_consent_has_its_time_in_a_historical_import_and_only_there() {
        let (past, now) = (Some("2025-01-01T12:00:00Z"), Some("2025-01-01T14:00:00+02:00"));
        for (consented_at, now, refused) in [
            (None, None, None),
            (past, now, None),
            (past, None, Some("consented-at")),
            (None, now, Some("consented-at")),
            (Some("2025-01-01T12:00:01Z"), now, Some("consented-at")),
            (Some("yesterday"), now, Some("consented-at")),
            (past, Some("now"), Some("now")),
        ] {
            let error = check_time(consented_at, now).err();
            assert_eq!(error.as_ref().map(|error| error.code), refused.map(|_| Code::InvalidInput));
            let field = error.and_then(|error| error.details.into_iter().next()?.pointer);
            assert_eq!(field.as_deref(), refused, "{consented_at:?} {now:?}");
        }
    }
}
