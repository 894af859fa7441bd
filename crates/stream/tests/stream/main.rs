//! Doors and workers on a real NATS server, the component in its sandbox, and a Klaviyo on this machine.

// `cfg(test)` tells the lints that helpers are tests too.
#[cfg(test)]
mod door;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod worker;
