//! `dead changes`: the changes that an endpoint refused.

use super::failed;
use crate::commands::changes::Posting;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{self, clean, good};
use bytes::Bytes;
use clap::Args;
use klaviyo_host::types::Code;
use klaviyo_service::account::Account;
use klaviyo_service::feed::{Destination, Message, deliver};
use klaviyo_service::queue::{ChangesDeadLetter, Queue};
use serde_json::{Value, json};

/// Which dead letters, and what to do with them.
#[derive(Args)]
pub(super) struct Changes {
    /// Only those of this account
    #[arg(long)]
    account: Option<Account>,
    /// Give up on the one with this id; it can be repeated
    #[arg(long, value_name = "ID")]
    drop: Vec<String>,
    /// Send the one with this id to the endpoint of --post once more, from here; it can be repeated
    #[arg(long, value_name = "ID", conflicts_with = "drop", requires = "post")]
    retry: Vec<String>,
    #[command(flatten)]
    posting: Posting,
}

impl Changes {
    /// Shows the dead letters, or sends or drops those that are named.
    pub(super) async fn run(&self, queue: &Queue) -> Result<Output, Failure> {
        let letters = queue.changes_dead(self.account.as_ref()).await.map_err(failed)?;
        let named = if self.drop.is_empty() { &self.retry } else { &self.drop };
        if named.is_empty() {
            let letters: Vec<Value> =
                letters.iter().map(|(account, _, letter)| document(account, letter)).collect();
            let text = table(&letters);
            return Ok(Output::new(letters.into(), text));
        }
        let is_there = |id: &&String| letters.iter().any(|(_, _, letter)| letter.id == **id);
        if let Some(id) = named.iter().find(|id| !is_there(id)) {
            let sentence =
                format!("there is no refused change {id}; `klaviyo-connector dead changes` shows them all");
            return Err(Failure::new(Code::NotFound, sentence));
        }
        let destination = self.posting.destination()?;
        let mut count: u64 = 0;
        for (_, sequence, letter) in letters.iter().filter(|(_, _, letter)| named.contains(&letter.id)) {
            if let Some(destination) = destination.as_ref().filter(|_| self.drop.is_empty()) {
                send(destination, letter).await?;
            }
            count += u64::from(queue.drop_changes_dead_letter(*sequence).await.map_err(failed)?);
        }
        let done = if self.drop.is_empty() { "sent" } else { "given up" };
        let letters = if count == 1 { "dead letter" } else { "dead letters" };
        Ok(Output::new(json!(count), good(&format!("{count} {letters} {done}"))))
    }
}

/// Sends the message of a dead letter, with its own id. It fails when it is refused again.
async fn send(destination: &Destination, letter: &ChangesDeadLetter) -> Result<(), Failure> {
    let (id, body) = (letter.id.clone(), Bytes::copy_from_slice(letter.message.get().as_bytes()));
    let message = Message { id, person: String::new(), body };
    let refused = |reason: &str| {
        let id = &letter.id;
        Failure::new(Code::Rejected, format!("{reason}; {id} and those behind it stay dead letters"))
    };
    // An endpoint that fails is not waited for.
    let refusals = deliver(destination, vec![message], |_, _| std::future::ready(false)).await;
    match refusals.map_err(|held| refused(&held.to_string()))?.first() {
        Some(refusal) => Err(refused(&refusal.reason)),
        None => Ok(()),
    }
}

fn document(account: &Account, letter: &ChangesDeadLetter) -> Value {
    let ChangesDeadLetter { id, message, error, attempts, since } = letter;
    // JSON that is deeper, or has larger numbers, than most programs can read becomes a string.
    let message = serde_json::from_str(message.get()).unwrap_or_else(|_| Value::from(message.get()));
    json!({
        "id": id, "account": account, "message": message, "error": error, "attempts": attempts, "since": since,
    })
}

fn table(letters: &[Value]) -> String {
    if letters.is_empty() {
        return good("there are no refused changes");
    }
    let text = |letter: &Value, pointer: &str| {
        clean(letter.pointer(pointer).and_then(Value::as_str).unwrap_or("-")).into_owned()
    };
    let row = |letter: &Value| {
        ["/id", "/account", "/message/type", "/error/message"].map(|pointer| text(letter, pointer))
    };
    text::table(["ID", "ACCOUNT", "CHANGE", "REASON"], &letters.iter().map(row).collect::<Vec<_>>())
}
