//! Decides which column of a header, or which member of a JSON object, is which field.

use crate::columns::column_names::Names;
use crate::columns::consent::Channel;
use crate::columns::consent::Rules;
use crate::columns::field::{Field, UnknownColumns};
use crate::columns::headings::{Heading, Product, speaks_of_consent};
use crate::columns::words::Sense;
use crate::columns::{Column, Columns, Mapping};
use crate::outcome::Reason;
use klaviyo_core::text::trimmed;
use std::collections::BTreeMap;

/// The fields of the columns of a CSV file.
///
/// # Errors
/// The header does not say what the settings need. The sentence says what to do first.
pub(crate) fn of_header<'a>(
    mapping: &Mapping,
    header: impl Iterator<Item = &'a str>,
) -> Result<Columns, String> {
    let names: Vec<&str> = header.map(trimmed).collect();
    let mut resolver = Resolver::new(mapping, &names, true);
    let columns = resolver.resolve().map_err(|reason| reason.reason)?;
    let has = |is: &dyn Fn(&Field) -> bool| columns.columns.iter().any(|column| is(&column.field));
    if !has(&|field| field.identifies()) {
        return Err("no column has an email, a phone number or an external id; say which does with --map \
                    'COLUMN=email' (the first row is the header)"
            .to_owned());
    }
    if resolver.rules().is_some_and(|rules| rules.historical) && !has(&|field| *field == Field::ConsentedAt) {
        return Err(
            "--historical needs a column consented-at: when each person gave consent; name it so, or with \
                    --map 'COLUMN=consented-at'"
                .to_owned(),
        );
    }
    Ok(columns)
}

/// The fields of the members of a JSON object.
///
/// # Errors
/// The object is refused.
pub(crate) fn of_members(mapping: &Mapping, names: &[&str]) -> Result<Columns, Reason> {
    Resolver::new(mapping, names, false).resolve()
}

struct Resolver<'a> {
    mapping: &'a Mapping,
    names: Names<'a>,
    /// The index of the setting that maps each column.
    maps: Vec<Option<usize>>,
    unknown: Vec<usize>,
    /// Columns that say who consents, while the settings give consent for everybody; and the channel.
    undecided: Vec<(usize, Channel)>,
    found: Columns,
}

impl<'a> Resolver<'a> {
    fn new(mapping: &'a Mapping, names: &'a [&'a str], is_header: bool) -> Self {
        let column = Column { field: Field::Ignore, rank: 0, channel: None, answers: Vec::new() };
        Self {
            mapping,
            names: Names { names, is_header },
            maps: vec![None; names.len()],
            unknown: Vec::new(),
            undecided: Vec::new(),
            found: Columns { columns: vec![column; names.len()], ..Columns::default() },
        }
    }

    fn rules(&self) -> Option<&'a Rules> {
        self.mapping.consent.as_ref()
    }

    fn resolve(&mut self) -> Result<Columns, Reason> {
        self.take_maps()?;
        let product = Product::of(self.names.names.iter().copied());
        self.take_consent_columns(product)?;
        for index in 0..self.names.names.len() {
            let is_taken = self.maps.get(index).copied().flatten().is_some()
                || self.found.columns.get(index).is_some_and(|column| !column.answers.is_empty());
            if !is_taken {
                self.take_heading(index, product);
            }
        }
        self.names.undecided(&self.undecided)?;
        self.prefer();
        self.treat_unknown()?;
        self.refuse_what_is_twice()?;
        Ok(std::mem::take(&mut self.found))
    }

    /// Takes the fields that `--map` gives.
    fn take_maps(&mut self) -> Result<(), Reason> {
        let mut of_several = Vec::new();
        for (number, pair) in (0..).zip(&self.mapping.columns) {
            match self.names.indexes(&pair.column).as_slice() {
                [] if self.names.is_header => return Err(self.names.no_column("--map", &pair.column)),
                [] => {}
                [index] => self.map(*index, number)?,
                several => of_several.push((number, several.to_vec())),
            }
        }
        for (number, indexes) in of_several {
            let left: Vec<usize> =
                indexes.iter().copied().filter(|index| self.maps.get(*index) == Some(&None)).collect();
            match left.as_slice() {
                [index] => self.map(*index, number)?,
                _ => return Err(self.names.ambiguous(&indexes)),
            }
        }
        Ok(())
    }

