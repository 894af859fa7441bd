//! The whole corpus, natively.

use klaviyo_corpus::Corpus;
use klaviyo_replay::native::Native;
use klaviyo_replay::replay::replay;

#[test]
fn every_case_of_the_corpus_goes_natively_as_it_is_written() {
    let outcome = replay(&Native, &[Corpus::default().fixtures]).unwrap();
    assert!(outcome.failed.is_empty(), "{} differ: {:#?}", outcome.failed.len(), outcome.failed);
}
