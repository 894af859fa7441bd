//! What people write for an email and a phone number, and what becomes of it.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use klaviyo_core::identifiers::{dialled, email, phone_number, whatsapp_number};
use klaviyo_core::intake::{self, OnInvalid};
use klaviyo_core::{Code, NewProfile};
use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, country};
use proptest::prelude::*;
use serde_json::Value;
use std::path::PathBuf;

/// A phone number that somebody wrote, the country that was named beside it, and what is right.
struct Phone {
    written: String,
    region: String,
    right: String,
}

fn cases(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../host-test/cases").join(name)
}

fn phones() -> Vec<Phone> {
    let mut reader = csv::Reader::from_path(cases("phones.csv")).unwrap();
    let phones = reader.records().map(|record| {
        let record = record.unwrap();
        let field = |index: usize| record[index].to_owned();
        Phone { written: field(0), region: field(1), right: field(2) }
    });
    phones.collect()
}

fn known_by(email: Option<&str>, phone_number: Option<&str>) -> NewProfile {
    let owned = |text: &str| text.to_owned();
    NewProfile { email: email.map(owned), phone_number: phone_number.map(owned), ..NewProfile::default() }
}

#[test]
fn phone_numbers_come_out_right() {
    let phones = phones();
    assert!(phones.len() > 60);
    for Phone { written, region, right } in phones {
        let cleaned = phone_number(&written);
        if right.starts_with('+') && region.is_empty() {
            assert_eq!(cleaned, Ok(right.clone()), "{written}");
        } else if let Ok(cleaned) = cleaned {
            // Without its region it may be a number only if it is the same one, or one behind the prefix 00.
            assert!(cleaned == right || written.starts_with("00"), "{written}: {cleaned}");
        }
        let beside = known_by(Some("zed@example.com"), Some(&written));
        let taken = intake::contact(&beside, phone_number, OnInvalid::LeaveOut).unwrap();
        assert_eq!(taken.contact.email.as_deref(), Some("zed@example.com"));
        if right == "none" {
            assert_eq!((taken.contact.phone_number, taken.warnings), (None, Vec::new()), "{written}");
        } else if right == "refused" {
            assert_eq!(taken.warnings[0].pointer.as_deref(), Some("phone-number"), "{written}");
        }
    }
}

#[test]
fn emails_come_out_right() {
    let text = std::fs::read_to_string(cases("emails.jsonl")).unwrap();
    assert!(text.lines().count() > 25);
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (written, right) = (case["written"].as_str().unwrap(), case["right"].as_str().unwrap());
        let taken = intake::contact(&known_by(Some(written), None), phone_number, OnInvalid::Refuse);
        let taken = taken.map(|taken| taken.contact.email.unwrap()).map_err(|error| error.code);
        if right.starts_with("refused") {
            assert_eq!(email(written).unwrap_err().code, Code::InvalidInput, "{written}");
            assert_eq!(taken, Err(Code::InvalidInput), "{written}");
        } else if let Some(right) = right.strip_suffix(", or refused by name") {
            assert_eq!(email(written).unwrap_err().code, Code::InvalidInput, "{written}");
            assert_eq!(taken.as_deref(), Ok(right), "{written}");
        } else {
            assert_eq!(email(written).as_deref(), Ok(right), "{written}");
            assert_eq!(taken.as_deref(), Ok(right), "{written}");
        }
    }
}

/// The numbers of people, one of each kind for each region: fixed lines and mobile phones.
fn examples() -> impl Iterator<Item = (String, &'static str)> {
    DATABASE.iter().flat_map(|region| {
        let kinds = [region.descriptors().fixed_line(), region.descriptors().mobile()];
        let examples = kinds.into_iter().flatten().filter_map(|kind| kind.example());
        examples.map(|national| (region.country_code().to_string(), national)).collect::<Vec<_>>()
    })
}

#[test]
fn numbers_of_every_country_stay_what_they_are() {
    let mut count = 0;
    for (code, national) in examples() {
        count += 1;
        let right = format!("+{code}{national}");
        assert_eq!(phone_number(&right).as_deref(), Ok(right.as_str()));
        assert_eq!(whatsapp_number(right.trim_start_matches('+')).as_deref(), Ok(right.as_str()));
        // Whoever writes the zero that nobody dials from abroad means the same number. In Italy it may be
        // another's.
        if !national.starts_with('0') && code != "39" {
            for written in [format!("+{code} 0{national}"), format!("00{code} (0){national}")] {
                assert_eq!(phone_number(&written).as_deref(), Ok(right.as_str()), "{written}");
            }
        }
    }
    assert!(count > 400, "{count}");
}

/// Numbers of people that another library holds to be valid, as E.164.
fn valid_numbers() -> impl Strategy<Value = String> {
    let regions: Vec<(String, String)> =
        examples().map(|(code, national)| (code, national.to_owned())).collect();
    (prop::sample::select(regions), prop::collection::vec(0..10_u8, 15)).prop_filter_map(
        "not valid",
        |((code, national), digits)| {
            // The beginning decides to whom a number is given; the rest of it is anybody's.
            let keep = national.len().saturating_sub(5);
            let rest = digits.iter().take(national.len() - keep).map(u8::to_string).collect::<String>();
            let written = format!("+{code}{}{rest}", national.split_at(keep).0);
            phonenumber::parse(None, &written)
                .ok()
                .filter(phonenumber::PhoneNumber::is_valid)
                .map(|number| number.format().mode(Mode::E164).to_string())
                .filter(|number| *number == written)
        },
    )
}

