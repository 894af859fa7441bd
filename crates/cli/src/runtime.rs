//! The threads that a command runs on.

use crate::failure::Failure;
use tokio::runtime::Builder;

/// Runs a command that makes its calls one after the other, or waits for them.
pub(crate) fn on_this_thread<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    run(Builder::new_current_thread(), command)
}

/// Runs a service.
pub(crate) fn on_all_cores<T>(service: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    run(Builder::new_multi_thread(), service)
}

fn run<T>(mut builder: Builder, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime =
        builder.enable_all().build().map_err(|error| Failure::other(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(work);
    // Does not wait for a thread that a file system keeps busy.
    runtime.shutdown_background();
    outcome
}
