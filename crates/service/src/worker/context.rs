//! What all accounts of a worker share.

use super::assignment::Assignment;
use super::budget::Budget;
use super::settle::Unwritten;
use super::status::Status;
use crate::account::Account;
use crate::queue::Queue;
use crate::secrets::Secrets;
use crate::tenant_cache::TenantCache;
use std::num::NonZeroU32;
use std::sync::Arc;
use tokio::sync::watch;

/// What all accounts of a worker share.
pub(super) struct WorkerContext {
    pub(super) queue: Arc<Queue>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) tenants: TenantCache,
    pub(super) status: Arc<Status>,
    pub(super) budget: Budget,
    pub(super) unwritten: Unwritten,
    /// How often an opt-in is tried before it becomes a dead letter.
    pub(super) max_attempts: NonZeroU32,
    /// The worker's own name.
    pub(super) name: String,
    pub(super) assignment: watch::Sender<Assignment>,
    /// Whether the worker is shutting down.
    pub(super) shutdown: watch::Sender<bool>,
}

impl WorkerContext {
    /// Whether an account is assigned to this worker.
    pub(super) fn is_mine(&self, account: &Account) -> bool {
        self.assignment.borrow().owner(account) == Some(&self.name)
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        *self.shutdown.borrow()
    }

    /// Returns when the worker begins to shut down.
    pub(super) async fn shutdown(&self) {
        // The sender is in here, so it is not dropped before.
        let _ = self.shutdown.subscribe().wait_for(|shutdown| *shutdown).await;
    }

    /// The output of a future; none if the worker begins to shut down before.
    pub(super) async fn unless_shutdown<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.shutdown() => None,
            output = future => Some(output),
        }
    }
}
