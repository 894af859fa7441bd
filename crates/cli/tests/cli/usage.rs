//! The command line itself.

use crate::run::{Run, bare, server};
use std::process::Stdio;

#[test]
fn help_needs_nothing() {
    for words in [["--help"].as_slice(), &["-h"], &["--version"], &["opt-in", "--help"], &["mock", "-h"]] {
        let run = Run::of(bare().args(words));
        assert!(run.code == 0 && !run.out.is_empty() && run.err.is_empty(), "{words:?}");
    }
}

#[test]
fn the_lines_of_the_help_fit() {
    let help = Run::of(bare().arg("--help")).out;
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
}

#[test]
fn completions_are_there() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = Run::of(bare().args(["completions", shell]));
        assert!(run.code == 0 && run.out.contains("opt-in"), "{shell}");
    }
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let run = Run::of(bare().arg("man").arg(&pages));
    assert_eq!(run.code, 0, "{}", run.err);
    let page = |name: &str| std::fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
    assert!(page("klaviyo-connector").contains("Exit codes"));
    assert!(page("klaviyo-connector-sync").contains(".TH klaviyo-connector-sync 1"));
    // A folder cannot be where a file is.
    assert_eq!(Run::of(bare().arg("man").arg(pages.join("klaviyo-connector.1"))).code, 1);
}

#[test]
fn what_cannot_be_read_is_2() {
    for words in [
        ["nonsense"].as_slice(),
        &["lists", "--nonsense"],
        &["lists", "--revision", "yesterday"],
        &["lists", "--endpoint", "127.0.0.1"],
        &["lookup"],
        &["lookup", "--region", "IN"],
        &["lookup", "--email", "a@b.c", "--id", "x"],
        &["lookup", "--phone", "1", "--region", "ZZ"],
        &["create", "--name", "Priya"],
        &["create", "--email", "a@b.c", "--name", "Priya", "--first-name", "Priya"],
        &["opt-in", "--email", "a@b.c"],
        &["subscribe", "--list", "Y6nRLr"],
        &["members"],
        &["members", "--list", "Y6nRLr", "--limit", "0"],
        &["history", "--email", "a@b.c", "--since", "yesterday"],
        &["merge", "--into", "a@b.c"],
        &["remove", "--list", "Y6nRLr"],
        &["opt-in", "--list", "Y6nRLr", "--email", "a@b.c", "--consent", "fax"],
        &["opt-in", "--list", "Y6nRLr", "--email", "a@b.c", "--source", "bot"],
        &["track", "--email", "a@b.c", "--metric", "Placed Order"],
        &["track", "--file", "events.csv", "--email", "a@b.c"],
        &["track", "--file", "events.csv", "--unique-id", "1"],
        &["track", "--email", "a@b.c", "--metric", "x", "--unique-id", "1", "--map", "a=email"],
        &["completions", "tcl"],
        &["mock", "--rates", "fast"],
        &["mock", "--fault", "nonsense"],
        &["mock", "--key", "x=list:read"],
        &["whatsapp", "--limits", "fast"],
        &["whatsapp", "--fault", "nonsense"],
        &["whatsapp", "--failing", "10%"],
        &["whatsapp", "--twice", "often"],
        &["whatsapp", "--speed", "0"],
    ] {
        let text = Run::of(bare().args(words));
        assert!(text.code == 2 && text.out.is_empty() && !text.err.is_empty(), "{words:?}");
        let json = Run::of(bare().args(words).arg("--json"));
        assert_eq!(json.err(2)["code"], "invalid-input", "{words:?}");
        assert!(json.err.is_empty(), "{words:?}");
    }
}

#[test]
fn a_variable_that_is_wrong_is_2() {
    // An empty one is not taken for Klaviyo itself.
    for value in ["nonsense", "", " "] {
        let run = Run::of(bare().env("KLAVIYO_ENDPOINT", value).args(["lists", "--json"]));
        let error = run.err(2);
        assert_eq!(error["code"], "invalid-input", "{value:?}");
        assert!(error["message"].as_str().unwrap().contains("KLAVIYO_ENDPOINT"), "{error}");
    }
    assert_eq!(Run::of(bare().env("KLAVIYO_ENDPOINT", "nonsense").args(["completions", "bash"])).code, 0);
}

#[test]
fn a_component_that_is_not_there_is_2_and_one_that_is_none_is_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("klaviyo.wasm");
    let run = || {
        Run::of(
            bare()
                .env("KLAVIYO_API_KEY", "pk_0123456789")
                .args(["lists", "--json", "--component"])
                .arg(&file),
        )
    };
    assert_eq!(run().err(2)["code"], "invalid-input");
    std::fs::write(&file, "not a component").unwrap();
    assert_eq!(run().err(1)["code"], "other");
}

#[test]
fn a_wrong_value_is_answered_by_what_to_write() {
    for (words, example) in [
        (["serve", "--listen", "8080"].as_slice(), "127.0.0.1:8080"),
        (&["worker", "--listen", "localhost"], "127.0.0.1:8080"),
        (&["serve", "--rate", "0"], "4294967295"),
        (&["serve", "--concurrency", "many"], "4294967295"),
        (&["consent", "grant", "--email", "ada@example.com", "--channel", "emial"], "email?"),
        (&["opt-in", "--email", "ada@example.com", "--list", "Y6nRLr", "--consent", "watsapp"], "whatsapp?"),
    ] {
        let error = Run::of(bare().arg("--json").args(words)).err(2);
        assert!(error["message"].as_str().unwrap().contains(example), "{words:?}: {error}");
    }
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    for words in [["completions", "zsh"].as_slice(), &["--help"], &["mock", "--rates", "fast", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = bare().args(words).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(if words.contains(&"mock") { 2 } else { 0 }), "{words:?}");
        assert!(output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn nothing_is_coloured_but_a_terminal() {
    let run = crate::run::run(&server(), &["doctor", "-v"]);
    assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'));
}

#[test]
fn nothing_that_is_printed_instructs_a_terminal() {
    const NAME: &str = "Loyal\u{1b}[2J\u{9b}\u{7f}\u{202e}\u{2066}\u{200f}s";
    let is_instruction = |c: char| {
        (c.is_control() && c != '\n') || NAME.chars().skip(5).any(|own| own == c && c != 's' && !c.is_ascii())
    };
    let server = server();
    server.account().add_list("AbCdEf", NAME);
    let lists = crate::run::run(&server, &["lists", "--json"]);
    let names: Vec<_> = lists.ok().as_array().unwrap().iter().map(|list| list["name"].clone()).collect();
    assert!(names.contains(&NAME.into()), "{names:?}");
    for words in [
        ["lists", "--json"].as_slice(),
        &["lists"],
        &["lists", "--name", NAME],
        &["lists", "--name", NAME, "--verbose"],
        &["lists", "--name", NAME, "--json", "--verbose"],
        &["lists", "--name", "\u{9b}\u{202e}x", "--json"],
        &["lists", "--name", "\u{9b}\u{202e}x"],
        &[NAME],
        &[NAME, "--json"],
        &["lookup", "--phone", "1", "--region", NAME],
        &["lookup", "--phone", "1", "--region", NAME, "--json"],
        &["lists", "--component", NAME],
        &["lists", "--key-file", NAME],
        &["sync", NAME],
        &["sync", NAME, "--json"],
    ] {
        let run = crate::run::run(&server, words);
        for text in [&run.out, &run.err] {
            assert!(!text.contains(is_instruction), "{words:?}: {text:?}");
        }
    }
}
