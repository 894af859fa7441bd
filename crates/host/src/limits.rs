//! The limits of a call, and the sentences about calls that run into one.

use std::time::Duration;
use strum::{Display, VariantArray};

/// The limits of the sandbox and of its requests. All are on by default: the values of [`Limits::default`]
/// are far above what the connector needs, and far below what does harm.
///
/// A call that needs more fails with an error that names the field. Other calls are not affected.
///
/// ```
/// use klaviyo_host::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { time: Duration::from_secs(10), attempts: 2, ..Limits::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory of one call, all of its components together. Default: 64 MiB.
    pub memory: usize,
    /// How many components the file may be composed of: 2 for the connector with tenant code. Each concurrent
    /// call reserves address space, not memory: 4 GiB, or with several components [`Limits::memory`] for
    /// each. Default: 1.
    pub components: u32,
    /// Elements of a table of one call. Default: 10,000.
    pub table_elements: usize,
    /// Bytes of the WebAssembly stack. Default: 512 KiB.
    pub stack: usize,
    /// How long a call may compute, waiting not included. Measured in steps of 10 ms. With [`Duration::MAX`] nothing is
    /// measured: a call leaves its thread to others when it waits and not before, and one that loops keeps it. So the
    /// order of events does not depend on how fast the machine is, as a simulation needs it. Default: 5 s.
    pub cpu: Duration,
    /// How long a call may take, without what it waits for its turns: computing, all attempts of all requests, and the
    /// pauses between them. Default: 60 s.
    pub time: Duration,
    /// How long a call may wait for its turns in all: for its place among `concurrent_calls`, and for Klaviyo's rates
    /// before each request. A call whose turn is known to come later fails at once. Default: 1 hour, which is enough for
    /// 9,000 opt-ins at once; a caller who cannot wait as long puts a [`timeout`](tokio::time::timeout) around the call.
    pub wait: Duration,
    /// How many calls of one [`Connector`](crate::Connector) run at once; further calls wait for their turn.
    /// Each [`Tenant`](crate::Tenant), with its clones, gets a fair share: a further call of it runs only
    /// while it has fewer calls than would then be free. So one busy tenant has half of the calls (set twice
    /// as many as it is to have), two have a third each, and so on. A tenant without a running call gets its
    /// turn at once or, if all are taken, next. A call that waits for Klaviyo's rates counts for its own
    /// tenant only. Default: 256.
    pub concurrent_calls: u32,
    /// Bytes that the component may hand to the host at once: a request with all of its strings, or a result.
    /// Default: 32 MiB.
    pub hostcall_fuel: usize,
    /// Requests of one call, attempts not counted: reading 1,000 pages takes 1,000. Default: 1,100.
    pub requests: u32,
    /// Bytes of a request's body. Default: 5,000,000, which is Klaviyo's own limit.
    pub request_bytes: usize,
    /// Bytes of a request's address and headers, and of an answer's headers. Default: 16 KiB.
    pub header_bytes: usize,
    /// Bytes of an answer's body. Default: 10 MiB.
    pub response_bytes: usize,
    /// The most attempts of one request, the first included; at least one. Default: 4.
    pub attempts: u32,
    /// How long making a connection may take. Default: 5 s.
    pub connect: Duration,
    /// How long one attempt may take, from its start to the last byte of the answer. Default: 20 s.
    pub attempt: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            components: 1,
            table_elements: 10_000,
            stack: 512 << 10,
            cpu: Duration::from_secs(5),
            time: Duration::from_secs(60),
            wait: Duration::from_secs(60 * 60),
            concurrent_calls: 256,
            hostcall_fuel: 32 << 20,
            requests: 1_100,
            request_bytes: 5_000_000,
            header_bytes: 16 << 10,
            response_bytes: 10 << 20,
            attempts: 4,
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(20),
        }
    }
}

/// A field of [`Limits`] that stops a call. The other fields fail a request, of which the component is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Limit {
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::table_elements`].
    TableElements,
    /// [`Limits::stack`].
    Stack,
    /// [`Limits::cpu`].
    Cpu,
    /// [`Limits::time`].
    Time,
    /// [`Limits::wait`]: the call did not get its place among [`Limits::concurrent_calls`] within it, and did not start.
    /// A request whose turn does not come within it is not sent, of which the component is told.
    Wait,
    /// [`Limits::hostcall_fuel`].
    HostcallFuel,
    /// [`Limits::requests`]. The first requests above it are denied; a call that goes on asking is stopped.
    Requests,
}

impl Limit {
    /// The sentence about a call that has run into this limit.
    pub(crate) fn message(self, limits: &Limits) -> String {
        let Limits { memory, table_elements, stack, hostcall_fuel, requests, cpu, time, wait, .. } = limits;
        let reason = match self {
            Self::Memory => format!("it needed more memory than {memory} bytes"),
            Self::TableElements => format!("it needed more than {table_elements} elements"),
            Self::Stack => format!("it needed more stack than {stack} bytes"),
            Self::Cpu => format!("it computed for more than {cpu:?}"),
            Self::Time => format!("it took more than {time:?}"),
            Self::HostcallFuel => format!("it handed over more at once than {hostcall_fuel} bytes"),
            Self::Requests => format!("it asked for more requests than {requests}"),
            Self::Wait => {
                return format!(
                    "the call did not get its turn within the {wait:?} of Limits::wait: its tenant has its share of \
                     the {} calls that Limits::concurrent_calls allows at once, or all are taken; make fewer calls \
                     at once, or raise Limits::concurrent_calls",
                    limits.concurrent_calls
                );
            }
        };
        format!("the call was stopped: {reason}, which is Limits::{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_as_its_field_and_its_sentence_names_it() {
        let limits = Limits::default();
        let fields = format!("{limits:?}");
        for limit in Limit::VARIANTS {
            assert!(fields.contains(&format!(" {limit}: ")), "{limit} is not a field of {fields}");
            let message = limit.message(&limits);
            assert!(message.contains(&format!("Limits::{limit}")), "{message}");
        }
    }
}