    fn map(&mut self, index: usize, number: usize) -> Result<(), Reason> {
        let Some(pair) = self.mapping.columns.get(number) else { return Ok(()) };
        let earlier = self.maps.get_mut(index).and_then(|map| map.replace(number));
        if earlier.is_some_and(|earlier| {
            self.mapping.columns.get(earlier).is_some_and(|other| other.field != pair.field)
        }) {
            let column = self.names.shown(index);
            return Err(Reason::new("", format!("--map says twice what {column} is; leave one of them out")));
        }
        if pair.field.is_of_consent() {
            self.allow(&pair.field)?;
        }
        self.set(index, pair.field.clone(), 0);
        Ok(())
    }

    /// Refuses a field about consent that the settings have no use for.
    fn allow(&self, field: &Field) -> Result<(), Reason> {
        let reason = match (self.rules(), field) {
            (None, _) => "is about a consent, and none is given; give it with --consent or --consent-column",
            (Some(rules), Field::ConsentedAt) if !rules.historical => {
                "is for consent that was collected before; say so with --historical"
            }
            _ => return Ok(()),
        };
        Err(Reason::new("", format!("{field} {reason}, or leave its --map out")))
    }

    /// Takes the columns that `--consent-column` names.
    fn take_consent_columns(&mut self, product: Product) -> Result<(), Reason> {
        let Some(rules) = self.rules() else { return Ok(()) };
        for column in &rules.columns {
            let channel = column.channel;
            let index = match self.names.indexes(&column.column).as_slice() {
                [] if self.names.is_header => {
                    return Err(self.names.no_column("--consent-column", &column.column));
                }
                [] => None,
                [index] => Some(*index),
                several => return Err(self.names.ambiguous(several)),
            };
            // A column that is named by its position has a heading too.
            let heading = index.map_or(column.column.as_str(), |index| self.names.get(index));
            let sense = match (product.heading(heading), speaks_of_consent(heading)) {
                (Some(Heading::Consent(_, Sense::Consent)), _) if column.is_opt_out => {
                    return Err(Reason::new(
                        "",
                        format!(
                            "--consent-column '{column}': {heading:?} says who consents, and ! is for who opted out; \
                                 leave the ! out"
                        ),
                    ));
                }
                (Some(Heading::Consent(_, sense)), _) if sense != Sense::Consent => sense,
                (None, Some((_, sense @ (Sense::OptOut | Sense::Stopped)))) => sense,
                _ if column.is_opt_out => Sense::OptOut,
                _ => Sense::Consent,
            };
            let Some(index) = index else {
                self.found.missing.push((channel, sense));
                continue;
            };
            if let Some(column) = self.found.columns.get_mut(index) {
                column.answers.push((channel, sense));
            }
        }
        Ok(())
    }

    /// Takes the meaning of a heading.
    fn take_heading(&mut self, index: usize, product: Product) {
        let rules = self.rules();
        let name = self.names.get(index);
        match product.heading(name) {
            None => {
                self.unknown.push(index);
                if let Some((channel, _)) = speaks_of_consent(name) {
                    self.decide(index, channel);
                }
            }
            Some(Heading::Own) => self.found.unused.push(index),
            Some(Heading::Field(field, _)) if field.is_of_consent() && rules.is_none() => {
                self.found.unused.push(index);
            }
            Some(Heading::Field(field, rank)) => self.set(index, field, rank),
            Some(Heading::Time(channel, rank)) => {
                let is_wanted = |rules: &Rules| {
                    rules.historical && channel.is_none_or(|channel| rules.channels().contains(&channel))
                };
                if rules.is_some_and(is_wanted) {
                    self.set(index, Field::ConsentedAt, rank);
                    if let Some(column) = self.found.columns.get_mut(index) {
                        column.channel = channel;
                    }
                } else {
                    self.found.unused.push(index);
                }
            }
            Some(Heading::Consent(channel, sense)) => self.take_consent_heading(index, channel, sense),
        }
    }

