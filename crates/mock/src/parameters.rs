//! The query parameters that a revision does not have yet.

use crate::answer::Refusal;
use crate::call::Query;
use crate::check::Result;
use crate::revision::Revision;

/// The operation, the parameter, and the first revision with it. Unproven for `fields` whether an earlier one
/// has it: 2025-01-15 does not.
const LATER: &[(&str, &str, Revision)] = &[
    ("get_lists", "page[size]", Revision::APRIL_2026),
    ("get_segments", "page[size]", Revision::APRIL_2026),
    ("create_list", "fields[list]", Revision::APRIL_2026),
    ("create_profile", "fields[profile]", Revision::APRIL_2026),
    ("update_profile", "fields[profile]", Revision::APRIL_2026),
    ("create_or_update_profile", "fields[profile]", Revision::APRIL_2026),
    ("merge_profiles", "fields[profile]", Revision::APRIL_2026),
    ("bulk_import_profiles", "fields[profile-bulk-import-job]", Revision::APRIL_2026),
    ("bulk_suppress_profiles", "fields[profile-suppression-bulk-create-job]", Revision::APRIL_2026),
    ("bulk_unsuppress_profiles", "fields[profile-suppression-bulk-delete-job]", Revision::APRIL_2026),
];

/// Refuses a parameter without a meaning, so that no client believes it has an effect. An operation knows
/// these, some of them since a later revision.
pub(crate) fn check(query: &Query, operation: &str, known: &[&str], revision: Revision) -> Result<()> {
    let is_early = |(own, parameter, since): &(&str, &str, Revision), name: &str| {
        *own == operation && *parameter == name && revision < *since
    };
    let is_known = |name: &str| known.contains(&name) && !LATER.iter().any(|later| is_early(later, name));
    match query.pairs().find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        // Unproven: what Klaviyo answers.
        Some((name, _)) => {
            let detail = format!("'{name}' is not a valid parameter for this operation");
            Err(Refusal::invalid_parameter(&detail, name).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::operations;

    #[test]
    fn what_came_later_belongs_to_an_operation() {
        for (operation, parameter, _) in LATER {
            assert!(operations().any(|name| name == *operation), "{operation} {parameter}");
        }
    }

    #[test]
    fn a_parameter_comes_with_its_revision() {
        let query = Query::parse("page[size]=5");
        let check = |known: &[&str], revision| check(&query, "get_lists", known, revision).is_ok();
        assert!(check(&["page[size]"], Revision::APRIL_2026));
        assert!(!check(&["page[size]"], Revision::JANUARY_2026));
        assert!(!check(&["sort"], Revision::APRIL_2026));
    }
}
