//! How a trace goes on from a caller to a door, and through the queue to a worker: W3C's headers `traceparent` and
//! `tracestate`. Nothing is written unless the program has an OpenTelemetry layer and a propagator.

use http::HeaderMap;
use opentelemetry::global::get_text_map_propagator;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TraceContextExt;
use std::collections::HashMap;
use tracing::{Span, debug};
use tracing_opentelemetry::OpenTelemetrySpanExt;

struct Http<'a>(&'a HeaderMap);

impl Extractor for Http<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

struct Nats<'a>(&'a async_nats::HeaderMap);

impl Extractor for Nats<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        Some(self.0.get(name)?.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_ref()).collect()
    }
}

/// The caller's trace goes on in this span, which has not been entered yet.
pub(crate) fn follow(span: &Span, headers: &HeaderMap) {
    let caller = get_text_map_propagator(|propagator| propagator.extract(&Http(headers)));
    if caller.span().span_context().is_valid()
        && let Err(error) = span.set_parent(caller)
    {
        debug!(%error, "the caller's trace does not go on");
    }
}

/// The headers by which the trace of this task goes on.
pub(crate) fn headers() -> HashMap<String, String> {
    let mut headers = HashMap::new();
    get_text_map_propagator(|propagator| propagator.inject_context(&Span::current().context(), &mut headers));
    headers
}

/// This span has to do with the message of these headers. It belongs to no single message: a link, and no parent.
pub(crate) fn link(span: &Span, headers: &async_nats::HeaderMap) {
    if span.is_disabled() {
        return;
    }
    let context = get_text_map_propagator(|propagator| propagator.extract(&Nats(headers)));
    let context = context.span().span_context().clone();
    if context.is_valid() {
        span.add_link(context);
    }
}
