//! Reading metrics.

use crate::answer::{Answer, ORIGIN, Refusal};
use crate::call::Call;
use crate::check::Result;
use crate::events::Metric;
use crate::filter::Fields;
use crate::page::Page;
use http::StatusCode;
use serde_json::json;

const PER_PAGE: usize = 200;
/// There is no filter by the name of a metric.
const FIELDS: Fields =
    Fields { texts: &["integration.name", "integration.category"], flags: &[], dates: &[] };

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Answer> {
    let page = Page::of(call, PER_PAGE, PER_PAGE)?;
    let conditions = FIELDS.read(call.query.get("filter"))?;
    let wanted =
        |metric: &&Metric| conditions.iter().all(|condition| condition.has(|name| name == metric.service));
    let metrics = call.account.events.metrics.values().filter(wanted);
    let resource = |metric: &Metric| call.sparse("metric", metric.resource(ORIGIN));
    Ok(Answer::Document(StatusCode::OK, page.document(call, metrics, resource)))
}

pub(crate) fn get(call: &mut Call<'_>) -> Result<Answer> {
    let missing = || Refusal::not_found(&format!("A metric with id {} does not exist.", call.id));
    let metric = call.account.events.metrics.get(&call.id).ok_or_else(missing)?;
    Ok(Answer::Document(StatusCode::OK, json!({ "data": call.sparse("metric", metric.resource(ORIGIN)) })))
}
