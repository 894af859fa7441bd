//! The names of columns, and the sentences about columns that do not fit. No sentence advises an option that
//! was given.

use crate::columns::consent::Channel;
use crate::columns::consent::name;
use crate::outcome::Reason;
use std::fmt::Display;

/// The names in a header, or of the members of a JSON object.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) names: &'a [&'a str],
    /// Whether these are the columns of a header: they have positions, and all columns that the settings name
    /// must be there.
    pub(crate) is_header: bool,
}

impl<'a> Names<'a> {
    /// The name of a column; empty where there is none.
    pub(crate) fn get(self, index: usize) -> &'a str {
        self.names.get(index).copied().unwrap_or_default()
    }

    /// The columns that a setting means: those of this name, or else the one at this position.
    pub(crate) fn indexes(self, column: &str) -> Vec<usize> {
        let named: Vec<usize> =
            (0..).zip(self.names).filter(|(_, name)| **name == column).map(|(index, _)| index).collect();
        let position = || column.parse::<usize>().ok()?.checked_sub(1);
        match position().filter(|index| self.is_header && named.is_empty() && *index < self.names.len()) {
            Some(index) => vec![index],
            None => named,
        }
    }

    /// Says that there is no such column.
    pub(crate) fn no_column(self, option: &str, column: &str) -> Reason {
        let columns = self.names.join(", ");
        Reason::long(format!("{option} names the column {column:?}, and there is none; there are {columns}"))
    }

    /// Says that several columns have this name.
    pub(crate) fn ambiguous(self, indexes: &[usize]) -> Reason {
        let name = indexes.first().and_then(|index| self.names.get(*index)).copied().unwrap_or_default();
        if !self.is_header {
            return Reason::new(name, "it is there twice");
        }
        let positions: Vec<String> = indexes.iter().map(|index| (index + 1).to_string()).collect();
        let last = positions.last().map(String::as_str).unwrap_or_default();
        Reason::long(format!(
            "columns {} are named {name:?}; write the position of the one that is meant in place of the name, as in --map \
             '{last}=ignore'",
            positions.join(" and ")
        ))
    }

    /// How a sentence names a column.
    pub(crate) fn shown(self, index: usize) -> String {
        match self.get(index) {
            "" => format!("column {}", index + 1),
            name => format!("{name:?}"),
        }
    }

    fn positioned(self, index: usize) -> String {
        format!("column {} ({:?})", index + 1, self.get(index))
    }

    /// How an option names a column: by its name, or by its position if the name is empty, used twice or hard
    /// to quote.
    pub(crate) fn selector(self, index: usize) -> String {
        let name = self.get(index);
        let is_plain = !name.is_empty() && !name.starts_with('!') && !name.contains(['=', '\'']);
        if is_plain && self.indexes(name).len() == 1 { name.to_owned() } else { (index + 1).to_string() }
    }

    /// Says that two columns are the same field. `is_mapped` tells whether `--map` names a column.
    pub(crate) fn twice(
        self,
        first: usize,
        second: usize,
        field: &dyn Display,
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

    /// Says that these columns are no fields.
    pub(crate) fn refuse_unknown(self, unknown: &[usize]) -> Result<(), Reason> {
        let (named, nameless): (Vec<usize>, Vec<usize>) =
            unknown.iter().partition(|index| !self.get(**index).is_empty());
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
        let shown: Vec<String> = named.iter().map(|index| self.shown(*index)).collect();
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

    /// Says that these columns have no name.
    pub(crate) fn are_nameless(self, indexes: &[usize]) -> Reason {
        let positions: Vec<String> = indexes.iter().map(|index| (index + 1).to_string()).collect();
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

    /// Says that consent is given for everybody while a column says who consents: the user has to choose.
    pub(crate) fn undecided(self, undecided: &[(usize, Channel)]) -> Result<(), Reason> {
        let Some((first, _)) = undecided.first() else { return Ok(()) };
        let shown: Vec<String> = undecided.iter().map(|(index, _)| self.shown(*index)).collect();
        let deciding: Vec<String> = undecided
            .iter()
            .map(|(index, channel)| {
                format!("--consent-column '{}={}'", name(*channel), self.selector(*index))
            })
            .collect();
        let aside: Vec<String> =
            undecided.iter().map(|(index, _)| format!("--map '{}=ignore'", self.selector(*index))).collect();
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
