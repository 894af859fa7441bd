//! What this process uses of the machine, with the names that Prometheus' own libraries give it. Linux tells it in
//! `/proc`; elsewhere nothing is told.

use prometheus_client::registry::Registry;

#[cfg(not(target_os = "linux"))]
pub(super) fn register(_: &mut Registry) {}

#[cfg(target_os = "linux")]
pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(linux::Process));
}

#[cfg(target_os = "linux")]
mod linux {
    use crate::metrics::{count, write_gauge};
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
    use prometheus_client::metrics::MetricType;
    use prometheus_client::metrics::counter::ConstCounter;
    use prometheus_client::metrics::gauge::ConstGauge;
    use prometheus_client::registry::Unit;
    use std::fmt;

    #[derive(Debug)]
    pub(super) struct Process;

    impl Collector for Process {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
            if let Some(Stat { cpu, started, pages }) = Stat::parse(&stat) {
                let ticks = rustix::param::clock_ticks_per_second() as f64;
                let help = "Time of the processors that this process has used";
                let metric = encoder.encode_descriptor(
                    "process_cpu",
                    help,
                    Some(&Unit::Seconds),
                    MetricType::Counter,
                )?;
                ConstCounter::new(cpu as f64 / ticks).encode(metric)?;
                let bytes = pages.saturating_mul(rustix::param::page_size() as u64);
                let help = "Memory that this process has";
                write_gauge(
                    &mut encoder,
                    ("process_resident_memory", help, Some(&Unit::Bytes)),
                    count(bytes),
                )?;
                if let Some(boot) = boot() {
                    let help = "When this process began, in seconds since 1970";
                    let unit = Some(&Unit::Seconds);
                    let metric =
                        encoder.encode_descriptor("process_start_time", help, unit, MetricType::Gauge)?;
                    ConstGauge::new(boot as f64 + started as f64 / ticks).encode(metric)?;
                }
            }
            // One of them is the folder that is being read.
            if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
                let open = count(files.count().saturating_sub(1));
                write_gauge(&mut encoder, ("process_open_fds", "Files that are open", None), open)?;
            }
            let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
            match limit {
                Some(most) => {
                    let help = "Files that may be open at once";
                    write_gauge(&mut encoder, ("process_max_fds", help, None), count(most))
                }
                None => Ok(()),
            }
        }
    }

    /// `/proc/self/stat`.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Stat {
        /// In ticks, of the process and for it.
        pub(super) cpu: u64,
        /// In ticks after the machine began.
        pub(super) started: u64,
        pub(super) pages: u64,
    }

    impl Stat {
        /// The name of the process, in parentheses, may have any character, so the fields are counted from its end.
        pub(super) fn parse(text: &str) -> Option<Self> {
            let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
            // The first one here is the third in proc(5).
            let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
            Some(Self { cpu: field(14)? + field(15)?, started: field(22)?, pages: field(24)? })
        }
    }

    /// When the machine began, in seconds since 1970.
    fn boot() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_with_parentheses_and_spaces_does_not_move_the_fields() {
            let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 10 0 0 0 250 50 0 0 20 0 4 0 1234 9999 321 18446744073709551615";
            assert_eq!(Stat::parse(text), Some(Stat { cpu: 300, started: 1234, pages: 321 }));
            assert_eq!(Stat::parse("7 (a) S 1"), None);
        }
    }
}
