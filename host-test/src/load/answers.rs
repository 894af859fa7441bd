//! Who writes to a business is answered: each message once, and nothing comes after the answer to the last opt-out.

use crate::load::stage::Stage;
use anyhow::{Context, Result, bail, ensure};
use async_nats::jetstream::kv::Store;
use klaviyo_service::key::OptInKey;
use klaviyo_whatsapp_mock::Message;
use std::collections::BTreeMap;

/// The replies of an account that a worker sends at the same time. A kill can cost them their answers.
const AT_ONCE: usize = 16;

/// What a person wrote that has an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// WhatsApp's id of the message.
    pub(super) id: String,
    /// The time of the message in milliseconds since 1970, as the service counts it.
    pub(super) at: i64,
    /// Whether it is an opt-out.
    pub(super) is_opt_out: bool,
    /// Whether it has an answer in any case. Otherwise a later word of the person can have been answered first, which
    /// leaves it without one.
    pub(super) is_owed: bool,
}

/// The answers of a run, counted.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Messages with an answer.
    answered: usize,
    /// Messages that a later word of their person left without one.
    overtaken: usize,
    /// Questions for a number.
    asked: usize,
    /// The accounts and ids of messages without the answer that they are owed.
    missing: Vec<(String, String)>,
}

impl Answers {
    /// Adds what a person of an account wrote, and what the business sent, oldest first. The person has had so many ids of
    /// WhatsApp's, and is asked for a number once under each.
    ///
    /// # Errors
    /// When something is answered twice, or nobody wrote it; or when an answer that says something else than an opt-out's
    /// comes after that to the last opt-out, for what was written before it.
    pub(super) fn add(
        &mut self,
        account: &str,
        written: &[Written],
        messages: &[Message],
        ids: usize,
    ) -> Result<()> {
        let known: BTreeMap<&str, &Written> = written.iter().map(|one| (one.id.as_str(), one)).collect();
        let last_opt_out = written.iter().filter(|one| one.is_opt_out).map(|one| one.at).max();
        let (mut answers, mut asked, mut is_out) = (BTreeMap::new(), 0, false);
        // What the business sent by itself answers nothing.
        let replies = messages.iter().filter_map(|message| Some((message.context.as_deref()?, message)));
        for (id, message) in replies {
            let one = known.get(id).with_context(|| format!("an answer to {id}, which nobody wrote"))?;
            if message.kind == "interactive" {
                asked += 1;
            } else {
                *answers.entry(id).or_insert(0_usize) += 1;
            }
            // The answer to an earlier opt-out says the same.
            let is_said = one.is_opt_out || last_opt_out.is_some_and(|last| one.at > last);
            ensure!(
                is_said || !is_out,
                "{} of {account} was told {:?} after the answer to the last opt-out",
                message.to,
                message.text
            );
            is_out |= one.is_opt_out && Some(one.at) == last_opt_out;
        }
        if let Some((id, count)) = answers.iter().find(|(_, count)| **count > 1) {
            bail!("{id} of {account} has {count} answers: {messages:?}");
        }
        ensure!(asked <= ids, "somebody of {account} was asked for a number {asked} times: {messages:?}");
        self.asked += asked;
        self.answered += answers.len();
        for one in written.iter().filter(|one| !answers.contains_key(one.id.as_str())) {
            if one.is_owed {
                self.missing.push((account.to_owned(), one.id.clone()));
            } else {
                self.overtaken += 1;
            }
        }
        Ok(())
    }

    /// Prints how many there are. Where so many processes were killed, some may be missing.
    ///
    /// # Errors
    /// When an answer is missing that nobody had claimed, or more than can have been under way.
    pub(super) async fn tell(&self, stage: &Stage, killed: usize) -> Result<()> {
        let Self { answered, overtaken, asked, missing } = self;
        let most = killed * stage.accounts.len() * AT_ONCE;
        ensure!(missing.len() <= most, "{} messages are not answered, and {most} may be", missing.len());
        if !missing.is_empty() {
            let claims = claims(stage).await?;
            for (account, id) in missing {
                let key = OptInKey::new(&account.parse()?, &format!("reply {id}")).to_string();
                let is_claimed = claims.get(key).await?.is_some();
                ensure!(is_claimed, "{id} of {account} is not answered, and nobody has claimed its reply");
            }
        }
        println!(
            "  {answered} messages are answered once, and {asked} people asked for their number; {overtaken} are not \
             answered, after a later word of the person, and {} because a process was killed with the reply in hand",
            missing.len()
        );
        Ok(())
    }
}

/// The bucket of the replies that are sent or may be.
async fn claims(stage: &Stage) -> Result<Store> {
    let client = async_nats::connect(stage.nats.url()).await?;
    Ok(async_nats::jetstream::new(client).get_key_value("klaviyo-replies").await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(context: Option<&str>, kind: &'static str) -> Message {
        let (id, to) = ("wamid.0".to_owned(), "919820000001".to_owned());
        let context = context.map(str::to_owned);
        Message { id, to, kind, text: String::new(), context, body: serde_json::Value::Null, at: 0 }
    }

    /// What follows from the answers to these messages, of a person who opted in, out, in and out again.
    fn added(answers: &[&str]) -> Result<Answers> {
        let written: Vec<Written> = [("in-1", 1), ("out-2", 2), ("in-3", 3), ("out-4", 4)]
            .map(|(id, at)| Written {
                id: id.to_owned(),
                at,
                is_opt_out: id.starts_with("out"),
                is_owed: id == "out-4",
            })
            .into();
        let mut messages = vec![message(None, "template")];
        messages.extend(answers.iter().map(|answer| match answer.strip_suffix('?') {
            Some(id) => message(Some(id), "interactive"),
            None => message(Some(answer), "text"),
        }));
        let mut all = Answers::default();
        all.add("shop-1", &written, &messages, 1).map(|()| all)
    }

    #[test]
    fn each_message_is_answered_once_and_the_last_opt_out_last() {
        for right in
            [&["in-1", "in-1?", "out-2", "in-3", "out-4"][..], &["in-3", "out-4"], &["out-4", "out-2"]]
        {
            let added = added(right).unwrap();
            assert_eq!(added.answered, right.iter().filter(|answer| !answer.ends_with('?')).count());
            assert_eq!((added.answered + added.overtaken, added.missing.len()), (4, 0), "{right:?}");
        }
        for wrong in [
            &["out-4", "out-4"][..],
            &["in-1", "in-1?", "in-3?", "out-4"],
            &["out-4", "in-3"],
            &["out-4", "in-1?"],
            &["in-5"],
        ] {
            assert!(added(wrong).is_err(), "{wrong:?}");
        }
        let without = added(&["in-1", "out-2"]).unwrap();
        assert_eq!(without.missing, [("shop-1".to_owned(), "out-4".to_owned())]);
        assert_eq!(without.overtaken, 1);
    }
}
