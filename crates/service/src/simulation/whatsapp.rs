//! WhatsApp, as far as a reply needs it: it takes messages, and keeps them.

use super::network::Fate;
use super::process::Process;
use bytes::Bytes;
use http::{Request, Response};
use klaviyo_host::{Attempt, AttemptError, Bounds, Transport};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::future::pending;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// The messages that WhatsApp has taken.
pub(super) type Taken = Arc<Mutex<Vec<Value>>>;

/// The way of one process to WhatsApp.
pub(super) struct Way {
    pub(super) process: Process,
    pub(super) taken: Taken,
}

impl Transport for Way {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(async move {
            let message: Value = serde_json::from_slice(request.body()).unwrap();
            let what =
                format!("{} answers {} by WhatsApp", self.process.name, message["context"]["message_id"]);
            let Fate { there, back, is_lost, is_unanswered } = self.process.network.fate(&what);
            if !self.process.sends(&what) {
                return pending().await;
            }
            if is_lost {
                self.process.network.note(&format!("lost: {what}"));
                sleep(there).await;
                // Or the person was sent something a moment ago.
                let soon =
                    json!({ "error": { "code": 131_056, "message": "pair rate limit hit" } }).to_string();
                let soon = Response::builder().status(400).body(Bytes::from(soon)).unwrap();
                let is_soon = there.as_millis() % 2 == 0;
                let away = AttemptError::Unreachable("there is no connection".to_owned());
                return if is_soon { Ok(soon) } else { Err(away) };
            }
            let (sender, answered) = oneshot::channel();
            let (taken, network) = (Arc::clone(&self.taken), Arc::clone(&self.process.network));
            // It is taken even if nobody waits for the answer.
            tokio::spawn(async move {
                sleep(there).await;
                taken.lock().push(message);
                network.note(&what);
                sleep(back).await;
                let _ = sender.send(());
            });
            if answered.await.is_err() || self.process.is_dead() {
                return pending().await;
            }
            if is_unanswered {
                return Err(AttemptError::Connection("the connection broke".to_owned()));
            }
            let answer = json!({ "messaging_product": "whatsapp", "messages": [{ "id": "wamid.reply" }] });
            Ok(Response::new(Bytes::from(answer.to_string())))
        })
    }
}
