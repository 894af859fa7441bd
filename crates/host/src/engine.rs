//! The wasmtime engine: its pool of instances, and the clock that interrupts a call that computes for too
//! long.

use crate::limits::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The resolution of [`Limits::cpu`].
const TICK: Duration = Duration::from_millis(10);
/// Bytes of unmapped address space between the memories of a composed component.
const GUARD: u64 = 1 << 20;
/// Stack reserved for host code that the guest calls. TLS handshakes run on it and need about as much as a
/// thread's stack.
const HOST_STACK: usize = 2 << 20;
/// Bytes of a memory and of a table that the pool keeps.
const KEPT: usize = 1 << 20;
/// The most core modules, and the most tables, of one component. Ours has three modules, two of them small
/// adapters.
const PARTS: u32 = 4;

/// An engine whose pool has room for [`Limits::concurrent_calls`] calls.
pub(crate) fn new(limits: &Limits) -> wasmtime::Result<Engine> {
    let calls = limits.concurrent_calls;
    let components = limits.components;
    let parts = components.saturating_mul(PARTS);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(parts))
        .total_memories(calls.saturating_mul(components))
        .total_tables(calls.saturating_mul(parts))
        .total_stacks(calls)
        .max_memory_size(limits.memory)
        .table_elements(limits.table_elements)
        .max_core_instances_per_component(parts)
        .max_tables_per_component(parts)
        .max_memories_per_component(components)
        // Cleared for the next call instead of returned to the system, which is quicker.
        .linear_memory_keep_resident(KEPT)
        .table_keep_resident(KEPT)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    if components > 1 {
        // Connectors composed with tenant code are loaded many times in one process, and must fit into its
        // address space. The smaller reservation costs a bounds check at each access.
        config.memory_reservation(limits.memory as u64).memory_guard_size(GUARD);
    }
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        // A store has one call. Whoever depends on wasmtime with all of its features has this one here, too, which
        // takes time in each store.
        .concurrency_support(false)
        .max_wasm_stack(limits.stack)
        .async_stack_size(limits.stack.saturating_add(HOST_STACK));
    Engine::new(&config)
}

/// A thread that advances the engine's epoch while a call runs, until this is dropped. It sleeps while none does.
pub(crate) struct Ticker {
    calls: Arc<Calls>,
    thread: Thread,
}

/// What the ticker and the calls share.
#[derive(Default)]
struct Calls {
    running: AtomicUsize,
    stopped: AtomicBool,
}

/// A call that runs.
pub(crate) struct Running(Arc<Calls>);

impl Ticker {
    pub(crate) fn start(engine: Engine) -> std::io::Result<Self> {
        let calls = Arc::<Calls>::default();
        let shared = Arc::clone(&calls);
        let tick = move || {
            while !shared.stopped.load(Ordering::Acquire) {
                if shared.running.load(Ordering::Acquire) == 0 {
                    // A call that began since then, or the end, has left a token that ends this at once.
                    thread::park();
                } else {
                    thread::sleep(TICK);
                    engine.increment_epoch();
                }
            }
        };
        let thread = thread::Builder::new().name("klaviyo-ticker".to_owned()).spawn(tick)?.thread().clone();
        Ok(Self { calls, thread })
    }

    /// Ticks until the call has ended.
    pub(crate) fn run(&self) -> Running {
        if self.calls.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        Running(Arc::clone(&self.calls))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.calls.stopped.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
