//! The commands. Each file has one command's arguments, its help, what it does, and how it shows its answer.

pub(crate) mod completions;
pub(crate) mod create;
pub(crate) mod dead;
pub(crate) mod doctor;
pub(crate) mod lists;
pub(crate) mod lookup;
pub(crate) mod mock;
pub(crate) mod opt_in;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod subscribe;
pub(crate) mod sync;
pub(crate) mod upsert;
pub(crate) mod worker;
