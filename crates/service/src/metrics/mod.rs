//! What doors and workers tell Prometheus: the names of the labels, the requests to Klaviyo, the process and the build.
//!
//! Each name of a label means one thing in all metrics, and `docs/scale.md` has the table of both.

mod api;
pub(crate) mod labels;
mod process;
mod queue_connection;

pub use api::ApiMetrics;
pub use labels::LABELS;
pub(crate) use queue_connection::write_connection;

use klaviyo_host::json::CONTRACT_VERSION;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;

/// A registry that has what every process tells: its build, and what it uses of the machine.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    let build =
        Info::new([(labels::VERSION, env!("CARGO_PKG_VERSION")), (labels::CONTRACT, CONTRACT_VERSION)]);
    registry.register("klaviyo_build", "The version of this program and of the connector's contract", build);
    process::register(&mut registry);
    registry
}

/// Writes a gauge that is computed when it is asked for. Without values only its description is written.
pub(crate) fn write_gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): (&str, &str, Option<&Unit>),
    values: impl IntoIterator<Item = (L, V)>,
) -> fmt::Result
where
    ConstGauge<V>: EncodeMetric,
{
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

/// The same, of a gauge without labels.
pub(crate) fn write_gauge(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): (&str, &str, Option<&Unit>),
    value: i64,
) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}

/// A count as gauges have it.
pub(crate) fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
