//! Any text as a phone number, with the name of a country before it: it is refused, or it stays the same number.

use crate::Target;
use crate::oracle::phone;
use anyhow::{Result, ensure};
use klaviyo_core::identifiers::{dialled, phone_number, whatsapp_number};
use klaviyo_sync::phone::international;

/// The target.
pub const TARGET: Target = Target {
    name: "phone",
    about: "a phone number is refused, or is the one that was written, and cleaned it is clean",
    run,
    seeds,
    inputs: 3_000,
};

/// How many digits at the end of a number are those that were written, however it is dialled. The shortest numbers have no
/// more behind their country code.
const OWN_DIGITS: usize = 4;

fn seeds() -> Result<Vec<Vec<u8>>> {
    let lines = crate::seeds::lines(&crate::seeds::cases("phones.csv"))?;
    let seed = |line: &String| {
        let mut cells = line.split(',');
        let (written, region) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        format!("{region}\n{written}").into_bytes()
    };
    Ok(lines.iter().skip(1).map(seed).collect())
}

fn run(input: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(input);
    let (region, written) = text.split_once('\n').unwrap_or(("", &text));
    judge(written, &phone_number)?;
    if let Ok(number) = whatsapp_number(written) {
        let again = whatsapp_number(&number);
        ensure!(again.as_ref() == Ok(&number), "{number} has become {again:?}");
        phone::same(written, &number).or_else(|error| match without_ninth_digit(&number) {
            Some(older) => phone::same(written, &older),
            None => Err(error),
        })?;
    }
    if let Ok(read) = dialled(written) {
        let all = phone::digits(written);
        // A zero in brackets, and the two of a decimal number.
        ensure!(
            all.len() - read.digits.len() <= 3 && is_within(&read.digits, &all),
            "{written} is read as {read:?}"
        );
    }
    let region = region.trim().parse().ok();
    if let Ok(number) = international(written, region) {
        let again = international(&number, region);
        ensure!(again.as_ref() == Ok(&number), "{number} has become {again:?} in {region:?}");
        phone::e164(&number)?;
        phone::ends_alike(written, &number, OWN_DIGITS)?;
    }
    Ok(())
}

fn judge<E: std::fmt::Debug + PartialEq>(
    written: &str,
    clean: &dyn Fn(&str) -> Result<String, E>,
) -> Result<()> {
    let Ok(number) = clean(written) else { return Ok(()) };
    let again = clean(&number);
    ensure!(again.as_ref() == Ok(&number), "{number} has become {again:?}");
    phone::same(written, &number)
}

/// A mobile number of Brazil as WhatsApp may still write it: without the 9 that follows the area code.
fn without_ninth_digit(number: &str) -> Option<String> {
    let (area, rest) = number.split_at_checked(5).filter(|(area, _)| area.starts_with("+55"))?;
    Some(format!("{area}{}", rest.strip_prefix('9')?))
}

/// Whether digits are all there, in this order.
fn is_within(digits: &str, all: &str) -> bool {
    let mut all = all.chars();
    digits.chars().all(|digit| all.any(|other| other == digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleaning_that_guesses_or_is_not_done_is_found() {
        judge("+91 98200 00001", &phone_number).unwrap();
        let digits = |written: &str| Ok::<_, ()>(format!("+{}", phone::digits(written)));
        judge("+91 98200 00001", &digits).unwrap();
        // An extension is not a part of the number.
        assert!(judge("+1 415 555 0100", &|written| Ok::<_, ()>(format!("{written}5"))).is_err());
        assert!(judge("+1 415 555 0100", &|_| Ok::<_, ()>("+14155550101".to_owned())).is_err());
        assert!(judge("98200 00001", &|_| Ok::<_, ()>("+919820000001".to_owned())).is_err());
        assert_eq!(without_ninth_digit("+5581999112233").as_deref(), Some("+558199112233"));
        assert_eq!(without_ninth_digit("+4981999112233"), None);
        assert!(is_within("123", "10203") && !is_within("132", "10203"));
    }
}
