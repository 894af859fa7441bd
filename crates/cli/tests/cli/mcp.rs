//! `mcp`: what a client of the Model Context Protocol sees. `cargo xtask test --only mcp` runs one that others wrote.

use crate::connect::{connected, server as server_with_app};
use crate::run::{CANARY, LIST, klaviyo, run, server};
use klaviyo_mock::Server;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

const EMAIL: &str = "ada@example.com";
const COMPONENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/component/klaviyo.wasm");

/// A client, as it speaks with the program.
struct Client {
    program: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    requests: u64,
}

impl Client {
    fn start(server: &Server, options: &[&str]) -> Self {
        Self::of(klaviyo(&server.url(), CANARY), options)
    }

    fn of(mut command: Command, options: &[&str]) -> Self {
        command.arg("mcp").args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().unwrap();
        let (input, output) = (program.stdin.take().unwrap(), BufReader::new(program.stdout.take().unwrap()));
        let mut client = Self { program, input, output, requests: 0 };
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        assert_eq!(client.request("initialize", &hello)["result"]["serverInfo"]["name"], "klaviyo-connector");
        client.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    /// One that does not see people, of a component that is signed.
    fn that_sees_nobody(server: &Server, options: &[&str]) -> Self {
        static SIGNED: LazyLock<(TempDir, [PathBuf; 2])> = LazyLock::new(|| {
            let folder = tempfile::tempdir().unwrap();
            let files = ["signed.wasm", "key.pub"].map(|name| folder.path().join(name));
            let key = wasmsign2::KeyPair::generate();
            let component = wasmsign2::Module::deserialize_from_file(COMPONENT).unwrap();
            key.sk.sign(component, None).unwrap().serialize_to_file(&files[0]).unwrap();
            key.pk.to_file(&files[1]).unwrap();
            (folder, files)
        });
        let [component, key] = SIGNED.1.each_ref().map(|file| file.to_str().unwrap());
        Self::start(
            server,
            &[&["--mask", "--component", component, "--component-key", key], options].concat(),
        )
    }

    fn write(&mut self, message: &Value) {
        writeln!(self.input, "{message}").unwrap();
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.contains(CANARY), "the key is in an answer");
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], id);
        answer
    }

    fn tools(&mut self) -> Vec<Value> {
        self.request("tools/list", &json!({}))["result"]["tools"].as_array().unwrap().clone()
    }

    fn names(&mut self) -> BTreeSet<String> {
        self.tools().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// What a tool returned, and whether that is an error.
    fn call(&mut self, name: &str, arguments: &Value) -> (Value, bool) {
        let answer = self.request("tools/call", &json!({ "name": name, "arguments": arguments }));
        let result = &answer["result"];
        (result["structuredContent"].clone(), result["isError"].as_bool().unwrap())
    }

    /// The client goes away, and the program ends.
    fn end(self) {
        let Self { mut program, input, .. } = self;
        drop(input);
        assert!(program.wait().unwrap().success());
    }
}

fn opt_in() -> Value {
    json!({ "contact": { "email": EMAIL }, "list": LIST })
}

fn people(server: &Server) -> Value {
    run(server, &["members", "--json", "--list", LIST]).json()
}

#[test]
fn a_client_reads_and_writes_only_where_it_is_allowed() {
    let server = server();
    let mut client = Client::start(&server, &[]);
    let names = client.names();
    assert!(names.contains("contacts_lookup") && !names.contains("contacts_opt_in"));
    assert_eq!(
        client.call("contacts_lookup", &json!({ "by": { "email": EMAIL } })),
        (json!({ "result": null }), false)
    );
    let (refused, is_error) = client.call("contacts_opt_in", &opt_in());
    assert!(is_error && refused["error"]["code"] == "denied", "{refused}");
    client.end();
    let mut client = Client::start(&server, &["--write"]);
    let (receipt, is_error) = client.call("contacts_opt_in", &opt_in());
    assert!(!is_error && receipt["result"]["created"] == true, "{receipt}");
    let (profile, _) = client.call("contacts_lookup", &json!({ "by": { "email": EMAIL } }));
    assert_eq!(profile["result"]["id"], receipt["result"]["profile-id"]);
    assert!(
        client.request("tools/call", &json!({ "name": "api_call", "arguments": {} }))["error"].is_object()
    );
    client.end();
}

