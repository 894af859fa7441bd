//! Makes events of the rows of an input.

use crate::columns::column_names::Names;
use crate::columns::dates::Dates;
use crate::columns::field::UnknownColumns;
use crate::contact::phone::international;
use crate::decode::object::{Members, Properties, field_text, json_string};
use crate::decode::record::without_mark;
use crate::events::columns::fields;
use crate::events::field::{EventColumn, EventField};
use crate::input::records::Records;
use crate::outcome::Reason;
use klaviyo_core::intake::{self, Intake, OnInvalid};
use klaviyo_core::text::trimmed;
use klaviyo_host::types::{Identifier, NewEvent};
use phonenumber::country;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

/// The events of an input.
pub(crate) struct Events {
    map: Vec<EventColumn>,
    unknown: UnknownColumns,
    region: Option<country::Id>,
    /// The metric of rows that name none.
    metric: Option<String>,
    dates: Dates,
    /// The line of each event so far, by a hash of what Klaviyo tells events apart by.
    lines: HashMap<u64, u64>,
    hasher: RandomState,
}

/// An event of a row.
#[derive(Debug)]
pub(crate) struct EventRecord {
    pub(crate) event: NewEvent,
    /// Reasons for what was left out.
    pub(crate) warnings: Vec<Reason>,
}

impl Events {
    pub(crate) fn new(
        map: Vec<EventColumn>,
        unknown: UnknownColumns,
        region: Option<country::Id>,
        metric: Option<String>,
        dates: Dates,
    ) -> Self {
        Self { map, unknown, region, metric, dates, lines: HashMap::new(), hasher: RandomState::new() }
    }

    /// Refuses an event of which Klaviyo would keep only this one or the earlier one.
    fn distinct(&mut self, line: u64, record: EventRecord) -> Result<EventRecord, Reason> {
        let NewEvent { metric, unique_id, profile, .. } = &record.event;
        let (kind, person) = match profile {
            Identifier::Email(email) => (0, email.to_lowercase()),
            Identifier::PhoneNumber(number) => (1, number.clone()),
            Identifier::ExternalId(id) => (2, id.clone()),
            Identifier::Id(id) => (3, id.clone()),
        };
        if unique_id.is_empty() {
            // The connector refuses it, and says why.
            return Ok(record);
        }
        match self.lines.entry(self.hasher.hash_one((metric, unique_id, kind, person))) {
            Entry::Vacant(entry) => {
                entry.insert(line);
                Ok(record)
            }
            Entry::Occupied(entry) => Err(Reason::new(
                "unique-id",
                format!(
                    "line {} has it for the same metric and person, and Klaviyo keeps one event of the two; give each event \
                     an id of its own",
                    entry.get()
                ),
            )),
        }
    }

    /// About how many bytes a record takes.
    pub(crate) fn bytes(record: &EventRecord) -> usize {
        let NewEvent { metric, unique_id, properties, .. } = &record.event;
        metric.len() + unique_id.len() + properties.as_ref().map_or(0, String::len)
    }
}

impl Records for Events {
    type Record = EventRecord;
    type Columns = Vec<EventField>;

    fn columns(&self, header: &[&str]) -> Result<(Vec<EventField>, Vec<String>), String> {
        let names: Vec<&str> = header.iter().map(|name| trimmed(name)).collect();
        let fields = fields(&self.map, self.unknown, Names { names: &names, is_header: true })
            .map_err(|reason| reason.reason)?;
        let missing = if !fields.contains(&EventField::UniqueId) {
            "no column has a unique-id, which tells each event from all others of its metric and person; say which does \
             with --map 'COLUMN=unique-id'"
        } else if !fields.iter().any(EventField::identifies) {
            "no column has an email, a phone-number, an external-id or a profile-id; say which does with --map \
             'COLUMN=email'"
        } else if self.metric.is_none() && !fields.contains(&EventField::Metric) {
            "no column has a metric; name it for all rows with --metric, or say which column does with --map \
             'COLUMN=metric'"
        } else {
            return Ok((fields, Vec::new()));
        };
        Err(format!("{missing} (the first row is the header)"))
    }

