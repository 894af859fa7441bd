//! Runs the program as users run it, against a simulated Klaviyo. The tests assert exit codes and JSON, not sentences.

// `cfg(test)` tells the lints that helpers are tests too.
#[cfg(test)]
mod actions;
mod api;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod connect;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod files;
#[cfg(test)]
mod forget;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod history;
#[cfg(test)]
mod https;
#[cfg(test)]
mod key;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod people;
#[cfg(test)]
mod permission;
#[cfg(test)]
mod posted;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod run;
#[cfg(test)]
mod service;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod track;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod whatsapp;
