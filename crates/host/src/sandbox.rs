//! Runs the component for one call: its one import, and the limits on computing time, memory and stack.

use crate::bindings::klaviyo::connector::http;
use crate::error::Cause;
use crate::json::ResultTooLarge;
use crate::limits::Limit;
use crate::outbound::OutboundHttp;
use crate::transport::AttemptError;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};

/// Requests above [`Limits::requests`](crate::Limits::requests) that are denied before the call is stopped.
const DENIED_REQUESTS: u32 = 16;

/// The host's part of one call, which wasmtime keeps in its store.
pub(crate) struct CallState {
    pub(crate) http: OutboundHttp,
    cpu: Arc<Mutex<CpuClock>>,
    /// Bytes of all linear memories.
    memory: usize,
    /// The limit that stopped the call or refused something, whatever the component did then.
    exceeded: Option<Limit>,
}

/// Measures how long a call computes. The time that it waits for an answer or a thread does not count.
struct CpuClock {
    spent: Duration,
    since: Instant,
}

impl CpuClock {
    fn stop(&mut self) -> Duration {
        self.spent += self.since.elapsed();
        self.since = Instant::now();
        self.spent
    }

    fn resume(&mut self) {
        self.since = Instant::now();
    }
}

impl CallState {
    /// A store for one call.
    pub(crate) fn store(engine: &wasmtime::Engine, http: OutboundHttp) -> Store<Self> {
        let (hostcall_fuel, most) = (http.limits().hostcall_fuel, http.limits().cpu);
        let state = Self {
            http,
            cpu: Arc::new(Mutex::new(CpuClock { spent: Duration::ZERO, since: Instant::now() })),
            memory: 0,
            exceeded: None,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(hostcall_fuel);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |mut store| {
            let state = store.data_mut();
            if state.cpu.lock().stop() > most {
                state.exceeded = Some(Limit::Cpu);
                return Ok(UpdateDeadline::Interrupt);
            }
            // A call that computes for long yields its thread to others at each tick.
            let cpu = Arc::clone(&state.cpu);
            let pause = async move {
                tokio::task::yield_now().await;
                cpu.lock().resume();
            };
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(pause)))
        });
        store
    }

    /// Why a call that did not return has ended.
    pub(crate) fn cause(&self, error: &wasmtime::Error) -> Cause {
        let limits = self.http.limits();
        let trap = error.downcast_ref::<Trap>();
        let limit = match trap {
            Some(Trap::StackOverflow) => Some(Limit::Stack),
            _ if hostcall_fuel_is_used_up(error) || error.is::<ResultTooLarge>() => Some(Limit::HostcallFuel),
            _ => self.exceeded,
        };
        match limit {
            Some(limit) => Cause::exceeded(limit, limits),
            None => Cause::Trap(match trap {
                Some(trap) => {
                    format!("the component trapped ({trap}); this is a defect in it, please report it")
                }
                None => format!("the component could not be run: {error:#}"),
            }),
        }
    }
}

/// Recognised by its text, since wasmtime has no type for it.
fn hostcall_fuel_is_used_up(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls")
}

impl ResourceLimiter for CallState {
    // Called for the memory that an instance starts with, too.
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let memory = self.memory.saturating_add(desired.saturating_sub(current));
        let allowed = memory <= self.http.limits().memory;
        if allowed {
            self.memory = memory;
        } else {
            self.exceeded = Some(Limit::Memory);
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.http.limits().table_elements;
        if !allowed {
            self.exceeded = Some(Limit::TableElements);
        }
        Ok(allowed)
    }
}

impl http::Host for CallState {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        if self.http.usage.requests >= self.http.limits().requests.saturating_add(DENIED_REQUESTS) {
            self.exceeded = Some(Limit::Requests);
            return Err(wasmtime::Error::msg("too many requests"));
        }
        self.cpu.lock().stop();
        let sent = self.http.send(request).await;
        self.cpu.lock().resume();
        Ok(sent.map_err(|failure| match failure {
            AttemptError::Denied(reason) => http::Error::Denied(reason),
            AttemptError::Timeout(reason) => http::Error::Timeout(reason),
            AttemptError::Unreachable(reason) | AttemptError::Connection(reason) => {
                http::Error::Connection(reason)
            }
            AttemptError::TooLarge(reason) => http::Error::TooLarge(reason),
            AttemptError::Other(reason) => http::Error::Other(reason),
        }))
    }
}