    fn take_consent_heading(&mut self, index: usize, channel: Option<Channel>, sense: Sense) {
        let Some(rules) = self.rules() else {
            self.found.unused.push(index);
            return;
        };
        let is_about = |asked: &Channel| channel.is_none_or(|channel| channel == *asked);
        if self.decide(index, channel) {
            return;
        }
        // Another column says who consents. A person who has opted out here is not subscribed all the same.
        let channels: Vec<Channel> = rules.channels().into_iter().filter(is_about).collect();
        if sense == Sense::Consent || channels.is_empty() {
            self.found.unused.push(index);
            return;
        }
        let shown = self.names.shown(index);
        self.found.notes.push(format!(
            "who opted out in {shown} is not subscribed; set the column aside with --map '{}=ignore'",
            self.names.selector(index)
        ));
        if let Some(column) = self.found.columns.get_mut(index) {
            column.answers.extend(channels.into_iter().map(|channel| (channel, sense)));
        }
    }

    /// Remembers a column that says who consents to a channel, if the settings give consent to it for
    /// everybody. Returns whether they do.
    fn decide(&mut self, index: usize, about: Option<Channel>) -> bool {
        let is_about = |asked: &Channel| about.is_none_or(|channel| channel == *asked);
        let everybody = self.rules().map_or([].as_slice(), |rules| rules.everybody.as_slice());
        let channel = everybody.iter().copied().find(is_about);
        self.undecided.extend(channel.map(|channel| (index, channel)));
        channel.is_some()
    }

    /// If several columns are the same field, the headings that mean it most count, and the other columns are
    /// unknown.
    fn prefer(&mut self) {
        let mut best: BTreeMap<Result<String, String>, u8> = BTreeMap::new();
        for column in self.found.columns.iter().filter(|column| column.field != Field::Ignore) {
            let rank = best.entry(owned(&column.field)).or_insert(column.rank);
            *rank = column.rank.min(*rank);
        }
        for (index, column) in self.found.columns.iter_mut().enumerate() {
            let is_best = best.get(&owned(&column.field)).is_none_or(|best| *best == column.rank);
            if !is_best && column.field != Field::ConsentedAt {
                column.field = Field::Ignore;
                self.unknown.push(index);
            }
        }
        self.unknown.sort_unstable();
    }

    fn treat_unknown(&mut self) -> Result<(), Reason> {
        let properties = self.mapping.unknown == UnknownColumns::Properties;
        for index in self.found.unused.clone() {
            if properties {
                self.make_property(index);
            } else if self.names.is_header {
                let shown = self.names.shown(index);
                self.found.notes.push(format!("{shown} is left out: this sync has no use for it"));
            }
        }
        if properties {
            self.found.unused.clear();
        }
        match self.mapping.unknown {
            UnknownColumns::Ignore => Ok(()),
            UnknownColumns::Properties => {
                let unknown = std::mem::take(&mut self.unknown);
                let (named, nameless): (Vec<usize>, Vec<usize>) =
                    unknown.into_iter().partition(|index| !self.names.get(*index).is_empty());
                if !nameless.is_empty() {
                    return Err(self.names.are_nameless(&nameless));
                }
                named.into_iter().for_each(|index| self.make_property(index));
                Ok(())
            }
            UnknownColumns::Refuse => self.names.refuse_unknown(&self.unknown),
        }
    }

    fn make_property(&mut self, index: usize) {
        let name = self.names.get(index).to_owned();
        self.set(index, Field::Property(name), 0);
    }

    fn refuse_what_is_twice(&self) -> Result<(), Reason> {
        let mut seen: BTreeMap<(Result<String, String>, u8), usize> = BTreeMap::new();
        for (index, column) in
            self.found.columns.iter().enumerate().filter(|(_, column)| column.field != Field::Ignore)
        {
            // Times of consent are ordered by rank. Of other fields only one rank is left.
            let rank = if column.field == Field::ConsentedAt { column.rank } else { 0 };
            let Some(first) = seen.insert((owned(&column.field), rank), index) else { continue };
            let is_mapped = |index: usize| self.maps.get(index).copied().flatten().is_some();
            return Err(self.names.twice(first, index, &column.field, is_mapped));
        }
        Ok(())
    }

    fn set(&mut self, index: usize, field: Field, rank: u8) {
        if let Some(column) = self.found.columns.get_mut(index) {
            (column.field, column.rank) = (field, rank);
        }
    }
}

/// What only one column of an input may be: a property (`Ok`) or another field (`Err`), by name.
fn owned(field: &Field) -> Result<String, String> {
    field.property().map(str::to_owned).ok_or_else(|| field.name().to_owned())
}

#[cfg(test)]
mod tests;
