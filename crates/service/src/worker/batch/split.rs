//! Splitting a batch: into calls of at most a size, and in halves after a call has failed.

use super::attempt::Stop;
use crate::opt_in_flow::Failure;

/// All items in chunks of at most `size`, in order.
pub(super) fn chunks<T>(mut all: Vec<T>, size: usize) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    while !all.is_empty() {
        let rest = all.split_off(all.len().min(size));
        chunks.push(std::mem::replace(&mut all, rest));
    }
    chunks
}

/// The items of a call that failed, to be tried again in smaller calls.
pub(super) enum Split<T> {
    /// Two halves.
    Halves([Vec<T>; 2]),
    /// It was a single item, whose own failure it is.
    One(T),
}

/// Splits the items of a call that failed.
///
/// # Errors
/// When the failure stops the whole account, whatever the items are.
pub(super) fn split<T>(failure: &Failure, mut failed: Vec<T>) -> Result<Split<T>, Stop> {
    if let Some(stop) = Stop::by(failure) {
        return Err(stop);
    }
    let half = failed.split_off(failed.len() / 2);
    match (failed.is_empty(), <[T; 1]>::try_from(half)) {
        (true, Ok([one])) => Ok(Split::One(one)),
        (_, Ok([one])) => Ok(Split::Halves([failed, vec![one]])),
        (_, Err(half)) => Ok(Split::Halves([failed, half])),
    }
}