    fn of_row<'a>(
        &mut self,
        line: u64,
        fields: &Vec<EventField>,
        values: impl Iterator<Item = &'a str>,
    ) -> Result<EventRecord, Reason> {
        let mut draft = Draft::default();
        for (field, value) in fields.iter().zip(values.map(without_mark)) {
            match field {
                EventField::Ignore => {}
                _ if trimmed(value).is_empty() => {}
                EventField::Property(name) => draft.properties.add(name, &json_string(value)),
                EventField::Json(name) => draft.properties.add_cell(name, value)?,
                field => draft.set(field, trimmed(value)),
            }
        }
        let record = draft.event(self)?;
        self.distinct(line, record)
    }

    fn of_object(&mut self, line: u64, object: &[u8]) -> Result<EventRecord, Reason> {
        let text = std::str::from_utf8(object).map_err(|_| Reason::new("", "it is not UTF-8"))?;
        let mut members = Members::read(text)?;
        let is_mapped = self.map.iter().any(|mapped| mapped.column == "properties");
        let nested = if is_mapped { Vec::new() } else { members.take_properties()? };
        let Members(members) = members;
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        let fields = fields(&self.map, self.unknown, Names { names: &names, is_header: false })?;
        let mut draft = Draft::default();
        for (field, (_, value)) in fields.iter().zip(&members) {
            match field {
                EventField::Ignore => {}
                EventField::Property(name) | EventField::Json(name) => {
                    draft.properties.add(name, value.get());
                }
                field => {
                    if let Some(text) = field_text(field.name(), value.get())? {
                        draft.set(field, trimmed(&text));
                    }
                }
            }
        }
        for (name, value) in &nested {
            let is_this = |field: &&EventField| match field {
                EventField::Property(own) | EventField::Json(own) => own == name,
                _ => false,
            };
            if fields.iter().any(|field| is_this(&field)) {
                let reason =
                    format!("property:{name} is given twice; leave one out with --map 'COLUMN=ignore'");
                return Err(Reason::new("", reason));
            }
            draft.properties.add(name, value.get());
        }
        let record = draft.event(self)?;
        self.distinct(line, record)
    }
}

/// The values of a row.
#[derive(Default)]
struct Draft {
    /// The identifiers of the person.
    person: klaviyo_core::NewProfile,
    profile_id: Option<String>,
    metric: Option<String>,
    unique_id: Option<String>,
    time: Option<String>,
    value: Option<String>,
    value_currency: Option<String>,
    properties: Properties,
}

impl Draft {
    /// Takes a value that is not empty.
    fn set(&mut self, field: &EventField, value: &str) {
        let place = match field {
            EventField::ProfileId => &mut self.profile_id,
            EventField::Email => &mut self.person.email,
            EventField::PhoneNumber => &mut self.person.phone_number,
            EventField::ExternalId => &mut self.person.external_id,
            EventField::Metric => &mut self.metric,
            EventField::UniqueId => &mut self.unique_id,
            EventField::Time => &mut self.time,
            EventField::Value => &mut self.value,
            EventField::ValueCurrency => &mut self.value_currency,
            EventField::Property(_) | EventField::Json(_) | EventField::Ignore => return,
        };
        *place = Some(value.to_owned());
    }

    /// The event. What is missing in it, the connector refuses.
    fn event(self, events: &Events) -> Result<EventRecord, Reason> {
        let (profile, warnings) = match self.profile_id {
            Some(id) => (Identifier::Id(id), Vec::new()),
            None => person(&self.person, events.region)?,
        };
        let time = self.time.map(|time| events.dates.moment(&time)).transpose();
        let time = time.map_err(|reason| Reason::new(EventField::Time.name(), reason))?;
        let event = NewEvent {
            metric: self.metric.or_else(|| events.metric.clone()).unwrap_or_default(),
            profile,
            unique_id: self.unique_id.unwrap_or_default(),
            time: time.map(|time| time.to_string()),
            value: self.value,
            value_currency: self.value_currency,
            properties: self.properties.object(),
        };
        Ok(EventRecord { event, warnings })
    }
}

/// Who did it: the first identifier that can be one. The others have no place in an event.
fn person(
    given: &klaviyo_core::NewProfile,
    region: Option<country::Id>,
) -> Result<(Identifier, Vec<Reason>), Reason> {
    let number = |written: &str| international(written, region);
    let Intake { contact, warnings } =
        intake::contact(given, number, OnInvalid::LeaveOut).map_err(|error| Reason::invalid(&error))?;
    let email = contact.email.map(Identifier::Email);
    let number = contact.phone_number.map(Identifier::PhoneNumber);
    let id = contact.external_id.map(Identifier::ExternalId);
    match email.or(number).or(id) {
        Some(profile) => Ok((profile, warnings.iter().map(Reason::detail).collect())),
        None => Err(Reason::new("email", "nobody is named")),
    }
}
