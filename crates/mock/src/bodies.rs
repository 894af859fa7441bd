//! The schemas of further bodies: new lists, merges, suppressions and deletions.

use crate::revision::Revision;
use crate::shape::Shape::{List, Object, Text, Word};
use crate::shape::{LISTED, Member, PROFILE, Shape, can, may, must};

/// A new list.
pub(crate) static NEW_LIST: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["list"])),
        must(
            "attributes",
            Object(&[
                must("name", Text),
                // Unproven: whether an earlier revision knows it. 2025-01-15 does not.
                may("opt_in_process", Word(&["double_opt_in", "single_opt_in"])).since(Revision::APRIL_2026),
            ]),
        ),
    ]),
)]);

/// A profile to be merged into another.
pub(crate) static MERGE: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["profile-merge"])),
        must("id", Text),
        must(
            "relationships",
            Object(&[must(
                "profiles",
                Object(&[can("data", List(&Object(&[must("type", PROFILE), must("id", Text)])))]),
            )]),
        ),
    ]),
)]);

const SEGMENT: Shape = Object(&[must("type", Word(&["segment"])), must("id", Text)]);

const WITH_EMAIL: Shape =
    Object(&[must("type", PROFILE), must("attributes", Object(&[must("email", Text)]))]);

const PEOPLE: Member = may("profiles", Object(&[must("data", List(&WITH_EMAIL))]));

const GROUPS: Member = can(
    "relationships",
    Object(&[can("list", Object(&[can("data", LISTED)])), can("segment", Object(&[can("data", SEGMENT)]))]),
);

/// People to be suppressed.
pub(crate) static SUPPRESS: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["profile-suppression-bulk-create-job"])),
        must("attributes", Object(&[PEOPLE])),
        GROUPS,
    ]),
)]);

/// People whose suppression ends.
pub(crate) static UNSUPPRESS: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["profile-suppression-bulk-delete-job"])),
        must("attributes", Object(&[PEOPLE])),
        GROUPS,
    ]),
)]);

/// A profile to be deleted.
pub(crate) static DELETE: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["data-privacy-deletion-job"])),
        must(
            "attributes",
            Object(&[must(
                "profile",
                Object(&[must(
                    "data",
                    Object(&[
                        must("type", PROFILE),
                        may("id", Text),
                        must("attributes", Object(&[may("email", Text), may("phone_number", Text)])),
                    ]),
                )]),
            )]),
        ),
    ]),
)]);
