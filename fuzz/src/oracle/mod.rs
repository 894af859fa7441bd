//! Judges: what must hold, whatever the input was. Each is shown to fail by its own tests.

pub mod identity;
pub mod memory;
pub mod phone;
pub mod request;
pub mod signature;
