//! Each function of the contract and each error code that its documentation names has a fixture, and no
//! fixture has one that is not documented.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use host_test::fixture::{Fixture, Returns, files};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use wit_parser::{Resolve, TypeDefKind, WorldItem};

type Codes = BTreeMap<String, BTreeSet<String>>;

/// The codes that the documentation of each exported function names: "Errors: all codes", with exceptions
/// after "but".
fn documented() -> Codes {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(here().join("../wit")).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
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

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_function_has_a_fixture_for_each_documented_code_and_for_success() {
    let mut failures = Codes::new();
    let mut successes = BTreeSet::new();
    for file in files(&here().join("fixtures")).unwrap() {
        let fixture = Fixture::read(&file).unwrap();
        let function = fixture.call.function.clone();
        let folder = function.replace('.', "/");
        assert!(file.parent().unwrap().ends_with(&folder), "{} is not in {folder}", file.display());
        match fixture.returns {
            Returns::Err(error) => {
                let code = error["code"].as_str().expect("a fixture names the code").to_owned();
                failures.entry(function).or_default().insert(code);
            }
            Returns::Ok(_) | Returns::OkIncludes(_) => {
                successes.insert(function);
            }
        }
    }
    let documented = documented();
    assert_eq!(failures, documented);
    assert_eq!(successes, documented.into_keys().collect());
}
