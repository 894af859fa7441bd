//! Which endpoints the host opens to the functions of the contract: those that they ask for, and no other.

use anyhow::{Context, Result};
use host_test::fixture::Fixture;
use klaviyo_corpus::Corpus;
use klaviyo_host::Endpoint;
use std::collections::BTreeSet;

#[test]
fn functions_other_than_api_call_reach_the_endpoints_that_they_ask_for() -> Result<()> {
    let corpus = Corpus::default();
    let mut asked = BTreeSet::new();
    for case in corpus.at(&corpus.fixtures)? {
        let fixture = Fixture::parse(&case.text()?)?;
        if fixture.call.function == "api.call" {
            continue;
        }
        for exchange in &fixture.exchanges {
            let url: url::Url = exchange.request.url.parse()?;
            let method = exchange.request.method.parse().context("a method")?;
            asked.insert(Endpoint::of(&method, url.path()).name);
        }
    }
    let open: BTreeSet<_> = Endpoint::of_the_contract().map(|endpoint| endpoint.name).collect();
    assert_eq!(open, asked);
    Ok(())
}
