//! The schemas of reported events.

use super::Shape::{DateTime, Flag, Free, List, Number, Object, Text, Word};
use super::{LOCATION, META, PROFILE, Shape, may, must};
use crate::revision::Revision;

const METRIC: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["metric"])),
        must("attributes", Object(&[must("name", Text), may("service", Text)])),
    ]),
)]);

/// The attributes of an event.
macro_rules! event {
    ($($more:expr),*) => {
        Object(&[
            must("type", Word(&["event"])),
            must("attributes", Object(&[
                must("properties", Free),
                may("time", DateTime),
                may("value", Number),
                may("value_currency", Text),
                may("unique_id", Text),
                // Unproven: whether an earlier revision knows it. 2025-01-15 does not.
                may("backfill", Flag).since(Revision::APRIL_2026),
                must("metric", METRIC),
                $($more),*
            ])),
        ])
    };
}

/// One event.
pub(crate) static EVENT: Shape = Object(&[must(
    "data",
    event!(must(
        "profile",
        Object(&[must(
            "data",
            Object(&[
                must("type", PROFILE),
                may("id", Text),
                // The changes of properties are among the attributes here.
                must(
                    "attributes",
                    attributes!(may("anonymous_id", Text), may("_kx", Text), may("meta", META))
                ),
            ]),
        )])
    )),
)]);

/// Many events, of one person or of several.
pub(crate) static EVENTS: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["event-bulk-create-job"])),
        must("attributes", Object(&[must("events-bulk-create", Object(&[must("data", List(&OF_PERSON))]))])),
    ]),
)]);

const OF_PERSON: Shape = Object(&[
    must("type", Word(&["event-bulk-create"])),
    must(
        "attributes",
        Object(&[
            may("backfill", Flag).since(Revision::APRIL_2026),
            must(
                "profile",
                Object(&[must(
                    "data",
                    Object(&[
                        must("type", PROFILE),
                        may("id", Text),
                        must("attributes", attributes!(may("anonymous_id", Text), may("_kx", Text))),
                        may("meta", META),
                    ]),
                )]),
            ),
            must("events", Object(&[must("data", List(&event!()))])),
        ]),
    ),
]);
