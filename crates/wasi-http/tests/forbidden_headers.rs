//! Five hosts forbid headers: klaviyo-host, this crate, the examples in Node and Python, and the simulator as
//! a component. Their lists are the same except for the differences that are named here.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::collections::BTreeSet;

/// The names in the list `FORBIDDEN_HEADERS` of a source file.
fn forbidden_headers(source: &str) -> BTreeSet<&str> {
    let (_, list) = source.split_once("FORBIDDEN_HEADERS").unwrap();
    let (_, list) = list.split_once('=').unwrap();
    let (list, _) = list.split_once(['}', ']']).unwrap();
    list.split('"').skip(1).step_by(2).collect()
}

#[test]
fn every_host_forbids_the_same_headers() {
    let host = forbidden_headers(include_str!("../../host/src/check.rs"));
    let node = forbidden_headers(include_str!("../../../examples/node/src/check.ts"));
    let adapter = forbidden_headers(include_str!("../src/check.rs"));
    let python = forbidden_headers(include_str!("../../../examples/python/src/klaviyo_connector/_check.py"));
    assert!(host.contains("authorization") && host.contains("via") && host.len() >= 17, "{host:?}");
    assert_eq!(node, host);
    // The adapter and the Python example add a `user-agent` of their own to each request: one of the
    // component's would be a second. The HTTP clients of klaviyo-host and Node have theirs as a default,
    // which a request's own replaces.
    let mut with_user_agent = host.clone();
    with_user_agent.insert("user-agent");
    assert_eq!(adapter, with_user_agent);
    assert_eq!(python, with_user_agent);
    // The simulator's host has no connection to protect: it refuses only what the contract names.
    let simulator = forbidden_headers(include_str!("../../mock-component/src/gateway.rs"));
    assert_eq!(simulator, BTreeSet::from(["authorization", "host"]));
}
