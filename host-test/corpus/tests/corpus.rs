//! The corpus is whole, and what it is asked for by path is what is there.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use klaviyo_corpus::{Case, Corpus, Source};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { BTreeSet::from([path]) }).collect()
}

#[test]
fn every_call_and_every_answer_is_used() {
    let ours = Corpus::default();
    let (mut calls, mut answers) = (BTreeSet::new(), BTreeSet::new());
    for case in ours.at(&ours.fixtures).unwrap() {
        if let Source::Generated(generated) = case.source {
            calls.insert(generated.call);
            answers.insert(generated.answer);
        }
    }
    assert_eq!((calls, answers), (files(&ours.calls), files(&ours.answers)));
}

#[test]
fn every_function_gets_every_answer_that_has_nothing_to_do_with_it() {
    let ours = Corpus::default();
    for call in files(&ours.calls) {
        let call: Value = serde_json::from_str(&std::fs::read_to_string(call).unwrap()).unwrap();
        let answers = call["stages"][0]["answers"].as_array().unwrap();
        assert!(answers.contains(&json!("any")), "{}", call["function"]);
    }
}

/// A corpus of one call of two requests, and two answers.
fn small() -> (TempDir, Corpus) {
    let folder = TempDir::new().unwrap();
    let corpus = Corpus {
        fixtures: folder.path().join("fixtures"),
        answers: folder.path().join("answers"),
        calls: folder.path().join("calls"),
    };
    std::fs::create_dir(&corpus.fixtures).unwrap();
    let answer =
        |name: &str| json!({ "name": name, "response": { "status": 500 }, "err": { "code": "odd" } });
    write(&corpus.answers.join("any/odd.json"), &answer("an odd answer"));
    write(&corpus.answers.join("any/even.json"), &answer("an even answer"));
    write(&corpus.calls.join("shoes/mend.json"), &call());
    (folder, corpus)
}

fn call() -> Value {
    json!({
        "function": "shoes.mend",
        "arguments": [1],
        "err": { "done": 0 },
        "stages": [
            { "request": { "method": "GET" }, "answers": ["any"], "continues": { "status": 200 } },
            { "name": "at the sole", "request": { "method": "POST" }, "answers": ["any/odd"] },
        ],
    })
}

fn write(file: &Path, value: &Value) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, value.to_string()).unwrap();
}

fn names(corpus: &Corpus, at: &str) -> Vec<String> {
    let cases = corpus.at(&corpus.fixtures.join(at)).unwrap();
    let name = |case: &Case| case.path.strip_prefix(&corpus.fixtures).unwrap().display().to_string();
    cases.iter().map(name).collect()
}

#[test]
fn each_answer_is_put_after_each_stage_that_lists_it() {
    let (_folder, corpus) = small();
    let [even, odd, sole] =
        ["shoes/mend/even.json", "shoes/mend/odd.json", "shoes/mend/odd-at-the-sole.json"];
    assert_eq!(names(&corpus, ""), [even, sole, odd]);
    let text = |name: &str| {
        let cases = corpus.at(&corpus.fixtures.join(name)).unwrap();
        serde_json::from_str::<Value>(&cases[0].text().unwrap()).unwrap()
    };
    let call = json!({ "function": "shoes.mend", "arguments": [1] });
    let (first, last) = (json!({ "method": "GET" }), json!({ "method": "POST" }));
    assert_eq!(
        text(odd),
        json!({
            "name": "shoes.mend: an odd answer",
            "call": call,
            "exchanges": [{ "request": first, "response": { "status": 500 } }],
            "returns": { "err": { "code": "odd", "done": 0 } },
        })
    );
    assert_eq!(
        text(sole),
        json!({
            "name": "mend: an odd answer, at the sole",
            "call": call,
            "exchanges": [
                { "request": first, "response": { "status": 200 } },
                { "request": last, "response": { "status": 500 } },
            ],
            "returns": { "err": { "code": "odd", "done": 0 } },
        })
    );
}

#[test]
fn a_path_names_the_cases_below_it_whether_they_are_files_or_generated() {
    let (folder, corpus) = small();
    assert_eq!(names(&corpus, "shoes/mend").len(), 3);
    assert_eq!(names(&corpus, "shoes/mend/odd.json"), ["shoes/mend/odd.json"]);
    assert!(corpus.at(&corpus.fixtures.join("shoes/buy")).is_err());
    assert!(corpus.at(&corpus.fixtures.join("shoes/mend/other.json")).is_err());
    // A file takes the place of a generated case.
    write(&corpus.fixtures.join("shoes/mend/odd.json"), &json!({}));
    write(&corpus.fixtures.join("shoes/buy/two.json"), &json!({}));
    assert_eq!(names(&corpus, "shoes").len(), 4);
    assert_eq!(corpus.at(&corpus.fixtures.join("shoes/mend/odd.json")).unwrap()[0].text().unwrap(), "{}");
    // A folder of somebody else's has its files only.
    write(&folder.path().join("theirs/a.json"), &json!({}));
    assert_eq!(corpus.at(&folder.path().join("theirs")).unwrap().len(), 1);
}

#[test]
fn the_whole_corpus_is_written_to_an_empty_folder_and_to_no_other() {
    let (folder, corpus) = small();
    write(&corpus.fixtures.join("shoes/buy/two.json"), &json!({}));
    let to = folder.path().join("to");
    assert_eq!(corpus.write(&to).unwrap(), 4);
    assert_eq!(files(&to).len(), 4);
    let written = std::fs::read_to_string(to.join("shoes/mend/even.json")).unwrap();
    assert_eq!(written, corpus.at(&corpus.fixtures.join("shoes/mend/even.json")).unwrap()[0].text().unwrap());
    assert!(corpus.write(&to).unwrap_err().to_string().contains("not empty"));
}

#[test]
fn what_is_wrong_with_a_call_is_named() {
    let (_folder, corpus) = small();
    let wrong = |change: fn(&mut Value)| {
        let mut call = call();
        change(&mut call);
        write(&corpus.calls.join("shoes/mend.json"), &call);
        format!("{:#}", corpus.at(&corpus.fixtures).unwrap_err())
    };
    let unknown = wrong(|call| call["stages"][1]["answers"] = json!(["any/green"]));
    assert!(unknown.contains("mend.json") && unknown.contains("any/green"), "{unknown}");
    assert!(wrong(|call| call["stages"][0]["answers"] = json!(["any", "any/odd"])).contains("two answers"));
    assert!(
        wrong(|call| drop(call["stages"][0].as_object_mut().unwrap().remove("continues")))
            .contains("`continues`")
    );
    assert!(wrong(|call| call["argument"] = json!(1)).contains("argument"));
}
