use super::*;

/// A mapping for tests.
pub(crate) fn mapping(columns: &[&str], unknown: UnknownColumns) -> Mapping {
    Mapping {
        columns: columns.iter().map(|text| text.parse().unwrap()).collect(),
        unknown,
        ..Mapping::default()
    }
}
