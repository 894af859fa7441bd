//! Each function of the contract and each error code that its documentation names has a fixture, and no
//! fixture has one that is not documented.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use klaviyo_corpus::{Case, Corpus};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wit_parser::{Resolve, TypeDefKind, WorldItem};

type Codes = BTreeMap<String, BTreeSet<String>>;

/// The codes that the documentation of each exported function names: "Errors: all codes", with exceptions
/// after "but"; or none.
fn documented() -> Codes {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).unwrap();
    let world = resolve.select_world(&[package], Some("connector")).unwrap();
    let interfaces: Vec<_> = resolve.worlds[world]
        .exports
        .values()
        .map(|item| match item {
            WorldItem::Interface { id, .. } => &resolve.interfaces[*id],
            _ => panic!("the contract exports interfaces only"),
        })
        .collect();
    let types = interfaces.iter().find(|i| i.name.as_deref() == Some("types")).unwrap();
    let TypeDefKind::Enum(code) = &resolve.types[types.types["code"]].kind else {
        panic!("types.code is an enum");
    };
    let all: BTreeSet<String> = code.cases.iter().map(|case| case.name.clone()).collect();

    let mut documented = Codes::new();
    for interface in interfaces {
        for function in interface.functions.values() {
            let name = format!("{}.{}", interface.name.as_deref().unwrap(), function.name);
            let docs = function.docs.contents.as_deref().unwrap_or_default();
            if docs.contains("Errors: none.") {
                documented.insert(name, BTreeSet::new());
                continue;
            }
            let (_, errors) = docs.split_once("Errors: all codes").expect("a function documents its errors");
            let exceptions = errors.strip_prefix(" but ").and_then(|e| e.split_once('.'));
            let (exceptions, _) = exceptions.unwrap_or_default();
            let except: BTreeSet<String> =
                exceptions.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            assert!(except.is_subset(&all), "{name} excepts an unknown code: {except:?}");
            documented.insert(name, &all - &except);
        }
    }
    documented
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The function of each case, by the case's folder, and the case.
fn cases() -> Vec<(String, Value)> {
    let corpus = Corpus::default();
    let cases = corpus.at(&corpus.fixtures).unwrap();
    let case = |case: &Case| {
        let name = case.path.strip_prefix(&corpus.fixtures).unwrap();
        let folder = name.parent().unwrap().to_str().unwrap();
        (folder.replace('/', "."), serde_json::from_str(&case.text().unwrap()).unwrap())
    };
    cases.iter().map(case).collect()
}

#[test]
fn every_function_has_a_fixture_for_each_documented_code_and_for_success() {
    let cases = cases();
    for (function, documented) in documented() {
        let mut codes = BTreeSet::new();
        let mut succeeds = false;
        for (_, case) in cases.iter().filter(|(folder, _)| *folder == function) {
            assert_eq!(case["call"]["function"], *function, "{} is in another folder", case["name"]);
            match case["returns"].get("err") {
                Some(error) => drop(codes.insert(error["code"].as_str().unwrap().to_owned())),
                None => succeeds = true,
            }
        }
        assert_eq!(codes, documented, "{function}");
        assert!(succeeds, "{function} has no fixture in which it succeeds");
    }
}

#[test]
fn the_corpus_has_no_other_functions() {
    let functions: BTreeSet<String> = cases().into_iter().map(|(folder, _)| folder).collect();
    assert_eq!(functions, documented().into_keys().collect());
}