/// What people put before, between and after the digits.
fn decorated() -> impl Strategy<Value = (String, String)> {
    let between =
        prop::sample::select(vec!["", "", "", " ", "-", ".", "\u{a0}", "\u{2011}", "\u{200b}", ") ", " ("]);
    let around = prop::sample::select(vec!["", " ", "\u{202a}", "\u{feff}", "\t", "tel:", "'"]);
    (valid_numbers(), prop::collection::vec(between, 16), around).prop_map(|(right, between, around)| {
        let digits: String =
            right.chars().zip(between).flat_map(|(c, between)| [c.to_string(), between.to_owned()]).collect();
        (right, format!("{around}{digits}\u{2069}"))
    })
}

proptest! {
    #[test]
    fn what_goes_in_as_e164_comes_out_the_same(number in valid_numbers()) {
        prop_assert_eq!(phone_number(&number), Ok(number));
    }

    #[test]
    fn what_stands_around_the_digits_changes_nothing((right, written) in decorated()) {
        prop_assume!(!written.contains("(0)") && !written.ends_with(".0\u{2069}") && !written.ends_with(".00\u{2069}"));
        match phone_number(&written) {
            Ok(cleaned) => prop_assert_eq!(cleaned, right),
            // A dot before the last digit may be that of a fraction, and a separator behind +8 may be
            // Russia's.
            Err(_) => prop_assert!(written.contains('.') || right.starts_with("+8"), "{written} is refused"),
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn cleaning_twice_is_cleaning_once(text in "[-+0-9 ().'/\u{a0}\u{200b}\u{ff10}-\u{ff19}eEx]{0,24}") {
        if let Ok(number) = phone_number(&text) {
            prop_assert_eq!(phone_number(&number), Ok(number));
        }
    }

    #[test]
    fn what_is_dialled_first_is_taken_out_at_once(
        text in "[+](1|7|36|39|52|375|692|993)[ (]?(0|1|8|01|06|08|044)?[)]?[0-9]{6,11}"
    ) {
        if let Ok(number) = phone_number(&text) {
            prop_assert_eq!(phone_number(&number), Ok(number));
        }
    }

    #[test]
    fn a_number_is_never_changed_into_another_valid_number(text in "[+]?[-0-9 ().'/]{4,22}") {
        if let Ok(cleaned) = phone_number(&text) {
            // All digits that were written, but for what is dialled before a number.
            let written: String = text.chars().filter(char::is_ascii_digit).collect();
            let kept = cleaned.trim_start_matches('+');
            let missing = written.len() - kept.len();
            prop_assert!(written.ends_with(kept.split_at_checked(3).unwrap_or_default().1) || text.contains(".0"), "{text}: {cleaned}");
            prop_assert!(missing <= 5, "{text}: {cleaned}");
            // Where another library reads a valid number in it too, it is the same.
            let international = format!("+{}", written.trim_start_matches("00"));
            if let Ok(number) = phonenumber::parse(None, &international) && number.is_valid() && missing == 0 {
                prop_assert_eq!(number.format().mode(Mode::E164).to_string(), cleaned);
            }
        }
    }

    #[test]
    fn any_text_is_a_number_or_an_error(text in "\\PC{0,40}") {
        if let Ok(number) = phone_number(&text) {
            prop_assert!(number.len() <= 16 && number.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit()));
        }
        let _ = (dialled(&text), whatsapp_number(&text));
    }

    #[test]
    fn an_email_that_was_cleaned_is_clean(text in "[ \u{a0}\u{200b}\u{ad}\t]{0,3}[a-z.+'@<>;,é\u{200b} ]{1,30}[ ;,\u{feff}\u{202c}]{0,3}") {
        if let Ok(cleaned) = email(&text) {
            prop_assert!(text.contains(&cleaned));
            prop_assert_eq!(email(&cleaned), Ok(cleaned.clone()));
        }
        let address = intake::address(&text);
        prop_assert_eq!(intake::address(address), address);
    }

    #[test]
    fn what_was_taken_in_is_taken_in_as_it_is(email in "\\PC{0,20}", phone in "[-+0-9 ().]{0,18}", name in "\\PC{0,12}") {
        let written = NewProfile { first_name: Some(name), ..known_by(Some(&email), Some(&phone)) };
        if let Ok(taken) = intake::contact(&written, phone_number, OnInvalid::LeaveOut) {
            let again = intake::contact(&taken.contact, phone_number, OnInvalid::Refuse).unwrap();
            prop_assert_eq!((again.contact, again.warnings), (taken.contact, Vec::new()));
        }
    }
}

/// The region of a number has no say in what it is.
#[test]
fn another_library_reads_the_same_numbers() {
    let mut compared = 0;
    for Phone { written, region, right } in phones() {
        if !right.starts_with('+') {
            continue;
        }
        let region = region.parse::<country::Id>().ok();
        let Ok(number) = phonenumber::parse(region, &right) else { continue };
        if number.is_valid() {
            compared += 1;
            assert_eq!(number.format().mode(Mode::E164).to_string(), right, "{written}");
        }
    }
    assert!(compared > 20, "{compared}");
}
