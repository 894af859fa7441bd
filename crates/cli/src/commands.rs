//! The commands. Each file has one command's arguments, its help, what it does, and how it shows its answer.

pub(crate) mod account;
pub(crate) mod api;
pub(crate) mod changes;
pub(crate) mod completions;
pub(crate) mod consent;
pub(crate) mod create;
pub(crate) mod dead;
pub(crate) mod doctor;
pub(crate) mod history;
pub(crate) mod lists;
pub(crate) mod lookup;
pub(crate) mod members;
pub(crate) mod merge;
pub(crate) mod mock;
pub(crate) mod opt_in;
pub(crate) mod remove;
pub(crate) mod secret;
pub(crate) mod segments;
pub(crate) mod serve;
pub(crate) mod subscribe;
pub(crate) mod sync;
pub(crate) mod track;
pub(crate) mod update;
pub(crate) mod upsert;
pub(crate) mod whatsapp;
pub(crate) mod worker;
