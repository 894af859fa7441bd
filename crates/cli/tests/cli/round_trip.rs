//! The lines of `changes profiles`, edited and given to `sync`, or to the script of docs/sync.md.

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

/// The script of docs/sync.md, in a folder of its own.
#[cfg(unix)]
mod both_ways {
    use super::{COUNT, account, sync, untimed};
    use crate::run::{CANARY, klaviyo};
    use crate::sync::Try;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::process::Command;

    struct Folder<'a> {
        test: &'a Try,
        path: PathBuf,
    }

    impl<'a> Folder<'a> {
        fn of(test: &'a Try) -> Self {
            let path = test.path("both");
            std::fs::create_dir(&path).unwrap();
            let page = include_str!("../../../../docs/sync.md");
            let (_, section) = page.split_once("## A file and Klaviyo, both ways").unwrap();
            let (script, _) = section.split_once("```python\n").unwrap().1.split_once("```").unwrap();
            std::fs::write(path.join("both_ways.py"), script).unwrap();
            // The program by its name, with the component that the tests have.
            let program = klaviyo(&test.server.url(), CANARY);
            let words: Vec<_> =
                program.get_args().map(|word| format!("'{}'", word.to_str().unwrap())).collect();
            let words = format!(
                "#!/bin/sh\nexec '{}' {} \"$@\"\n",
                program.get_program().to_str().unwrap(),
                words.join(" ")
            );
            let command = path.join("klaviyo-connector");
            std::fs::write(&command, words).unwrap();
            std::fs::set_permissions(command, PermissionsExt::from_mode(0o755)).unwrap();
            Self { test, path }
        }

        fn command(&self) -> Command {
            let mut command = Command::new("python3");
            let path = format!("{}:{}", self.path.display(), std::env::var("PATH").unwrap());
            command.arg("both_ways.py").current_dir(&self.path).env("PATH", path);
            for (name, value) in klaviyo(&self.test.server.url(), CANARY).get_envs() {
                value.map(|value| command.env(name, value));
            }
            command
        }

        fn run(&self) {
            let output = self.command().output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }

        /// The file's people, by what they were told by.
        fn people(&self) -> Vec<Value> {
            let text = std::fs::read_to_string(self.path.join("profiles.jsonl")).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }

        fn edit(&self, edit: impl FnOnce(&mut Vec<Value>)) {
            let mut people = self.people();
            edit(&mut people);
            let text: String = people.iter().map(|person| format!("{person}\n")).collect();
            std::fs::write(self.path.join("profiles.jsonl"), text).unwrap();
        }

        /// What the file and Klaviyo have, each by id, in one form.
        fn both(&self) -> [BTreeMap<String, Value>; 2] {
            let of = |person: &Value| {
                let mut person = untimed(person);
                person["properties"] = serde_json::from_str(person["properties"].as_str().unwrap()).unwrap();
                if let Some(parts) = person["location"].as_object_mut() {
                    parts.retain(|_, value| !value.is_null());
                }
                (person["id"].as_str().unwrap().to_owned(), person)
            };
            let told = crate::run::run(&self.test.server, &["changes", "profiles", "--since", "1d"]);
            let told: Vec<Value> = told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            [self.people().iter().map(of).collect(), told.iter().map(of).collect()]
        }

        fn updates(&self) -> u64 {
            self.test.server.account().requests_of("update_profile")
        }
    }

    #[test]
    fn what_either_side_changes_is_on_both_and_nothing_goes_to_and_fro() {
        let test = account();
        let folder = Folder::of(&test);
        folder.run();
        assert_eq!(folder.people().len(), COUNT);
        let named = |people: &mut Vec<Value>, n: usize| -> usize {
            people.iter().position(|person| person["email"] == format!("contact+{n}@example.com")).unwrap()
        };

        // 0 to 29 in Klaviyo, 20 to 49 in the file, of whom 25 to 29 have the same value changed by both.
        let there: Vec<Value> = (0..30)
            .map(|n| json!({ "email": format!("contact+{n}@example.com"), "title": format!("There {n}") }))
            .collect();
        sync(&test, &there);
        folder.edit(|people| {
            for n in 20..50 {
                let at = named(people, n);
                people[at]["first-name"] = json!(format!("Filed {n}"));
                if (25..30).contains(&n) {
                    people[at]["title"] = json!(format!("Here {n}"));
                }
            }
            let at = named(people, 48);
            people[at]["last-name"] = Value::Null;
            people[at]["location"] = json!({ "city": "Łódź \"=\"" });
            people[at]["properties"] = json!(r#"{"spent":7,"tags":["tea"],"note":"--x='7'"}"#);
            let at = named(people, 40);
            people[at]["email"] = json!("moved@example.com");
            people.push(json!({ "email": "new@example.com", "first-name": "New" }));
        });
        // A kill in the middle of the edits, with the line that it wrote cut off.
        let before = folder.updates();
        let mut killed = folder.command().spawn().unwrap();
        test.wait_for("an update", |_| folder.updates() > before + 5);
        killed.kill().unwrap();
        killed.wait().unwrap();
        std::fs::write(folder.path.join("inbox.jsonl"), r#"{"id":"01"#).unwrap();
        for _ in 0..2 {
            folder.run();
        }

        let [file, klaviyo] = folder.both();
        assert_eq!(file.len(), COUNT + 1);
        let differing: Vec<_> = file.iter().filter(|(id, person)| klaviyo.get(*id) != Some(person)).collect();
        assert!(differing.is_empty() && klaviyo.len() == file.len(), "{differing:?}");
        let by_email = |email: &str| file.values().find(|person| person["email"] == email).unwrap();
        let of = |n: usize| by_email(&format!("contact+{n}@example.com"));
        for n in 0..30 {
            let title = if n < 25 { format!("There {n}") } else { format!("Here {n}") };
            assert_eq!(of(n)["title"], title);
        }
        for n in (20..50).filter(|n| *n != 40) {
            assert_eq!(of(n)["first-name"], format!("Filed {n}"));
        }
        assert_eq!((&of(48)["last-name"], &of(48)["organization"]), (&Value::Null, &json!("Acme")));
        assert_eq!(of(48)["properties"], json!({ "spent": 7, "tags": ["tea"], "note": "--x='7'" }));
        assert_eq!(of(48)["location"], json!({ "city": "Łódź \"=\"" }));
        assert_eq!(by_email("moved@example.com")["first-name"], "Filed 40");
        assert_eq!(by_email("new@example.com")["first-name"], "New");

        let settled = folder.updates();
        folder.run();
        assert_eq!((folder.updates(), test.emails().len()), (settled, COUNT + 1));
        assert_eq!(test.server.account().imports().count(), 3, "the people, the titles, and the new one");
    }
}
