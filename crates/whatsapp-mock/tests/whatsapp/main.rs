//! The simulator over real HTTP, against what is known of WhatsApp.

// `cfg(test)` tells the lints that helpers are tests too.
#[cfg(test)]
mod control;
#[cfg(test)]
mod door;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod order;
#[cfg(test)]
mod people;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod statuses;
#[cfg(test)]
mod webhooks;
