//! The lines of `changes profiles`, edited and given to `sync`.

use crate::run::{Run, run};
use crate::sync::Try;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const COUNT: usize = 1_000;

/// An account of people of whom some have little, and some everything.
fn account() -> Try {
    let test = Try::new("");
    let person = |n: usize| {
        let mut person =
            json!({ "email": format!("contact+{n}@example.com"), "first_name": format!("Priya {n}") });
        if n.is_multiple_of(3) {
            let more = json!({
                "external_id": format!("of-{n}"), "last_name": "Sharma", "organization": "Acme", "title": "CEO",
                "location": { "city": "Pune", "zip": "0411001", "latitude": "18.52" },
                "properties": { "plan": "free", "spent": 1.1, "tags": ["tea", "wool"] },
            });
            person.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        }
        if n.is_multiple_of(5) {
            person["phone"] = json!(format!("+9198{n:08}"));
        }
        person
    };
    let people: Vec<Value> = (0..COUNT).map(person).collect();
    sync(&test, &people);
    test
}

/// The profiles that changed since the last look, by id.
fn changes(test: &Try) -> BTreeMap<String, Value> {
    let state = test.path("cursor");
    let words = ["changes", "profiles", "--since", "1h", "--state", state.to_str().unwrap()];
    let Run { code, out, err } = run(&test.server, &words);
    assert_eq!((code, err.as_str()), (0, ""));
    let profile = |line: &str| {
        let profile: Value = serde_json::from_str(line).unwrap();
        (profile["id"].as_str().unwrap().to_owned(), profile)
    };
    let told: BTreeMap<_, _> = out.lines().map(profile).collect();
    assert_eq!(told.len(), out.lines().count(), "nobody is told twice");
    told
}

/// Syncs these lines.
fn sync<'a>(test: &Try, profiles: impl IntoIterator<Item = &'a Value>) {
    let lines: String = profiles.into_iter().map(|profile| format!("{profile}\n")).collect();
    std::fs::write(test.path("profiles.jsonl"), lines).unwrap();
    let words = ["profiles.jsonl", "--json", "--unknown-columns", "ignore"];
    Run::of(&mut test.command(&words)).ok();
}

/// A profile without the time of its last change.
fn untimed(profile: &Value) -> Value {
    let mut profile = profile.clone();
    profile.as_object_mut().unwrap().remove("updated");
    profile
}

#[test]
fn the_lines_of_changes_are_rows_of_sync_and_the_edited_ones_are_told_next() {
    let test = account();
    let told = changes(&test);
    assert_eq!((told.len(), changes(&test).len()), (COUNT, 0));

    let edit = |(number, (id, profile)): (usize, (&String, &Value))| {
        let mut edited = profile.clone();
        edited["title"] = json!(format!("Editor {number}"));
        (id.clone(), edited)
    };
    let edited: BTreeMap<_, _> =
        told.iter().enumerate().filter(|(number, _)| number % 27 == 0).map(edit).collect();
    assert_eq!(edited.len(), 38);
    sync(&test, edited.values());

    // They are told with all that they had: what a line has goes back to where it was.
    let expected: BTreeMap<_, _> =
        edited.iter().map(|(id, profile)| (id.clone(), untimed(profile))).collect();
    let found: BTreeMap<_, _> =
        changes(&test).iter().map(|(id, profile)| (id.clone(), untimed(profile))).collect();
    assert_eq!(found, expected);
    assert_eq!(changes(&test).len(), 0);
    assert_eq!(test.emails().len(), COUNT);
}

#[test]
fn what_a_line_lacks_stays_and_an_id_names_nobody() {
    let test = account();
    let told = changes(&test);
    let mut whole = told.values().find(|profile| profile["external-id"] == "of-3").unwrap().clone();
    let before = whole.clone();
    for name in ["last-name", "organization", "location"] {
        whole[name] = Value::Null;
    }
    whole["properties"] = json!(r#"{"plan":"pro"}"#);
    whole["first-name"] = json!("Asha");
    let mut moved =
        told.values().find(|profile| profile["email"] == "contact+1@example.com").unwrap().clone();
    moved["email"] = json!("moved@example.com");
    sync(&test, [&whole, &moved]);

    let found = changes(&test);
    let (id, other) = (before["id"].as_str().unwrap(), moved["id"].as_str().unwrap());
    for name in ["last-name", "organization", "location", "title", "external-id", "email"] {
        assert_eq!(found[id][name], before[name], "{name}");
    }
    assert_eq!(found[id]["first-name"], "Asha");
    let properties: Value = serde_json::from_str(found[id]["properties"].as_str().unwrap()).unwrap();
    assert_eq!(properties, json!({ "plan": "pro", "spent": 1.1, "tags": ["tea", "wool"] }));
    // Another email is another person, whatever the id.
    assert!(!found.contains_key(other) && found.len() == 2, "{found:?}");
    assert!(found.values().any(|profile| profile["email"] == "moved@example.com"));
    assert_eq!(test.emails().len(), COUNT + 1);
}
