//! The account that a key belongs to.

use crate::answer::{Answer, ORIGIN};
use crate::call::Call;
use crate::check::Result;
use http::StatusCode;
use serde_json::{Value, json};

/// The public id, which is in the links of the account.
const ID: &str = "MOCK01";

pub(crate) fn get(call: &mut Call<'_>) -> Result<Answer> {
    let account = json!({
        "type": "account",
        "id": ID,
        "attributes": {
            "test_account": true,
            "contact_information": {
                "default_sender_name": "Mock",
                "default_sender_email": "mock@example.com",
                "website_url": "https://www.example.com",
                "organization_name": "Mock",
                "street_address": {
                    "address1": "1 Main Street", "address2": Value::Null, "city": "Boston",
                    "region": "MA", "country": "US", "zip": "02110",
                },
            },
            "industry": Value::Null,
            "timezone": "UTC",
            "preferred_currency": "USD",
            "public_api_key": ID,
            "locale": "en-US",
        },
        "links": { "self": format!("{ORIGIN}/api/accounts/{ID}/") },
    });
    let links = json!({ "self": format!("{ORIGIN}/api/accounts/"), "next": null, "prev": null });
    let document = json!({ "data": [call.sparse("account", account)], "links": links });
    Ok(Answer::Document(StatusCode::OK, document))
}
