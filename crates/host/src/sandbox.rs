//! The component's surroundings: its one import, and the limits on what it computes.

use crate::error::Cause;
use crate::json::TooMuch;
use crate::lock;
use crate::outbound::Courier;
use crate::transport::Failure;
pub(crate) use bindings::Connector as Guest;
use bindings::klaviyo::connector::http;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};

#[allow(missing_docs, unreachable_pub)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "connector",
        imports: { default: async | trappable },
        exports: { default: async },
        additional_derives: [PartialEq],
    });
}

/// Requests over [`Limits::requests`](crate::Limits::requests) that a component is told of before it is stopped.
const WARNINGS: u32 = 16;

/// What belongs to one call.
pub(crate) struct State {
    pub(crate) courier: Courier,
    cpu: Arc<Mutex<Cpu>>,
    /// Bytes of all linear memories.
    memory: usize,
    /// The limit that was run into, whatever the component made of it.
    exceeded: Option<&'static str>,
}

/// How long a call has computed. What it waits, for an answer or for its turn on a thread, does not count.
struct Cpu {
    spent: Duration,
    since: Instant,
}

impl Cpu {
    fn stop(&mut self) -> Duration {
        self.spent += self.since.elapsed();
        self.since = Instant::now();
        self.spent
    }

    fn resume(&mut self) {
        self.since = Instant::now();
    }
}

impl State {
    /// A store for one call.
    pub(crate) fn store(engine: &wasmtime::Engine, courier: Courier) -> Store<Self> {
        let (hostcall_fuel, most) = (courier.limits().hostcall_fuel, courier.limits().cpu);
        let state = Self {
            courier,
            cpu: Arc::new(Mutex::new(Cpu { spent: Duration::ZERO, since: Instant::now() })),
            memory: 0,
            exceeded: None,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(hostcall_fuel);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |mut store| {
            let state = store.data_mut();
            if lock(&state.cpu).stop() > most {
                state.exceeded = Some("cpu");
                return Ok(UpdateDeadline::Interrupt);
            }
            // A call that computes for long leaves the thread to others now and then.
            let cpu = Arc::clone(&state.cpu);
            let pause = async move {
                tokio::task::yield_now().await;
                lock(&cpu).resume();
            };
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(pause)))
        });
        store
    }

    /// Why a call that did not return has ended.
    pub(crate) fn cause(&self, error: &wasmtime::Error) -> Cause {
        let limits = self.courier.limits();
        let trap = error.downcast_ref::<Trap>();
        let limit = match trap {
            Some(Trap::StackOverflow) => Some("stack"),
            _ if hostcall_fuel_is_used_up(error) || error.is::<TooMuch>() => Some("hostcall_fuel"),
            _ => self.exceeded,
        };
        match limit {
            Some("cpu") => stopped("cpu", "it computed for more than", format!("{:?}", limits.cpu)),
            Some("stack") => stopped("stack", "it needed more stack than", bytes(limits.stack)),
            Some("memory") => stopped("memory", "it needed more memory than", bytes(limits.memory)),
            Some("hostcall_fuel") => {
                stopped("hostcall_fuel", "it handed over more at once than", bytes(limits.hostcall_fuel))
            }
            Some("requests") => {
                stopped("requests", "it asked for more requests than", limits.requests.to_string())
            }
            Some(limit) => {
                stopped(limit, "it needed more than", format!("{} elements", limits.table_elements))
            }
            None => Cause::Trap(match trap {
                Some(trap) => {
                    format!("the component trapped ({trap}); this is a defect in it, please report it")
                }
                None => format!("the component could not be run: {error:#}"),
            }),
        }
    }
}

fn bytes(number: usize) -> String {
    format!("{number} bytes")
}

pub(crate) fn stopped(limit: &'static str, what: &str, much: String) -> Cause {
    Cause::Limit { limit, message: format!("the call was stopped: {what} {much}, which is Limits::{limit}") }
}

/// wasmtime has no type for this one.
fn hostcall_fuel_is_used_up(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls")
}

impl ResourceLimiter for State {
    // Asked for the memory that an instance begins with, too.
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let memory = self.memory.saturating_add(desired.saturating_sub(current));
        let allowed = memory <= self.courier.limits().memory;
        if allowed {
            self.memory = memory;
        } else {
            self.exceeded = Some("memory");
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.courier.limits().table_elements;
        if !allowed {
            self.exceeded = Some("table_elements");
        }
        Ok(allowed)
    }
}

impl http::Host for State {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        if self.courier.usage.requests >= self.courier.limits().requests.saturating_add(WARNINGS) {
            self.exceeded = Some("requests");
            return Err(wasmtime::Error::msg("too many requests"));
        }
        lock(&self.cpu).stop();
        let sent = self.courier.send(request).await;
        lock(&self.cpu).resume();
        Ok(sent.map_err(|failure| match failure {
            Failure::Denied(reason) => http::Error::Denied(reason),
            Failure::Timeout(reason) => http::Error::Timeout(reason),
            Failure::Unreachable(reason) | Failure::Connection(reason) => http::Error::Connection(reason),
            Failure::TooLarge(reason) => http::Error::TooLarge(reason),
            Failure::Other(reason) => http::Error::Other(reason),
        }))
    }
}