#[test]
fn each_tool_describes_itself_in_the_letters_and_the_schemas_that_clients_take() {
    let server = server();
    let mut client = Client::start(&server, &["--write"]);
    let tools = client.tools();
    // All actions but api.call.
    assert_eq!(
        tools.len(),
        run(&server, &["actions", "--json"]).ok()["actions"].as_array().unwrap().len() - 1
    );
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        assert!(name.len() <= 64 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(tool[schema]["type"], "object", "{name}");
            let text = tool[schema].to_string();
            for reference in text.split("\"$ref\":\"#/$defs/").skip(1) {
                let definition = reference.split('"').next().unwrap();
                assert!(tool[schema]["$defs"].get(definition).is_some(), "{name} has no {definition}");
            }
        }
        let hints = &tool["annotations"];
        if name == "privacy_delete" {
            assert_eq!((&hints["destructiveHint"], &hints["readOnlyHint"]), (&json!(true), &json!(false)));
        }
    }
    client.end();
}

#[test]
fn a_dry_run_reads_and_stops_before_it_writes() {
    let server = server();
    let mut client = Client::start(&server, &["--dry-run"]);
    let before = people(&server);
    let (would, is_error) = client.call("contacts_opt_in", &opt_in());
    let unsent = &would["dry-run"]["would-send"];
    assert!(!is_error);
    assert_eq!((&unsent["method"], &unsent["path"]), (&json!("POST"), &json!("/api/profiles/")));
    assert_eq!(unsent["body"]["data"]["attributes"]["email"], EMAIL);
    assert_eq!(people(&server)["ok"], before["ok"]);
    // What it looks for is asked for.
    run(&server, &["create", "--json", "--email", EMAIL]).ok();
    let (would, _) = client.call("contacts_opt_in", &opt_in());
    let path = would["dry-run"]["would-send"]["path"].as_str().unwrap();
    assert!(path.contains(LIST), "{path}");
    client.end();
}

#[test]
fn a_client_that_is_not_to_see_people_works_with_words_for_them() {
    let server = server();
    let made = run(&server, &["create", "--json", "--email", EMAIL, "--first-name", "Ada"]).ok();
    let id = made["profile"]["id"].as_str().or_else(|| made["created"]["id"].as_str()).unwrap().to_owned();
    let mut client = Client::that_sees_nobody(&server, &["--write"]);
    // The client knows the address from elsewhere.
    let (found, _) = client.call("contacts_lookup", &json!({ "by": { "email": EMAIL } }));
    let text = found.to_string();
    assert!(!text.contains(EMAIL) && !text.contains("Ada") && !text.contains(&id), "{text}");
    let by = json!({ "by": { "id": found["result"]["id"] } });
    assert_eq!(client.call("contacts_lookup", &by).0, found);
    let contact = json!({ "contact": { "email": found["result"]["email"] }, "list": "none" });
    let (refused, is_error) = client.call("contacts_opt_in", &contact);
    let text = refused.to_string();
    assert!(is_error && refused["error"]["code"] == "not-found", "{text}");
    assert!(!text.contains(EMAIL) && !text.contains(&id), "{text}");
    let contact = json!({ "contact": { "email": found["result"]["email"] }, "list": LIST });
    assert!(!client.call("contacts_opt_in", &contact).1);
    assert_eq!(people(&server)["ok"].to_string().matches(EMAIL).count(), 1);
    client.end();
    let mut client = Client::that_sees_nobody(&server, &["--dry-run"]);
    let (found, _) = client.call("contacts_lookup", &json!({ "by": { "email": EMAIL } }));
    let changes = json!({ "id": found["result"]["id"], "changes": [{ "set": { "first-name": "Ida" } }] });
    let (would, _) = client.call("contacts_update", &changes);
    let text = would.to_string();
    assert!(
        would["dry-run"]["would-send"]["method"] == "PATCH" && !text.contains(&id) && !text.contains("Ida"),
        "{text}"
    );
    client.end();
}

#[test]
fn a_word_is_a_value_only_where_a_personal_one_stands() {
    let server = server();
    run(&server, &["create", "--json", "--email", EMAIL, "--first-name", "Ada Augusta"]).ok();
    let mut client = Client::that_sees_nobody(&server, &["--write"]);
    let (found, _) = client.call("contacts_lookup", &json!({ "by": { "email": EMAIL } }));
    let [email, name] =
        ["email", "first-name"].map(|field| found["result"][field].as_str().unwrap().to_owned());
    for (tool, arguments) in [
        ("lists_create", json!({ "name": email })),
        ("lists_members", json!({ "list": email })),
        ("lists_members", json!({ "list": name })),
        // A personal value, of another kind.
        ("lists_of_profile", json!({ "profile": name })),
        ("contacts_subscribe", json!({ "list": name, "profiles": [name] })),
        ("contacts_lookup", json!({ "by": { "external-id": email } })),
    ] {
        let text = client.call(tool, &arguments).0.to_string();
        assert!(!text.contains(EMAIL) && !text.contains("Augusta"), "{tool}: {text}");
    }
    client.end();
}

