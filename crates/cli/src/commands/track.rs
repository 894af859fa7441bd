//! `klaviyo-connector track`: what people did.

use crate::contact::{Who, identifier_json};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;
use crate::text::good;
use crate::{file_or_text, when};
use clap::Args;
use serde_json::{Value, json};

/// Track an event of a person
#[derive(Args)]
#[command(after_help = "\
Klaviyo keeps one event for one unique id of a metric and a person, so that tracking it again is
safe. It accepts the event and works on it later: `history` shows it after a while. A person without
a profile gets one, and a metric begins with its first event. A TIME is RFC 3339, a day, or a time
ago such as 10m, 2h or 7d. The key needs the scope events:write.

  klaviyo-connector track --email priya@example.com --metric 'Placed Order' --unique-id 1004 \\
    --value 29.90 --currency INR --properties '{\"Items\":[{\"ProductName\":\"Wool socks\"}]}'

With --json, VALUE is null.")]
pub(crate) struct Track {
    #[command(flatten)]
    who: Who,
    /// The name of the metric, such as 'Placed Order'
    #[arg(long, value_name = "NAME", help_heading = "The event")]
    metric: String,
    /// What tells the event from all others of its metric and person, such as an order number
    #[arg(long, value_name = "ID", help_heading = "The event")]
    unique_id: String,
    /// When it happened; without it, now
    #[arg(long, value_name = "TIME", help_heading = "The event", value_parser = when::time)]
    time: Option<String>,
    /// The monetary value, such as 29.90
    #[arg(long, value_name = "NUMBER", help_heading = "The event")]
    value: Option<String>,
    /// The currency of the value, such as INR
    #[arg(long, value_name = "CODE", help_heading = "The event", requires = "value")]
    currency: Option<String>,
    /// More about it: a JSON object, or a file that has one
    #[arg(long, value_name = "JSON|@FILE", help_heading = "The event")]
    properties: Option<String>,
}

impl Track {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let properties = self.properties.as_deref().map(file_or_text::read).transpose()?;
        let event = json!({
            "metric": self.metric,
            "profile": identifier_json(&self.who.identifier()?),
            "unique-id": self.unique_id,
            "time": self.time,
            "value": self.value,
            "value-currency": self.currency,
            "properties": properties,
        });
        session::in_account(context, async |tenant| {
            tenant.call("events.track", &[event]).await?;
            Ok(Output::new(Value::Null, good("Klaviyo has the event, and works on it")))
        })
    }
}
