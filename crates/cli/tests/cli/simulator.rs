//! `klaviyo-connector mock`.

use crate::run::{Run, Service, bare, klaviyo};

/// A simulator in a process of its own.
fn start(words: &[&str]) -> Service {
    Service::start(bare().args(["mock", "--port", "0", "--json"]).args(words))
}

fn run_at(mock: &Service, key: &str, words: &[&str]) -> Run {
    Run::of(klaviyo(mock.url(), key).args(words))
}

#[test]
fn it_serves_what_it_describes() {
    let mock = start(&["--key", "readonly=lists:read", "--rates", "100"]);
    let keys = mock.ok["keys"].as_array().unwrap();
    let (key, narrow) = (keys[0]["key"].as_str().unwrap(), keys[1]["key"].as_str().unwrap());
    let list = mock.ok["lists"][1]["id"].as_str().unwrap();
    let opt_in = ["opt-in", "--json", "--list", list, "--email", "priya@example.com"];
    assert_eq!(run_at(&mock, key, &opt_in).ok()["list-id"], list);
    assert_eq!(run_at(&mock, narrow, &["lists", "--json"]).ok().as_array().unwrap().len(), 3);
    assert_eq!(run_at(&mock, narrow, &opt_in).err(5)["code"], "forbidden");
}

#[test]
fn what_goes_wrong_is_up_to_the_user() {
    let mock = start(&["--fault", "GET /api/lists: #1 status 500", "--seed", "7", "--rates", "off"]);
    let key = mock.ok["keys"][0]["key"].as_str().unwrap();
    assert_eq!(run_at(&mock, key, &["lists", "--json"]).err(6)["code"], "unavailable");
    run_at(&mock, key, &["lists", "--json"]).ok();
}

#[test]
fn what_happens_can_become_visible_late() {
    let members = |mock: &Service| {
        let key = mock.ok["keys"][0]["key"].as_str().unwrap();
        run_at(mock, key, &["opt-in", "--json", "--list", "Y6nRLr", "--email", "priya@example.com"]).ok();
        let mut reply = ureq::get(format!("{}/api/lists/Y6nRLr/profiles", mock.url()))
            .header("authorization", format!("Klaviyo-API-Key {key}"))
            .header("revision", "2025-01-15")
            .call()
            .unwrap();
        let text = reply.body_mut().read_to_string().unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        document["data"].as_array().unwrap().len()
    };
    assert_eq!(members(&start(&[])), 1);
    // Of eleven days, this seed takes more than the seconds of a test.
    assert_eq!(members(&start(&["--late", "1000000", "--seed", "7"])), 0);
}

#[test]
fn people_can_have_a_history() {
    let events = |mock: &Service| {
        let key = mock.ok["keys"][0]["key"].as_str().unwrap();
        let run = run_at(mock, key, &["history", "--json", "--email", "priya@example.com"]);
        (run.code, run.json()["ok"]["timeline"]["events"].as_array().map(Vec::len))
    };
    assert_eq!(events(&start(&["--history"])), (0, Some(5)));
    assert_eq!(events(&start(&[])), (3, None));
}

#[test]
fn a_port_that_is_taken_is_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(Run::of(bare().args(["mock", "--json", "--port", &port])).err(1)["code"], "other");
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_end_it_well() {
    for signal in ["-INT", "-TERM"] {
        start(&[]).end(signal);
    }
}
