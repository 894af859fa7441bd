//! The commands: each file has one command's arguments, its help, what it does and how it shows its answer.

pub(crate) mod dead;
pub(crate) mod doctor;
pub(crate) mod lists;
pub(crate) mod members;
pub(crate) mod mock;
pub(crate) mod profiles;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod sync;
pub(crate) mod worker;
