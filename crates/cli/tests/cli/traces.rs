//! Traces for an OpenTelemetry collector.

use crate::run::{CANARY, Run, Service, server};
use crate::service::{opt_in, send, serve, signed_request, worker};
use axum::body::Bytes;
use axum::routing::post;
use klaviyo_mock::Nats;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// The caller's trace, and its span in it (the example of W3C's Trace Context).
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const EMAIL: &str = "priya@example.com";

/// A collector, and what it was sent.
struct Collector {
    address: SocketAddr,
    bodies: Receiver<Bytes>,
    spans: Vec<(String, Span)>,
}

impl Collector {
    fn start() -> Self {
        let (sender, bodies) = channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let take = async move |body: Bytes| {
            let _ = sender.send(body);
            ExportTraceServiceResponse::default().encode_to_vec()
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, axum::Router::new().route("/v1/traces", post(take))).await.unwrap();
            });
        });
        Self { address, bodies, spans: Vec::new() }
    }

    /// Lets a command send its traces here, after a tenth of a second.
    fn trace<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.args(["--otlp", &format!("http://{}", self.address)]).env("OTEL_BSP_SCHEDULE_DELAY", "100")
    }

    /// The first span of a service with this name, with what it belongs to.
    fn span(&mut self, service: &str, name: &str) -> Span {
        let begun = Instant::now();
        loop {
            let found = self.spans.iter().find(|(of, span)| of == service && span.name == name);
            if let Some((_, span)) = found {
                return span.clone();
            }
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let body =
                self.bodies.recv_timeout(left).unwrap_or_else(|_| panic!("no span {name} of {service}"));
            self.take(&body);
        }
    }

    fn take(&mut self, body: &[u8]) {
        for secret in [CANARY, EMAIL, "Priya"] {
            assert!(
                !body.windows(secret.len()).any(|part| part == secret.as_bytes()),
                "{secret} is in a trace"
            );
        }
        for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
            let attributes = resource.resource.unwrap().attributes;
            let name = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
            let name = format!("{:?}", name.value);
            let service = if name.contains("klaviyo-serve") { "serve" } else { "worker" };
            assert!(name.contains(&format!("klaviyo-{service}")), "{name}");
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.spans.extend(spans.map(|span| (service.to_owned(), span)));
        }
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sends an opt-in whose caller has a trace.
fn opt_in_of_a_trace(door: &Service) -> u16 {
    let body = opt_in(EMAIL);
    let request = signed_request(door, "POST", "/v1/opt-ins", "msg_1", &body);
    send(request.header("traceparent", format!("00-{TRACE}-{CALLER}-01")).body(body).unwrap()).0
}

#[test]
fn a_callers_trace_goes_on_to_each_request_to_klaviyo() {
    let (klaviyo, mut collector) = (server(), Collector::start());
    let door = Service::start(collector.trace(&mut serve(&klaviyo)));
    assert_eq!(opt_in_of_a_trace(&door), 200);
    let request = collector.span("serve", "request");
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    let call = collector.span("serve", "klaviyo.call");
    let sent = collector.span("serve", "klaviyo.request");
    assert_eq!((&call.parent_span_id, &call.trace_id), (&request.span_id, &request.trace_id));
    assert_eq!((&sent.parent_span_id, &sent.trace_id), (&call.span_id, &request.trace_id));
}

#[test]
fn a_batch_is_linked_with_the_requests_that_brought_it() {
    let (klaviyo, nats, mut collector) = (server(), Nats::start().unwrap(), Collector::start());
    let queue = ["--nats", &nats.url()];
    let door = Service::start(collector.trace(serve(&klaviyo).args(queue)));
    let _worker = Service::start(collector.trace(worker(&klaviyo).args(queue)));
    assert_eq!(opt_in_of_a_trace(&door), 202);
    let request = collector.span("serve", "request");
    let batch = collector.span("worker", "klaviyo.batch");
    let links: Vec<_> = batch.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect();
    assert_eq!(links, [(TRACE.to_owned(), hex(&request.span_id))]);
    assert_ne!(batch.trace_id, request.trace_id);
    let call = collector.span("worker", "klaviyo.call");
    assert_eq!((call.trace_id, call.parent_span_id), (batch.trace_id, batch.span_id));
}

#[test]
#[cfg(unix)]
fn the_last_traces_are_sent_at_the_end() {
    let (klaviyo, mut collector) = (server(), Collector::start());
    let mut command = serve(&klaviyo);
    let door = Service::start(collector.trace(&mut command).env("OTEL_BSP_SCHEDULE_DELAY", "3600000"));
    assert_eq!(opt_in_of_a_trace(&door), 200);
    door.end("-TERM");
    assert_eq!(hex(&collector.span("serve", "request").trace_id), TRACE);
}

#[test]
#[cfg(unix)]
fn a_collector_that_is_away_is_told_and_stops_nothing() {
    let klaviyo = server();
    let mut command = serve(&klaviyo);
    // Nobody listens there.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let door = Service::start(command.args(["--otlp", &format!("http://{taken}")]));
    assert_eq!(opt_in_of_a_trace(&door), 200);
    let log = door.end("-TERM");
    let told = log.lines().filter(|line| line.contains(" WARN ") && line.contains("OpenTelemetry"));
    assert_eq!(told.count(), 1, "{log}");
}

#[test]
fn a_collector_that_is_no_url_is_refused() {
    for wrong in [
        "127.0.0.1:4318",
        "ftp://127.0.0.1",
        "",
        "http://me:canary-password@127.0.0.1:4318",
        "http://canary-password@",
    ] {
        let run = Run::of(serve(&server()).args(["--otlp", wrong]));
        assert_eq!(run.err(2)["code"], "invalid-input", "{wrong}");
        assert!(!run.out.contains("canary-password") && !run.err.contains("canary-password"), "{wrong}");
    }
}
