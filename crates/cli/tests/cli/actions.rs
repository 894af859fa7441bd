//! `actions`: the catalogue of the component.

use crate::run::{Run, bare, klaviyo};
use serde_json::Value;
use std::path::Path;

fn project() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Without an account: neither a key nor a place for requests.
fn actions(words: &[&str]) -> Run {
    let mut command = klaviyo("nonsense", "");
    Run::of(command.arg("actions").args(words))
}

fn catalog() -> Value {
    serde_json::from_str(&std::fs::read_to_string(project().join("klaviyo.actions.json")).unwrap()).unwrap()
}

#[test]
fn the_catalogue_is_that_of_the_file() {
    assert_eq!(actions(&["--json"]).ok(), catalog());
}

#[test]
fn every_action_has_a_line() {
    let run = actions(&[]);
    assert!(run.code == 0 && run.err.is_empty(), "{}", run.err);
    let catalog = catalog();
    let all = catalog["actions"].as_array().unwrap();
    assert_eq!(run.out.lines().count(), all.len() + 1);
    for (line, action) in run.out.lines().skip(1).zip(all) {
        let does = if action["writes"] == true { " writes " } else { " reads " };
        let repeat = if action["repeatable"] == true { " again " } else { " once " };
        for word in [action["name"].as_str().unwrap(), action["title"].as_str().unwrap(), does, repeat] {
            assert!(line.contains(word), "{line}");
        }
    }
}

#[test]
fn one_action_has_its_arguments() {
    let run = actions(&["contacts.opt-in"]);
    assert_eq!(run.code, 0);
    let row = |argument: &str| {
        let line = run.out.lines().find(|line| line.split_whitespace().next() == Some(argument));
        line.unwrap_or_else(|| panic!("{}", run.out)).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("rates"), "rates 10 a second, 150 a minute");
    assert_eq!(row("list"), "list text yes id of lists.all");
    assert_eq!(row("contact.email"), "contact.email text - such as priya@example.com");
    assert!(row("contact.location.zip").starts_with("contact.location.zip text -"));
    assert!(row("consent.channels[]").starts_with("consent.channels[] list of one of these yes"));

    let action = actions(&["contacts.opt-in", "--json"]).ok();
    assert_eq!(action["name"], "contacts.opt-in");
    let has = |schema: &str, name: &str| action[schema]["$defs"].get(name).is_some();
    assert!(has("arguments", "types.location") && has("result", "contacts.receipt"));
    assert!(!has("arguments", "contacts.receipt") && !has("result", "types.location"));
}

#[test]
fn what_is_not_there_is_told() {
    for name in ["contacts.opt", "Contacts.Opt-In", ""] {
        assert_eq!(actions(&[name, "--json"]).err(2)["code"], "invalid-input", "{name}");
    }
    let part = |file: &str| {
        let file = project().join("target/component").join(file);
        Run::of(bare().args(["actions", "--json", "--component"]).arg(file))
    };
    assert_eq!(part("klaviyo-wasi.wasm").ok(), catalog());
    assert_eq!(part("klaviyo-opt-in.wasm").err(1)["code"], "other");
    assert_eq!(part("nothing.wasm").err(2)["code"], "invalid-input");
}
