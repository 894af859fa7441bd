//! One target a file.

pub mod address;
pub mod component;
pub mod cursor;
pub mod egress;
pub mod fixture;
pub mod phone;
pub mod queue;
pub mod registry;
pub mod request;
pub mod response;
pub mod signature;
pub mod sync;
pub mod webhook;
