//! The component's surroundings: its one import, and the limits on what it computes.

use crate::courier::Courier;
use crate::error::Cause;
use crate::limits::Limits;
use crate::transport::Failure;
use bindings::klaviyo::connector::http;
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};

#[allow(missing_docs, unreachable_pub)]
#[allow(clippy::all, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "connector",
        imports: { default: async },
        exports: { default: async },
        additional_derives: [PartialEq],
    });
}

/// What belongs to one call.
pub(crate) struct State {
    pub(crate) courier: Courier,
    memory: usize,
    table_elements: usize,
    /// Steps of computing that are left.
    ticks: u64,
    /// Time that passed in a request is not the component's.
    came_back: bool,
    /// The limit that was run into, whatever the component made of it.
    exceeded: Option<&'static str>,
}

impl State {
    /// A store for one call.
    pub(crate) fn store(engine: &wasmtime::Engine, limits: &Limits, courier: Courier) -> Store<Self> {
        let ticks = limits.cpu.as_nanos().div_ceil(crate::connector::TICK.as_nanos());
        let state = Self {
            courier,
            memory: limits.memory,
            table_elements: limits.table_elements,
            ticks: ticks.try_into().unwrap_or(u64::MAX),
            came_back: false,
            exceeded: None,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(limits.hostcall_fuel);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| {
            let state = store.data_mut();
            if !std::mem::take(&mut state.came_back) {
                let Some(ticks) = state.ticks.checked_sub(1) else {
                    state.exceeded = Some("cpu");
                    return Ok(UpdateDeadline::Interrupt);
                };
                state.ticks = ticks;
            }
            // A call that computes for long leaves the thread to others now and then.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }

    /// Why a call that did not return has ended.
    pub(crate) fn cause(&self, error: &wasmtime::Error, limits: &Limits) -> Cause {
        let trap = error.downcast_ref::<Trap>();
        let limit = match trap {
            Some(Trap::StackOverflow) => Some("stack"),
            _ if hostcall_fuel_is_used_up(error) => Some("hostcall_fuel"),
            _ => self.exceeded,
        };
        match limit {
            Some("cpu") => stopped("cpu", "it computed for more than", format!("{:?}", limits.cpu)),
            Some("stack") => stopped("stack", "it needed more stack than", bytes(limits.stack)),
            Some("memory") => stopped("memory", "it needed more memory than", bytes(limits.memory)),
            Some("hostcall_fuel") => {
                stopped("hostcall_fuel", "it handed over more at once than", bytes(limits.hostcall_fuel))
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
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.memory;
        if !allowed {
            self.exceeded = Some("memory");
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.table_elements;
        if !allowed {
            self.exceeded = Some("table_elements");
        }
        Ok(allowed)
    }
}

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        let sent = self.courier.send(request).await;
        self.came_back = true;
        sent.map_err(|failure| match failure {
            Failure::Denied(reason) => http::Error::Denied(reason),
            Failure::Timeout(reason) => http::Error::Timeout(reason),
            Failure::Unreachable(reason) | Failure::Connection(reason) => http::Error::Connection(reason),
            Failure::TooLarge(reason) => http::Error::TooLarge(reason),
            Failure::Other(reason) => http::Error::Other(reason),
        })
    }
}
