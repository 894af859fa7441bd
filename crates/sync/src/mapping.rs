//! Where the values of a contact come from, as the settings say it.

use crate::consent::Rules;
use crate::dates::Dates;
use crate::field::{ColumnMapping, UnknownColumns};
use phonenumber::country;

/// Where the values of a contact come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping {
    pub(crate) columns: Vec<ColumnMapping>,
    pub(crate) unknown: UnknownColumns,
    pub(crate) region: Option<country::Id>,
    /// Whether a row is refused for what could be left out of it.
    pub(crate) strict: bool,
    /// Which consent is given; none if the sync is not about consent.
    pub(crate) consent: Option<Rules>,
    /// How times of consent are written.
    pub(crate) dates: Dates,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A mapping for tests.
    pub(crate) fn mapping(columns: &[&str], unknown: UnknownColumns) -> Mapping {
        Mapping {
            columns: columns.iter().map(|text| text.parse().unwrap()).collect(),
            unknown,
            ..Mapping::default()
        }
    }
}
