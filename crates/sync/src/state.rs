//! The state of a sync, with which a later run goes on.

pub(crate) mod journal;
pub(crate) mod resume;
pub(crate) mod saved;
pub(crate) mod steps;
