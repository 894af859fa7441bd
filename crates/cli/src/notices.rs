//! What the host has to say about an account besides the answers of its calls, printed on standard error.

use crate::output;
use std::fmt::Debug;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Prints from now on when Klaviyo answers by another API revision than the one that was asked for.
pub(crate) fn print() {
    // Fails only if there is a log already, which then has them.
    let _ = tracing_subscriber::registry().with(Notices).try_init();
}

struct Notices;

impl<S: Subscriber> Layer<S> for Notices {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut found = OtherRevision::default();
        event.record(&mut found);
        if let OtherRevision { message: Some(message), asked: Some(asked), served: Some(served) } = found {
            output::warn(&format!("{message} (asked for {asked}, answered by {served})"));
        }
    }
}

/// The fields of the host's warning.
#[derive(Default)]
struct OtherRevision {
    message: Option<String>,
    asked: Option<String>,
    served: Option<String>,
}

impl OtherRevision {
    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "message" => Some(&mut self.message),
            "asked" => Some(&mut self.asked),
            "served" => Some(&mut self.served),
            _ => None,
        }
    }
}

impl Visit for OtherRevision {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if let Some(place) = self.field(field.name()) {
            *place = Some(format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(place) = self.field(field.name()) {
            *place = Some(value.to_owned());
        }
    }
}
