//! Any text as an email address, an external id and a contact: cleaned it is clean, and it is a part of what was written.

use crate::Target;
use anyhow::{Result, ensure};
use klaviyo_core::identifiers::{email, external_id, phone_number};
use klaviyo_core::intake::{OnInvalid, address, contact};
use klaviyo_core::{NewProfile, text};

/// The target.
pub const TARGET: Target = Target {
    name: "address",
    about: "an email or an external id is refused, or is a part of what was written, and cleaned it is clean",
    run,
    seeds,
    inputs: 5_000,
};

fn seeds() -> Result<Vec<Vec<u8>>> {
    let written = |line: &String| {
        let case: serde_json::Value = serde_json::from_str(line)?;
        Ok(case.get("written").and_then(|written| written.as_str()).unwrap_or_default().as_bytes().to_vec())
    };
    let emails = crate::seeds::lines(&crate::seeds::cases("emails.jsonl"))?;
    emails
        .iter()
        .map(written)
        .chain(std::iter::once(Ok(b"cust-0017\na@b.example\n+919820000001".to_vec())))
        .collect()
}

fn run(input: &[u8]) -> Result<()> {
    let written = String::from_utf8_lossy(input);
    for clean in [&email, &external_id] as [&dyn Fn(&str) -> _; 2] {
        judge(&written, clean)?;
    }
    if let Ok(cleaned) = email(&written) {
        let (local, domain) = cleaned.split_once('@').unwrap_or_default();
        ensure!(
            !local.is_empty() && !domain.is_empty() && !domain.contains('@'),
            "{cleaned:?} is no address"
        );
        ensure!(
            !cleaned.contains(|c: char| c.is_whitespace() || c.is_control()),
            "{cleaned:?} has white space"
        );
    }
    let inner = address(&written);
    ensure!(address(inner) == inner, "{inner:?} has become {:?}", address(inner));
    ensure!(written.contains(inner), "{written:?} has become {inner:?}");
    let mut lines = written.split('\n').map(|line| Some(line.to_owned()));
    let mut next = || lines.next().flatten();
    let whole = NewProfile {
        email: next(),
        external_id: next(),
        phone_number: next(),
        first_name: next(),
        last_name: next(),
        ..NewProfile::default()
    };
    if let Ok(taken) = contact(&whole, phone_number, OnInvalid::LeaveOut) {
        let again = contact(&taken.contact, phone_number, OnInvalid::Refuse);
        let is_clean =
            again.as_ref().is_ok_and(|again| again.contact == taken.contact && again.warnings.is_empty());
        ensure!(
            is_clean,
            "{:?} has become {:?}",
            taken.contact,
            again.map(|again| (again.contact, again.warnings))
        );
    }
    Ok(())
}

fn judge<E: std::fmt::Debug + PartialEq>(
    written: &str,
    clean: &dyn Fn(&str) -> Result<String, E>,
) -> Result<()> {
    let Ok(cleaned) = clean(written) else { return Ok(()) };
    let again = clean(&cleaned);
    ensure!(again.as_ref() == Ok(&cleaned), "{cleaned:?} has become {again:?}");
    let (before, behind) = written.split_once(&cleaned).unwrap_or((written, written));
    let is_nothing = |text: &str| text::shown(text).is_none();
    ensure!(is_nothing(before) && is_nothing(behind), "{written:?} has become {cleaned:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn a_cleaning_that_changes_a_value_is_found() {
        judge(" a@b ", &|text| Ok::<_, ()>(text.trim().to_owned())).unwrap();
        assert!(judge(" a@b ", &|_| Ok::<_, ()>("a@c".to_owned())).is_err());
        assert!(judge("x a@b", &|text| Ok::<_, ()>(text.trim_start_matches("x ").to_owned())).is_err());
        assert!(judge("  a@b", &|text| text.strip_prefix(' ').map(str::to_owned).ok_or(())).is_err());
        assert!(judge("A@b", &|text| Ok::<_, ()>(text.to_lowercase())).is_err());
    }
}
