//! What Klaviyo documents and the simulator refuses, with the reasons.

use crate::queries::Query;

/// A documented part of a body that the simulator refuses.
pub(crate) struct BodyNotSimulated {
    pub(crate) operation: &'static str,
    pub(crate) pointer: &'static str,
    pub(crate) reason: &'static str,
}

/// Why `patch_identifiers` is refused.
const IDENTIFIERS: &str = "the simulator does not know several identifiers of a kind, and refuses them rather than \
    do nothing";

/// The parts of bodies.
pub(crate) const BODIES_NOT_SIMULATED: &[BodyNotSimulated] = &[
    BodyNotSimulated {
        operation: "update_profile",
        pointer: "/data/meta/patch_identifiers",
        reason: IDENTIFIERS,
    },
    BodyNotSimulated {
        operation: "create_or_update_profile",
        pointer: "/data/meta/patch_identifiers",
        reason: IDENTIFIERS,
    },
    BodyNotSimulated {
        operation: "bulk_import_profiles",
        pointer: "/data/attributes/profiles/data/0/meta/patch_identifiers",
        reason: IDENTIFIERS,
    },
    BodyNotSimulated {
        operation: "create_event",
        pointer: "/data/attributes/profile/data/attributes/meta/patch_identifiers",
        reason: IDENTIFIERS,
    },
    BodyNotSimulated {
        operation: "bulk_create_events",
        pointer: "/data/attributes/events-bulk-create/data/0/attributes/profile/data/meta/patch_identifiers",
        reason: IDENTIFIERS,
    },
];

/// A documented query that the simulator refuses: the operation, if it is not any, the start of the parameter,
/// and a part of its value.
pub(crate) struct QueryNotSimulated {
    pub(crate) operation: Option<&'static str>,
    pub(crate) parameter: &'static str,
    pub(crate) value: &'static str,
    pub(crate) reason: &'static str,
}

const OTHERS: &str = "the simulator puts no other resources beside an answer";
const PREDICTIONS: &str = "the simulator predicts nothing";
const DEVICES: &str = "the simulator knows neither devices nor visitors of a shop";
const PRESENCE: &str = "every event of the simulator has a metric and a profile";
const SUPPRESSIONS: &str = "the connector does not look for suppressions";

/// The queries.
pub(crate) const QUERIES_NOT_SIMULATED: &[QueryNotSimulated] = &[
    query(None, "include", "conversation", OTHERS),
    query(None, "include", "flow-triggers", OTHERS),
    query(None, "include", "lists", OTHERS),
    query(None, "include", "push-tokens", OTHERS),
    query(None, "include", "segments", OTHERS),
    query(None, "include", "tags", OTHERS),
    query(None, "fields[attribution]", "", OTHERS),
    query(None, "fields[conversation", "", OTHERS),
    query(None, "fields[flow]", "", OTHERS),
    query(None, "fields[tag]", "", OTHERS),
    query(None, "fields[push-token]", "", OTHERS),
    query(Some("get_profile"), "fields[list]", "", OTHERS),
    query(Some("get_profile"), "fields[segment]", "", OTHERS),
    query(Some("get_bulk_import_profiles_job"), "fields[list]", "", OTHERS),
    query(None, "additional-fields[", "predictive_analytics", PREDICTIONS),
    query(None, "filter", "(push_token,", DEVICES),
    query(None, "filter", "(_kx,", DEVICES),
    query(Some("get_events"), "filter", "has(", PRESENCE),
    query(None, "filter", "(subscriptions.", SUPPRESSIONS),
    query(None, "sort", "subscriptions.", SUPPRESSIONS),
];

const fn query(
    operation: Option<&'static str>,
    parameter: &'static str,
    value: &'static str,
    reason: &'static str,
) -> QueryNotSimulated {
    QueryNotSimulated { operation, parameter, value, reason }
}

impl QueryNotSimulated {
    /// Whether a query of an operation is one of these.
    pub(crate) fn is_about(&self, operation: &str, query: &Query) -> bool {
        self.operation.is_none_or(|own| own == operation)
            && query.parameter.starts_with(self.parameter)
            && query.value.contains(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_simulated_names_operations_that_are() {
        let bodies = BODIES_NOT_SIMULATED.iter().map(|missing| missing.operation);
        for named in bodies.chain(QUERIES_NOT_SIMULATED.iter().filter_map(|missing| missing.operation)) {
            assert!(klaviyo_mock::operations().any(|name| name == named), "{named}");
        }
    }
}
