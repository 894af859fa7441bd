//! Any message in the queue: it is a stranger's, or reads the same when it is written anew, and is of no other account.

use crate::Target;
use anyhow::{Context, Result, ensure};
use klaviyo_service::queue::QueueEntry;
use serde_json::Value;

/// The target.
pub const TARGET: Target = Target {
    name: "queue",
    about: "a message is a stranger's, or reads the same when it is written anew, and is of its account alone",
    run,
    seeds,
    inputs: 10_000,
};

const ACCOUNT: &str = "default";

fn seeds() -> Result<Vec<Vec<u8>>> {
    let with_id = |text: Vec<u8>| [br#"{"id":"7","#, text.get(1..).unwrap_or_default()].concat();
    let opt_ins = crate::seeds::files(&crate::seeds::cases("door"))?.into_iter().map(with_id);
    let others = [
        r#"{"account":"default","id":"7","phone_number":"+919820000001","opt_out":["whatsapp"],"lists":["Y6nRLr"]}"#,
        r#"{"account":"default","id":"7","email":"p@example.com","opt_out":[],"lists":["Y6nRLr"],"at":"2025-03-01T12:00:00Z"}"#,
        r#"{"account":"default","id":"7","phone_number":"+919820000001","resume":["whatsapp"]}"#,
        r#"{"account":"default","id":"7","previous":"IN.7","renamed_to":"GB.7"}"#,
        r#"{"account":"default","id":"7","metric":"Read","phone_number":"+919820000001","properties":{"a":[1.50,null]}}"#,
        r#"{"account":"default","id":"7","list":"Y6nRLr","email":"p@example.com","consent":["email"],"warnings":["x"],"completes":true}"#,
        r#"{"account":"default","id":"7","list":"Y6nRLr","email":"nobody"}"#,
    ];
    Ok(opt_ins.chain(others.map(|text| text.as_bytes().to_vec())).collect())
}

fn run(input: &[u8]) -> Result<()> {
    judge(input, &|message, account| {
        QueueEntry::read(message, account).map(|(key, entry)| (key.to_string(), entry))
    })
}

/// How messages of an account are read: a key and an entry.
type Read<'a> = &'a dyn Fn(&[u8], &str) -> Option<(String, QueueEntry)>;

fn judge(message: &[u8], read: Read<'_>) -> Result<()> {
    let Some((key, entry)) = read(message, ACCOUNT) else { return Ok(()) };
    ensure!(read(message, "another").is_none(), "it is of another account, too");
    let Some(written) = written(&entry) else { return Ok(()) };
    let (same, again) = read(&written, ACCOUNT).context("written anew it is a stranger's")?;
    ensure!(same == key, "written anew it has the key {same}, and had {key}");
    let again = self::written(&again).with_context(|| format!("written anew it is {again:?}"))?;
    ensure!(again == written, "written twice it is {again:?}, and once {written:?}");
    Ok(())
}

/// The message of an entry that can be done.
fn written(entry: &QueueEntry) -> Option<bytes::Bytes> {
    match entry {
        QueueEntry::OptIn(opt_in) => Some(opt_in.to_json()),
        QueueEntry::OptOut(opt_out) => Some(opt_out.to_json()),
        QueueEntry::Resume(resume) => Some(resume.to_json()),
        QueueEntry::Event(event) => {
            let mut event = event.clone();
            event.properties.values_mut().for_each(without_fractions);
            Some(event.to_json())
        }
        QueueEntry::Renaming(renaming) => Some(renaming.to_json()),
        QueueEntry::Invalid(_) | QueueEntry::Newer => None,
    }
}

/// A fraction of many digits loses the last one whenever it is read. Events of doors have none.
fn without_fractions(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = Value::Null,
        Value::Array(elements) => elements.iter_mut().for_each(without_fractions),
        Value::Object(members) => members.values_mut().for_each(without_fractions),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = br#"{"account":"default","id":"7","list":"Y6nRLr","email":" p@example.com"}"#;

    #[test]
    fn each_kind_of_message_is_among_the_seeds() {
        let mut kinds = std::collections::HashSet::new();
        for seed in seeds().unwrap() {
            let (_, entry) = QueueEntry::read(&seed, ACCOUNT).unwrap();
            assert!(!matches!(entry, QueueEntry::Newer), "{}", String::from_utf8_lossy(&seed));
            kinds.insert(std::mem::discriminant(&entry));
        }
        assert_eq!(kinds.len(), 6);
    }

    #[test]
    fn a_reader_that_mixes_accounts_up_or_forgets_a_value_is_found() {
        let right = |message: &[u8], account: &str| {
            QueueEntry::read(message, account).map(|(key, entry)| (key.to_string(), entry))
        };
        judge(MESSAGE, &right).unwrap();
        assert!(judge(MESSAGE, &|message, _| right(message, ACCOUNT)).is_err());
        let forgetful = |message: &[u8], account: &str| {
            let (key, entry) = right(message, account)?;
            Some((key, if message == MESSAGE { entry } else { QueueEntry::Newer }))
        };
        assert!(judge(MESSAGE, &forgetful).is_err());
        let renaming = |message: &[u8], account: &str| {
            let (key, entry) = right(message, account)?;
            Some((if message == MESSAGE { String::new() } else { key }, entry))
        };
        assert!(judge(MESSAGE, &renaming).is_err());
    }
}
