//! Collects the values of a row into a contact: cleans them, warns of those that are left out, or refuses the
//! row.

use crate::columns::consent::Channel;
use crate::columns::consent::{Rules, name};
use crate::columns::field::Field;
use crate::columns::words::Sense;
use crate::columns::{Column, Mapping};
use crate::contact::phone::international;
use crate::contact::{Contact, Given};
use crate::decode::object::Properties;
use crate::outcome::Reason;
use jiff::Timestamp;
use klaviyo_core::bulk;
use klaviyo_core::intake::{self, Intake, OnInvalid, names};
use klaviyo_host::types::{Location, NewProfile};

/// Google's separator of several values in one cell.
const SEVERAL: &str = ":::";

pub(crate) struct Draft<'a> {
    mapping: &'a Mapping,
    profile: klaviyo_core::NewProfile,
    /// First and last name in one, for a row that has neither.
    name: Option<String>,
    pub(crate) properties: Properties,
    /// Times of consent: the rank, the channel (none is any) and the text.
    times: Vec<(u8, Option<Channel>, String)>,
    source: Option<String>,
    method: Option<String>,
    answers: Vec<(Channel, bool)>,
    warnings: Vec<Reason>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(mapping: &'a Mapping) -> Self {
        Self {
            mapping,
            profile: klaviyo_core::NewProfile::default(),
            name: None,
            properties: Properties::default(),
            times: Vec::new(),
            source: None,
            method: None,
            answers: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Takes a value that is text and not empty.
    pub(crate) fn set(&mut self, column: &Column, value: &str) -> Result<(), Reason> {
        let value = match &column.field {
            field @ (Field::Email | Field::PhoneNumber | Field::Standard(_)) => self.first(field, value)?,
            _ => value,
        };
        let given = Some(value.to_owned());
        match &column.field {
            Field::Email => self.profile.email = given,
            Field::PhoneNumber => self.profile.phone_number = given,
            Field::ExternalId => self.profile.external_id = given,
            Field::FirstName => self.profile.first_name = given,
            Field::LastName => self.profile.last_name = given,
            Field::Name => self.name = given,
            Field::ConsentedAt => self.times.push((column.rank, column.channel, value.to_owned())),
            Field::ConsentSource => self.source = given,
            Field::ConsentMethod => self.method = given,
            Field::Standard(field) => *field.of(&mut self.profile) = given,
            Field::Property(_) | Field::Json(_) | Field::Ignore => {}
        }
        Ok(())
    }

    /// The first of several values.
    fn first<'v>(&mut self, field: &Field, value: &'v str) -> Result<&'v str, Reason> {
        let mut values = value.split(SEVERAL).map(str::trim).filter(|value| !value.is_empty());
        let first = values.next().unwrap_or_default();
        if values.next().is_some() {
            self.warn(Reason::new(field.name(), "it has several values; only the first of them is taken"))?;
        }
        Ok(first)
    }

    /// Takes the answer of a consent column.
    pub(crate) fn answer(&mut self, channel: Channel, sense: Sense, value: &str) -> Result<(), Reason> {
        let Some(rules) = &self.mapping.consent else { return Ok(()) };
        let consents = rules
            .words
            .consents(value, sense)
            .map_err(|reason| Reason::new("", format!("the consent to {}: {reason}", name(channel))))?;
        self.answers.push((channel, consents));
        Ok(())
    }

    /// Takes the lack of an answer: the row ends before the consent column, or the object has no such member.
    /// An empty opt-out means that the person has not opted out; one that is missing means nothing.
    pub(crate) fn unanswered(&mut self, channel: Channel, sense: Sense) -> Result<(), Reason> {
        if sense == Sense::Consent {
            return self.answer(channel, sense, "");
        }
        self.answers.push((channel, false));
        let reason = format!(
            "no consent to {} is given: the value that says who has opted out is missing",
            name(channel)
        );
        self.warn(Reason::new("", reason))
    }

    /// Warns of something that is left out, or refuses the row for it.
    fn warn(&mut self, reason: Reason) -> Result<(), Reason> {
        if self.mapping.strict {
            return Err(reason);
        }
        self.warnings.push(reason);
        Ok(())
    }

    /// Warns of a value that is of no use for this sync.
    pub(crate) fn unused(&mut self, name: &str) {
        self.warnings.push(Reason::new(name, "it was left out: this sync has no use for it"));
    }

    pub(crate) fn contact(mut self) -> Result<Contact, Reason> {
        if let (None, None, Some(name)) = (&self.profile.first_name, &self.profile.last_name, &self.name) {
            (self.profile.first_name, self.profile.last_name) = names(name);
        }
        self.profile.properties = self.properties.object();
        let on_invalid = if self.mapping.strict { OnInvalid::Refuse } else { OnInvalid::LeaveOut };
        let number = |written: &str| international(written, self.mapping.region);
        let Intake { contact, warnings } =
            intake::contact(&self.profile, number, on_invalid).map_err(|error| Reason::invalid(&error))?;
        self.warnings.extend(warnings.iter().map(Reason::detail));
        let (bytes, unfit) = match bulk::bytes(&contact) {
            Ok(bytes) => (bytes, None),
            Err(error) => (0, Some(Box::new(Reason::invalid(&error)))),
        };
        let profile = of_core(contact);
        let consent = match &self.mapping.consent {
            None => None,
            Some(rules) => self.consent(rules, &profile)?,
        };
        Ok(Contact { profile, consent, warnings: self.warnings, bytes, unfit })
    }

    /// The consent of the person, if there is one.
    fn consent(&mut self, rules: &Rules, profile: &NewProfile) -> Result<Option<Given>, Reason> {
        let wants = |channel: &Channel| {
            let mut answers = self.answers.iter().filter(|(about, _)| about == channel);
            rules.everybody.contains(channel) || answers.all(|(_, consents)| *consents)
        };
        let wanted: Vec<Channel> = rules.channels().into_iter().filter(wants).collect();
        let (channels, without): (Vec<Channel>, Vec<Channel>) =
            wanted.into_iter().partition(|channel| needs(*channel, profile).is_none());
        for channel in without {
            let Some(field) = needs(channel, profile) else { continue };
            // The reason why an address was left out says more than that there is none.
            let left_out = self.warnings.iter().find(|reason| reason.field == field);
            let reason = left_out.map_or("there is none", |reason| reason.reason.as_str());
            if channels.is_empty() || self.mapping.strict {
                return Err(Reason::new(field, format!("{} needs it, and {reason}", name(channel))));
            }
            self.warnings.push(Reason::new(
                field,
                format!("no consent to {} is given, which needs it", name(channel)),
            ));
        }
        if channels.is_empty() {
            return Ok(None);
        }
        let at = if rules.historical { self.time(&channels)? } else { None };
        let said: Vec<String> = [self.source.take(), self.method.take()].into_iter().flatten().collect();
        let source = Some(said.join(", ")).filter(|source| !source.is_empty());
        Ok(Some(Given { channels, at, source }))
    }

    /// The time from which all of these consents hold: the last of the times that count for each channel. The
    /// time of another channel may be that of a no.
    fn time(&self, channels: &[Channel]) -> Result<Option<String>, Reason> {
        let mut last: Option<Timestamp> = None;
        for channel in channels {
            let times = self.times.iter().filter(|(_, about, _)| about.is_none_or(|about| about == *channel));
            let Some((.., text)) = times.min_by_key(|(rank, ..)| *rank) else { continue };
            let time = self
                .mapping
                .dates
                .moment(text)
                .map_err(|reason| Reason::new(Field::ConsentedAt.name(), reason))?;
            last = last.max(Some(time));
        }
        Ok(last.map(|time| time.to_string()))
    }
}

/// A contact of the core's, for the host.
fn of_core(contact: klaviyo_core::NewProfile) -> NewProfile {
    let klaviyo_core::NewProfile {
        email,
        phone_number,
        external_id,
        first_name,
        last_name,
        organization,
        title,
        locale,
        image,
        location,
        properties,
    } = contact;
    let location = location.map(|place| {
        let klaviyo_core::Location {
            address1,
            address2,
            city,
            region,
            country,
            zip,
            latitude,
            longitude,
            timezone,
            ip,
        } = place;
        Location { address1, address2, city, region, country, zip, latitude, longitude, timezone, ip }
    });
    NewProfile {
        email,
        phone_number,
        external_id,
        first_name,
        last_name,
        organization,
        title,
        locale,
        image,
        location,
        properties,
    }
}

/// The address that a channel needs and the profile lacks.
fn needs(channel: Channel, profile: &NewProfile) -> Option<&'static str> {
    let (field, has) = match channel {
        Channel::Email => ("email", profile.email.is_some()),
        Channel::Sms | Channel::Whatsapp => ("phone-number", profile.phone_number.is_some()),
        Channel::Push => ("email", profile.email.is_some() || profile.phone_number.is_some()),
    };
    (!has).then_some(field)
}
