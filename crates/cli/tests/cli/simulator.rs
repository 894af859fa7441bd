//! `klaviyo mock`.

use crate::run::{Run, bare, klaviyo};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A simulator in a process of its own.
struct Mock(Child, Value);

impl Mock {
    fn start(words: &[&str]) -> Self {
        let mut command = bare();
        command.args(["mock", "--port", "0", "--json"]).args(words).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let document: Value = serde_json::from_str(&line).unwrap();
        Self(child, document["ok"].clone())
    }

    fn run(&self, key: &str, words: &[&str]) -> Run {
        Run::of(klaviyo(self.1["url"].as_str().unwrap(), key).args(words))
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_serves_what_it_describes() {
    let mock = Mock::start(&["--key", "readonly=lists:read", "--rates", "100"]);
    let keys = mock.1["keys"].as_array().unwrap();
    let (key, narrow) = (keys[0]["key"].as_str().unwrap(), keys[1]["key"].as_str().unwrap());
    let list = mock.1["lists"][1]["id"].as_str().unwrap();
    let opt_in = ["opt-in", "--json", "--list", list, "--email", "priya@example.com"];
    assert_eq!(mock.run(key, &opt_in).ok()["list-id"], list);
    assert_eq!(mock.run(narrow, &["lists", "--json"]).ok().as_array().unwrap().len(), 3);
    assert_eq!(mock.run(narrow, &opt_in).err(5)["code"], "forbidden");
}

#[test]
fn what_goes_wrong_is_up_to_the_user() {
    let mock = Mock::start(&["--fault", "GET /api/lists: #1 status 500", "--seed", "7", "--rates", "off"]);
    let key = mock.1["keys"][0]["key"].as_str().unwrap();
    assert_eq!(mock.run(key, &["lists", "--json"]).err(6)["code"], "unavailable");
    mock.run(key, &["lists", "--json"]).ok();
}

#[test]
fn a_port_that_is_taken_is_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(Run::of(bare().args(["mock", "--json", "--port", &port])).err(1)["code"], "other");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_well() {
    let mut mock = Mock::start(&[]);
    assert!(Command::new("kill").args(["-INT", &mock.0.id().to_string()]).status().unwrap().success());
    assert_eq!(mock.0.wait().unwrap().code(), Some(0));
}
