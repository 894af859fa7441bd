//! The server over real HTTP, against what is known of Klaviyo.

// `cfg(test)` tells the lints that helpers are tests too.
#[cfg(test)]
mod access;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod client;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod events;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod inspection;
#[cfg(test)]
mod lateness;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod members;
#[cfg(test)]
mod merging;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod segments;
