//! Decides which column of a header, or which member of a JSON object, is which field of an event.

use crate::columns::column_names::Names;
use crate::columns::field::UnknownColumns;
use crate::events::field::{EventColumn, EventField};
use crate::outcome::Reason;
use std::collections::BTreeMap;

/// The fields of the columns.
///
/// # Errors
/// They do not go together, or some are no fields and the settings do not say what to do with them.
pub(crate) fn fields(
    map: &[EventColumn],
    unknown: UnknownColumns,
    names: Names<'_>,
) -> Result<Vec<EventField>, Reason> {
    let mut fields: Vec<Option<EventField>> = vec![None; names.names.len()];
    for pair in map {
        match names.indexes(&pair.column).as_slice() {
            [] if names.is_header => return Err(names.no_column("--map", &pair.column)),
            [] => {}
            [index] => {
                let earlier = fields.get_mut(*index).and_then(|field| field.replace(pair.field.clone()));
                if earlier.is_some_and(|earlier| earlier != pair.field) {
                    let column = names.shown(*index);
                    let reason = format!("--map says twice what {column} is; leave one of them out");
                    return Err(Reason::new("", reason));
                }
            }
            several => return Err(names.ambiguous(several)),
        }
    }
    let is_mapped: Vec<bool> = fields.iter().map(Option::is_some).collect();
    let mut others = Vec::new();
    for (index, field) in fields.iter_mut().enumerate().filter(|(_, field)| field.is_none()) {
        *field = EventField::of_heading(names.get(index));
        if field.is_none() {
            others.push(index);
        }
    }
    match unknown {
        UnknownColumns::Refuse => names.refuse_unknown(&others)?,
        UnknownColumns::Ignore => {}
        UnknownColumns::Properties => {
            let nameless: Vec<usize> =
                others.iter().copied().filter(|index| names.get(*index).is_empty()).collect();
            if !nameless.is_empty() {
                return Err(names.are_nameless(&nameless));
            }
            for index in others {
                if let Some(field) = fields.get_mut(index) {
                    *field = Some(EventField::Property(names.get(index).to_owned()));
                }
            }
        }
    }
    let fields: Vec<EventField> =
        fields.into_iter().map(|field| field.unwrap_or(EventField::Ignore)).collect();
    let mut seen: BTreeMap<Owned<'_>, usize> = BTreeMap::new();
    for (index, field) in fields.iter().enumerate().filter(|(_, field)| **field != EventField::Ignore) {
        if let Some(first) = seen.insert(owned(field), index) {
            let is_mapped = |index: usize| is_mapped.get(index).copied().unwrap_or_default();
            return Err(names.twice(first, index, field, is_mapped));
        }
    }
    Ok(fields)
}

/// What only one column may be: a property (`Ok`) or another field (`Err`), by name.
type Owned<'a> = Result<&'a str, &'a str>;

fn owned(field: &EventField) -> Owned<'_> {
    match field {
        EventField::Property(name) | EventField::Json(name) => Ok(name),
        field => Err(field.name()),
    }
}
