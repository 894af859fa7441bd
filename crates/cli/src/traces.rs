//! Traces of `serve` and `worker`, for an OpenTelemetry collector.

use crate::failure::{Failure, chain};
use async_trait::async_trait;
use bytes::Bytes;
use clap::Args;
use http::{Request, Response};
use klaviyo_host::{Bounds, Egress, HttpTransport, Limits, Transport};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing::{Level, Subscriber, info, warn};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

const VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The limits of one request to the collector.
const BOUNDS: Bounds =
    Bounds { time: Duration::from_secs(10), header_bytes: 64 << 10, response_bytes: 1 << 20 };
/// How long the end of the program waits for the collector.
const LAST_WAIT: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct TracesArgs {
    /// Send traces to an OpenTelemetry collector, by OTLP over HTTP, such as http://127.0.0.1:4318. A trace has what the
    /// log has: no key, and nobody's address [variable: OTEL_EXPORTER_OTLP_ENDPOINT]
    #[arg(long = "otlp", value_name = "URL")]
    collector: Option<String>,
}

/// The traces of this program. At its end what is left is sent.
pub(crate) struct Traces(SdkTracerProvider);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_WAIT) {
            warn!(%error, "the last traces did not reach the collector");
        }
    }
}

impl Traces {
    /// None unless an option or the variable names a collector.
    pub(crate) fn begin(options: &TracesArgs, service: &'static str) -> Result<Option<Self>, Failure> {
        let variable = || std::env::var(VARIABLE).ok().filter(|value| !value.is_empty());
        let Some(collector) = options.collector.clone().or_else(variable) else { return Ok(None) };
        let wrong = |reason: &str| {
            // Without the address, which may have a password in it.
            Failure::invalid(None, &format!("this is no address of an OpenTelemetry collector: {reason}"))
                .hint("--otlp or OTEL_EXPORTER_OTLP_ENDPOINT names it, such as http://127.0.0.1:4318")
        };
        let url = Url::parse(&collector).map_err(|error| wrong(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "it has a user in it; what authenticates goes into OTEL_EXPORTER_OTLP_HEADERS",
            ));
        }
        let egress =
            Egress::endpoint(&url.origin().ascii_serialization()).map_err(|error| wrong(&chain(&error)))?;
        let transport =
            HttpTransport::new(&egress, &Limits::default()).map_err(|error| Failure::other(chain(&error)))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector {
                transport: Arc::new(transport),
                runtime: Handle::current(),
                is_away: AtomicBool::new(false),
            })
            .with_endpoint(format!("{}/v1/traces", collector.trim_end_matches('/')))
            .build()
            .map_err(|error| wrong(&error.to_string()))?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource(service))
            .build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Some(Self(provider)))
    }

    /// The layer that makes traces of the spans of the service and of the host.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let ours = filter_fn(|metadata| {
            metadata.target().starts_with("klaviyo_")
                && (metadata.is_span() || *metadata.level() <= Level::INFO)
        });
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("klaviyo-connector")).with_filter(ours)
    }
}

/// What the traces are of: as the variables of OpenTelemetry say, or else by the name of the command.
fn resource(service: &'static str) -> Resource {
    let said = Resource::builder().build();
    let is_named =
        said.get(&"service.name".into()).is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let builder = Resource::builder().with_attribute(version);
    if is_named { builder.build() } else { builder.with_service_name(service).build() }
}

/// A collector, over the transport that the host has, with its trust in certificates.
#[derive(Debug)]
struct Collector {
    transport: Arc<HttpTransport>,
    runtime: Handle,
    is_away: AtomicBool,
}

impl Collector {
    /// Says in the log when traces begin to be lost, and when they are no longer.
    fn tell(&self, failure: Option<String>) {
        let was_away = self.is_away.swap(failure.is_some(), Ordering::Relaxed);
        match (failure, was_away) {
            (Some(reason), false) => {
                warn!(reason, "traces do not reach the OpenTelemetry collector, and are lost until they do");
            }
            (None, true) => info!("traces reach the OpenTelemetry collector again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let transport = Arc::clone(&self.transport);
        // The exporter asks from a thread of its own, which has no runtime.
        let sent =
            self.runtime.spawn(async move { timeout(BOUNDS.time, transport.send(request, BOUNDS)).await });
        let outcome: Result<Response<Bytes>, HttpError> = async { Ok(sent.await???) }.await;
        self.tell(match &outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(chain(error.as_ref())),
        });
        outcome
    }
}
