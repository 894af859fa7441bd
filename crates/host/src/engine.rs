//! The wasmtime engine: its pool of instances, and the clock that interrupts a call that computes for too
//! long.

use crate::limits::Limits;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The resolution of [`Limits::cpu`].
const TICK: Duration = Duration::from_millis(10);
/// Bytes of unmapped address space between the memories of a composed component.
const GUARD: u64 = 1 << 20;
/// Stack reserved for host code that the guest calls. TLS handshakes run on it and need about as much as a
/// thread's stack.
const HOST_STACK: usize = 2 << 20;
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
        // Memory up to this size is cleared for the next call instead of returned to the system, which is
        // quicker.
        .linear_memory_keep_resident(1 << 20)
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
        .max_wasm_stack(limits.stack)
        .async_stack_size(limits.stack.saturating_add(HOST_STACK));
    Engine::new(&config)
}

/// A thread that advances the engine's epoch until this is dropped.
pub(crate) struct Ticker {
    _stop: Sender<()>,
}

impl Ticker {
    pub(crate) fn start(engine: Engine) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let tick = move || {
            while matches!(stopped.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
                engine.increment_epoch();
            }
        };
        std::thread::Builder::new().name("klaviyo-ticker".to_owned()).spawn(tick)?;
        Ok(Self { _stop: stop })
    }
}