/// The component, with another text of the same length in its catalogue.
fn component_that_says(folder: &Path, one: &str, other: &str) -> PathBuf {
    let mut bytes =
        std::fs::read(COMPONENT).expect("there is no component yet: run `cargo xtask build` first");
    assert_eq!(one.len(), other.len());
    let places: Vec<_> =
        (0..bytes.len() - one.len()).filter(|at| bytes[*at..].starts_with(one.as_bytes())).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + one.len()].copy_from_slice(other.as_bytes());
    }
    let file = folder.join("other.wasm");
    std::fs::write(&file, bytes).unwrap();
    file
}

#[test]
fn a_component_that_says_that_it_only_reads_does_not_write() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let lies = component_that_says(
        folder.path(),
        "\"writes\":true,\"repeatable\":false",
        "\"writes\":false,\"repeatable\":true",
    );
    let before = run(&server, &["lists", "--json"]).ok();
    let mut client = Client::start(&server, &["--component", lies.to_str().unwrap()]);
    assert!(client.names().iter().any(|name| name == "lists_create"));
    let (refused, is_error) = client.call("lists_create", &json!({ "name": "New" }));
    assert!(is_error && refused["error"]["code"] == "denied", "{refused}");
    assert_eq!(run(&server, &["lists", "--json"]).ok(), before);
    client.end();
}

#[test]
fn an_installed_app_gets_its_token_where_tools_only_read() {
    let server = server_with_app();
    let secrets = connected(&server);
    let file = secrets.path().join("shop-1.oauth");
    let mut client = Client::of(klaviyo(&server.url(), ""), &["--oauth-file", file.to_str().unwrap()]);
    let (lists, is_error) = client.call("lists_all", &json!({}));
    assert!(!is_error && server.refreshes() == 1, "{lists}");
    client.end();
}

#[test]
fn people_are_hidden_by_no_component_that_nobody_signed_and_not_beside_each_exchange() {
    let server = server();
    run(&server, &["mcp", "--json", "--mask", "--component", COMPONENT]).err(2);
    run(&server, &["mcp", "--json", "--mask", "--verbose"]).err(2);
}

#[test]
fn only_what_is_named_is_a_tool() {
    let server = server();
    let mut client = Client::start(&server, &["--only", "lists,contacts.lookup", "--write"]);
    let names = client.names();
    assert!(names.iter().all(|name| name == "contacts_lookup" || name.starts_with("lists_")), "{names:?}");
    assert!(client.call("consent_status", &json!({ "of": { "email": EMAIL } })).1);
    client.end();
    let mut client = Client::start(&server, &["--only", "lists"]);
    assert!(client.names().contains("lists_all"), "a group has actions that read");
    client.end();
    for (only, named) in [
        ("list", "lists"),
        ("contacts_lookup", "contacts.lookup"),
        ("contacts.opt-in", "--write"),
        ("lists,contacts.opt-in", "contacts.opt-in"),
        ("api.call", "api.call"),
        ("api", "api.call"),
    ] {
        let error = run(&server, &["mcp", "--json", "--only", only]).err(2);
        assert!(error["message"].as_str().unwrap().contains(named), "{only}: {error}");
    }
}

#[test]
fn wrong_arguments_are_errors_of_the_contract() {
    let server = server();
    let mut client = Client::start(&server, &["--write"]);
    for (tool, arguments) in [
        ("contacts_lookup", json!({})),
        ("contacts_lookup", json!({ "by": { "mail": EMAIL } })),
        ("contacts_lookup", json!({ "by": { "email": EMAIL }, "more": 1 })),
        ("contacts_opt_in", json!({ "contact": { "email": 7 }, "list": LIST })),
        ("contacts_opt_in", json!({ "contact": { "email": "nobody" }, "list": LIST })),
    ] {
        let (returned, is_error) = client.call(tool, &arguments);
        assert!(is_error && returned["error"]["code"] == "invalid-input", "{arguments}: {returned}");
    }
    client.end();
}
