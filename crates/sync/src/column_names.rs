//! The names of columns, and what to do where they do not say what is wanted. No advice repeats an option that was given.

use crate::consent::name;
use crate::field::Field;
use crate::outcome::Reason;
use klaviyo_host::types::Channel;

/// The names in a header, or of the members of an object.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) names: &'a [&'a str],
    /// Whether columns have a position, and all that is asked for has to be there.
    pub(crate) is_header: bool,
}

impl<'a> Names<'a> {
    /// None is empty.
    pub(crate) fn get(self, place: usize) -> &'a str {
        self.names.get(place).copied().unwrap_or_default()
    }

    /// Where the column is that somebody names, by its name or else by its position.
    pub(crate) fn places(self, column: &str) -> Vec<usize> {
        let named: Vec<usize> =
            (0..).zip(self.names).filter(|(_, name)| **name == column).map(|(place, _)| place).collect();
        let position = || column.parse::<usize>().ok()?.checked_sub(1);
        match position().filter(|place| self.is_header && named.is_empty() && *place < self.names.len()) {
            Some(place) => vec![place],
            None => named,
        }
    }

    /// That a column is not there.
    pub(crate) fn no_column(self, option: &str, column: &str) -> Reason {
        let columns = self.names.join(", ");
        Reason::long(format!("{option} names the column {column:?}, and there is none; there are {columns}"))
    }

    /// That a name is that of several columns.
    pub(crate) fn ambiguous(self, places: &[usize]) -> Reason {
        let name = places.first().and_then(|place| self.names.get(*place)).copied().unwrap_or_default();
        if !self.is_header {
            return Reason::new(name, "it is there twice");
        }
        let positions: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
        let last = positions.last().map(String::as_str).unwrap_or_default();
        Reason::long(format!(
            "columns {} are named {name:?}; write the position of the one that is meant in place of the name, as in --map \
             '{last}=ignore'",
            positions.join(" and ")
        ))
    }

    /// A column in a sentence.
    pub(crate) fn shown(self, place: usize) -> String {
        match self.get(place) {
            "" => format!("column {}", place + 1),
            name => format!("{name:?}"),
        }
    }

    fn positioned(self, place: usize) -> String {
        format!("column {} ({:?})", place + 1, self.get(place))
    }

    /// A column in an option: its name, or its position where the name says it to nobody.
    pub(crate) fn selector(self, place: usize) -> String {
        let name = self.get(place);
        let is_plain = !name.is_empty() && !name.starts_with('!') && !name.contains(['=', '\'']);
        if is_plain && self.places(name).len() == 1 { name.to_owned() } else { (place + 1).to_string() }
    }

    /// That two columns are one field. Which of them `--map` says to be it, `is_mapped` tells.
    pub(crate) fn twice(
        self,
        first: usize,
        second: usize,
        field: &Field,
        is_mapped: impl Fn(usize) -> bool,
    ) -> Reason {
        if !self.is_header {
            return Reason::new(
                "",
                format!("{field} is given twice; leave one out with --map 'COLUMN=ignore'"),
            );
        }
        let both = format!("{} and {}", self.positioned(first), self.positioned(second));
        let advice = match (is_mapped(first), is_mapped(second)) {
            (true, true) => "leave one --map out".to_owned(),
            (false, true) => format!("leave the first out with --map '{}=ignore'", self.selector(first)),
            _ => format!("leave one out, as with --map '{}=ignore'", self.selector(second)),
        };
        Reason::long(format!("{both} are both {field}; {advice}"))
    }

    /// That these columns are no fields.
    pub(crate) fn refuse_unknown(self, unknown: &[usize]) -> Result<(), Reason> {
        let (named, nameless): (Vec<usize>, Vec<usize>) =
            unknown.iter().partition(|place| !self.get(**place).is_empty());
        let Some(first) = named.first() else {
            return if nameless.is_empty() { Ok(()) } else { Err(self.are_nameless(&nameless)) };
        };
        if !self.is_header {
            let name = self.get(*first);
            return Err(Reason::new(
                name,
                "it is no field; --unknown-columns and --map say what to do with it",
            ));
        }
        let shown: Vec<String> = named.iter().map(|place| self.shown(*place)).collect();
        let reason = format!(
            "these columns are no fields: {}; make them properties with --unknown-columns properties, leave them out \
             with --unknown-columns ignore, or say what they are with --map 'COLUMN=FIELD'",
            shown.join(", ")
        );
        if nameless.is_empty() {
            return Err(Reason::long(reason));
        }
        Err(Reason::long(format!("{reason}; {}", self.are_nameless(&nameless).reason)))
    }

    /// That these columns have no name.
    pub(crate) fn are_nameless(self, places: &[usize]) -> Reason {
        let positions: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
        let aside: Vec<String> =
            positions.iter().map(|position| format!("--map '{position}=ignore'")).collect();
        let first = positions.first().map(String::as_str).unwrap_or_default();
        let (columns, have, them) = match positions.len() {
            1 => ("column", "has", "it"),
            _ => ("columns", "have", "them"),
        };
        Reason::long(format!(
            "{columns} {} {have} no name; leave {them} out with {}, or say what {them} is by the position, as in --map \
             '{first}=property:NAME'",
            positions.join(", "),
            aside.join(" ")
        ))
    }

    /// Consent for everybody, and a column that says who consents: one of the two is not meant.
    pub(crate) fn undecided(self, undecided: &[(usize, Channel)]) -> Result<(), Reason> {
        let Some((first, _)) = undecided.first() else { return Ok(()) };
        let shown: Vec<String> = undecided.iter().map(|(place, _)| self.shown(*place)).collect();
        let deciding: Vec<String> = undecided
            .iter()
            .map(|(place, channel)| {
                format!("--consent-column '{}={}'", name(*channel), self.selector(*place))
            })
            .collect();
        let aside: Vec<String> =
            undecided.iter().map(|(place, _)| format!("--map '{}=ignore'", self.selector(*place))).collect();
        let reason = format!(
            "{} {} of each person whether there is consent, and --consent gives it for everybody; let the column \
             decide with {}, or set it aside with {}",
            shown.join(" and "),
            if shown.len() == 1 { "says" } else { "say" },
            deciding.join(" "),
            aside.join(" ")
        );
        Err(if self.is_header { Reason::long(reason) } else { Reason::new(self.get(*first), reason) })
    }
}
