//! The corpus is whole.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use klaviyo_corpus::{Case, Corpus, Source};
use std::path::PathBuf;

fn generated(cases: &[Case]) -> Vec<(PathBuf, String)> {
    let text = |case: &Case| match &case.source {
        Source::Generated(generated) => Some((case.path.clone(), generated.text.clone())),
        Source::File => None,
    };
    cases.iter().filter_map(text).collect()
}

/// The files that the generated cases replace are still there: without them, what is generated is seen.
#[test]
fn the_expansion_is_the_files_byte_for_byte() {
    let ours = Corpus::default();
    let folder = tempfile::tempdir().unwrap();
    let without_files = Corpus { fixtures: folder.path().to_owned(), ..ours.clone() };
    let cases = generated(&without_files.at(folder.path()).unwrap());
    assert_eq!(cases.len(), 750);
    for (path, text) in cases {
        let name = path.strip_prefix(folder.path()).unwrap();
        assert_eq!(std::fs::read_to_string(ours.fixtures.join(name)).unwrap(), text, "{}", name.display());
    }
    assert_eq!(ours.at(&ours.fixtures).unwrap().len(), 1_499);
}
