//! `klaviyo-connector sync` with consent that a column gives, or that everybody has given.

use crate::people::{case, stops};
use crate::run::{LIST, Run};
use crate::sync::{Try, done, row};
use klaviyo_mock::Channel;
use serde_json::json;

fn consents(test: &Try, email: &str, channel: Channel) -> bool {
    test.server.account().profile("email", email).is_some_and(|profile| profile.consent(channel).is_given())
}

/// Waits until all of these are members of the list.
fn members(test: &Try, count: usize) {
    test.wait_for("consent", |server| server.account().members(LIST).len() == count);
}

#[test]
fn who_says_no_is_a_member_and_no_subscriber() {
    for name in ["shopify.csv", "shopify-before-2024.csv"] {
        let heading = if name == "shopify.csv" { "Accepts Email Marketing" } else { "Accepts Marketing" };
        let test = case(name);
        let ignore = ["--list", LIST, "--unknown-columns", "ignore"];
        let told = stops(
            &test,
            &[ignore.as_slice(), &["--consent", "email"]].concat(),
            &[&format!("--consent-column 'email={heading}'"), &format!("--map '{heading}=ignore'")],
        );
        assert!(!told.contains("SMS"), "{told}");
        let column = format!("email={heading}");
        test.sync(&[ignore.as_slice(), &["--consent-column", &column, "--consent-source", "Shop"]].concat())
            .ok();
        let all = if name == "shopify.csv" { 2 } else { 3 };
        assert_eq!(test.outcomes().len(), all);
        members(&test, all);
        assert!(consents(&test, "ana.yes@example.com", Channel::Email), "{name}");
        assert!(!consents(&test, "ben.no@example.com", Channel::Email), "{name}");
        assert!(!consents(&test, "cy.empty@example.com", Channel::Email), "{name}");
        let account = test.server.account();
        let source =
            account.profile("email", "ana.yes@example.com").unwrap().consent(Channel::Email).source.clone();
        assert_eq!(source.as_deref(), Some("Shop"));
    }
    let test = case("shopify.csv");
    let aside =
        ["--consent", "email", "--map", "Accepts Email Marketing=ignore", "--unknown-columns", "ignore"];
    test.sync(&[aside.as_slice(), &["--list", LIST]].concat()).ok();
    members(&test, 2);
    assert!(consents(&test, "ben.no@example.com", Channel::Email));
}

#[test]
fn nothing_is_revoked_and_nothing_lifted() {
    let test = Try::new("email,accepts\nana@example.com,yes\nben@example.com,no\n");
    let first = ["--consent-column", "email=accepts", "--list", LIST];
    test.sync(&first).ok();
    members(&test, 2);
    std::fs::write(test.path("input.csv"), "email,accepts\nana@example.com,no\nben@example.com,no\n")
        .unwrap();
    test.sync(&first).ok();
    assert!(consents(&test, "ana@example.com", Channel::Email), "a no takes nothing back");
    assert!(!consents(&test, "ben@example.com", Channel::Email));
    assert_eq!(test.server.account().requests_of("bulk_unsubscribe_profiles"), 0);
}

#[test]
fn klaviyos_own_export_says_who_consents() {
    for name in ["klaviyo-export.csv", "klaviyo-export-mixed.csv"] {
        let test = case(name);
        let told = ["--consent-column 'email=Email Marketing Consent'", "--map 'Email Suppressions=ignore'"];
        stops(&test, &["--list", LIST, "--consent", "email"], &told);
    }
    let test = case("klaviyo-export.csv");
    let words = [
        "--consent-column",
        "email=Email Marketing Consent",
        "--consent-column",
        "sms=SMS Marketing Consent",
    ];
    test.sync(&[words.as_slice(), &["--list", LIST]].concat()).ok();
    assert_eq!(test.server.account().members(LIST).len(), 1);
    assert!(
        !consents(&test, "ana@example.com", Channel::Email)
            && !consents(&test, "ana@example.com", Channel::Sms)
    );
    assert_eq!(test.server.account().requests_of("bulk_subscribe_profiles"), 0);

    let test = case("klaviyo-export-mixed.csv");
    let historical = ["--list", LIST, "--historical", "--time-zone", "UTC"];
    test.sync(&[words.as_slice(), &historical].concat());
    members(&test, 2);
    let of = |email| [Channel::Email, Channel::Sms].map(|channel| consents(&test, email, channel));
    assert_eq!(of("ana@example.com"), [true, false]);
    assert_eq!(of("ben@example.com"), [false, true], "who is suppressed is not subscribed");
    // Who has no phone cannot consent to text messages, and consents to nothing else.
    assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "done", ""), row(4, "refused", "phone-number")]);
}

#[test]
fn hubspots_columns_say_who_opted_out() {
    let test = case("hubspot.csv");
    let ignore = ["--list", LIST, "--unknown-columns", "ignore"];
    stops(&test, &[ignore.as_slice(), &["--consent", "email"]].concat(), &["Unsubscribed from all email"]);
    let run =
        test.sync(&[ignore.as_slice(), &["--consent-column", "email=Unsubscribed from all email"]].concat());
    run.ok();
    assert!(run.err.contains("Opted out of email: Marketing Information"), "{}", run.err);
    members(&test, 4);
    let of = ["ana", "ben", "cy", "dee"]
        .map(|name| consents(&test, &format!("{name}@example.com"), Channel::Email));
    assert_eq!(of, [true, false, false, true]);
    let ana = test.profile("ana@example.com");
    assert_eq!(ana["phone_number"], "+14155552671");
    assert_eq!((&ana["organization"], &ana["title"]), (&json!("Acme"), &json!("CEO")));
    let address = json!({
        "address1": "1 Road", "city": "Boston", "region": "MA", "zip": "02134", "country": "United States",
    });
    assert_eq!(ana["location"], address);
}

#[test]
fn mailchimps_subscribers_have_their_time() {
    let test = case("mailchimp.csv");
    let words = ["--list", LIST, "--unknown-columns", "ignore", "--consent", "email"];
    test.sync(&[words.as_slice(), &["--historical", "--time-zone", "UTC"]].concat()).ok();
    members(&test, 1);
    let account = test.server.account();
    let consent = account.profile("email", "ana@example.com").unwrap().consent(Channel::Email);
    // That of the confirmation.
    assert!(consent.is_given() && consent.since.unwrap().starts_with("2018-02-12T18:06:58"));
    // Without the time of a consent it is the present one.
    let test = case("mailchimp.csv");
    let run = test.sync(&words);
    run.ok();
    assert!(run.err.contains("CONFIRM_TIME"), "{}", run.err);
    // Those who have left are in another file.
    let test = case("mailchimp-unsubscribed.csv");
    stops(&test, &words, &["UNSUB_TIME"]);
    test.sync(&["--list", LIST, "--unknown-columns", "ignore", "--consent-column", "email=UNSUB_TIME"]).ok();
    assert_eq!(test.server.account().members(LIST).len(), 1);
    assert!(!consents(&test, "ben@example.com", Channel::Email));
}

#[test]
fn times_of_consent_are_read_as_they_are_written() {
    let test = case("consent-dates.csv");
    let words = ["--list", LIST, "--consent", "email", "--historical"];
    assert_eq!(test.sync(&words).code, 1);
    let refused = |line| row(line, "refused", "consented-at");
    let mut expected: Vec<_> = (2..=6).map(refused).collect();
    expected.extend(done(7..=9));
    assert_eq!(test.outcomes(), expected);
    members(&test, 3);
    let test = case("consent-dates.csv");
    assert_eq!(
        test.sync(
            &[words.as_slice(), &["--time-zone", "Asia/Kolkata", "--date-format", "%d/%m/%Y"]].concat()
        )
        .code,
        1
    );
    let mut expected = done(2..=9);
    expected[4] = refused(6);
    assert_eq!(test.outcomes(), expected);
    members(&test, 7);
    let account = test.server.account();
    let since = |email: &str| {
        account.profile("email", email).unwrap().consent(Channel::Email).since.unwrap().to_owned()
    };
    assert!(since("ana@example.com").starts_with("2018-02-12T12:29:31"), "{}", since("ana@example.com"));
    assert!(since("ben@example.com").starts_with("2018-02-11T18:30:00"), "{}", since("ben@example.com"));
    drop(account);
    // Who says no needs no time.
    let test = Try::new(
        "email,consented at,accepts\na@example.com,2018-02-12T17:59:31Z,yes\nb@example.com,,no\nc@example.com,soon,no\n",
    );
    test.sync(&["--list", LIST, "--consent-column", "email=accepts", "--historical"]).ok();
    members(&test, 3);
}

#[test]
fn words_for_yes_and_no_can_be_taught() {
    let test = Try::new(
        "email,level\na@example.com,Level 2\nb@example.com,level-1\nc@example.com,\nd@example.com,other\n",
    );
    let words = ["--list", LIST, "--consent-column", "email=2"];
    assert_eq!(test.sync(&words).code, 1);
    assert_eq!(
        test.outcomes(),
        [row(2, "refused", ""), row(3, "refused", ""), row(4, "done", ""), row(5, "refused", "")]
    );
    assert!(test.report()[0][3].contains("--consent-yes"));
    let taught = ["--consent-yes", "level 2", "--consent-no", "Level 1", "--consent-no", "other"];
    test.sync(&[words.as_slice(), &taught].concat()).ok();
    members(&test, 4);
    assert!(consents(&test, "a@example.com", Channel::Email));
    assert!(["b", "c", "d"].iter().all(|name| !consents(
        &test,
        &format!("{name}@example.com"),
        Channel::Email
    )));
    let both = ["--consent-yes", "x", "--consent-no", "X"];
    assert_eq!(test.sync(&[words.as_slice(), &both].concat()).err(2)["code"], "invalid-input");
    // A column of those who do not want to.
    let test = Try::new("email,no mail please\na@example.com,x\nb@example.com,\n");
    test.sync(&["--list", LIST, "--consent-column", "email=!no mail please"]).ok();
    members(&test, 2);
    assert_eq!(
        ["a", "b"].map(|name| consents(&test, &format!("{name}@example.com"), Channel::Email)),
        [false, true]
    );
}

#[test]
fn a_channel_needs_its_address() {
    let test = Try::new(
        "email,phone,texts\na@example.com,+14155550100,yes\nb@example.com,12,yes\nc@example.com,,no\n,+14155550101,no\n",
    );
    let words = ["--list", LIST, "--consent", "email", "--consent-column", "sms=texts"];
    assert_eq!(test.sync(&words).code, 1);
    let rows =
        [row(2, "done", ""), row(3, "done", "phone-number"), row(4, "done", ""), row(5, "refused", "email")];
    assert_eq!(test.outcomes(), rows);
    members(&test, 3);
    let of = ["a", "b", "c"].map(|name| consents(&test, &format!("{name}@example.com"), Channel::Sms));
    assert_eq!(of, [true, false, false]);
    assert_eq!(test.sync(&[words.as_slice(), &["--strict"]].concat()).code, 1);
    assert_eq!(test.outcomes()[1], row(3, "refused", "phone-number"));
}

#[test]
fn consents_of_one_source_go_together() {
    let mut input = String::from("email,accepts,where,how\n");
    for n in 0..2_500 {
        let (place, how) = if n % 2 == 0 { ("Shop", "") } else { ("", "Form") };
        let accepts = if n % 5 == 0 { "no" } else { "yes" };
        input.push_str(&format!("c{n}@example.com,{accepts},{place},{how}\n"));
    }
    input.push_str("last@example.com,yes,,\nboth@example.com,yes,Shop,Form\n");
    let test = Try::new(&input);
    let words = [
        "--list",
        LIST,
        "--consent-column",
        "email=accepts",
        "--map",
        "where=consent-source",
        "--map",
        "how=consent-method",
        "--consent-source",
        "Elsewhere",
    ];
    let dry = Run::of(test.command(&["input.csv", "--dry-run", "--json"]).args(words)).ok();
    assert_eq!((&dry["imports"], &dry["by-operation"]["bulk subscribe"]), (&json!(1), &json!(4)), "{dry}");
    test.sync(&words).ok();
    members(&test, 2_502);
    assert_eq!(test.imports(), [500]);
    let account = test.server.account();
    let source = |email: &str| {
        let profile = account.profile("email", email).unwrap();
        profile
            .consent(Channel::Email)
            .is_given()
            .then(|| profile.consent(Channel::Email).source.clone().unwrap())
    };
    assert_eq!(source("c0@example.com"), None);
    assert_eq!(source("c2@example.com").as_deref(), Some("Shop"));
    assert_eq!(source("c1@example.com").as_deref(), Some("Form"));
    assert_eq!(source("last@example.com").as_deref(), Some("Elsewhere"));
    assert_eq!(source("both@example.com").as_deref(), Some("Shop, Form"));
}

/// The two imports of a batch are journaled one by one, and so is who is in which.
#[test]
fn a_sync_by_column_goes_on_where_it_was() {
    let mut input = String::from("email,first name,accepts\n");
    for n in 0..30 {
        input.push_str(&format!("c{n}@example.com,C,{}\n", if n % 3 == 0 { "no" } else { "yes" }));
    }
    let words = [
        "--list",
        LIST,
        "--consent-column",
        "email=accepts",
        "--batch",
        "15",
        "--state",
        "state",
        "--patience",
        "1s",
    ];
    for lost in [
        "POST /api/profile-bulk-import-jobs: #2-100 status 503",
        "POST /api/profile-bulk-import-jobs: #3-100 reset-after",
        "POST /api/profile-subscription-bulk-create-jobs: #2-100 status 503",
    ] {
        let test = Try::faulty(&input, &[lost]);
        // The import whose answer is lost is found among the jobs.
        assert_eq!(test.sync(&words).code == 0, lost.ends_with("reset-after"), "{lost}");
        test.server.set_faults(klaviyo_mock::Faults::none());
        test.sync(&words).ok();
        assert_eq!(test.outcomes(), done(2..32), "{lost}");
        members(&test, 30);
        assert_eq!(test.imports(), [10, 5, 10, 5], "{lost}");
        for n in 0..30 {
            assert_eq!(consents(&test, &format!("c{n}@example.com"), Channel::Email), n % 3 != 0, "{n}");
        }
        let other = test.sync(&[
            "--list",
            LIST,
            "--consent",
            "email",
            "--map",
            "accepts=ignore",
            "--batch",
            "15",
            "--state",
            "state",
        ]);
        assert_eq!(other.err(2)["code"], "invalid-input");
    }
}

#[test]
fn a_state_of_an_older_version_goes_on() {
    let test = Try::faulty(
        "email,first name\na@example.com,A\nb@example.com,B\n",
        &["POST /api/profile-subscription-bulk-create-jobs: #1-100 status 503"],
    );
    let words = ["--list", LIST, "--consent", "email", "--state", "state", "--patience", "1s"];
    assert_eq!(test.sync(&words).code, 6);
    let state = std::fs::read_to_string(test.path("state")).unwrap();
    // What it did not know is not written where it says nothing.
    assert!(
        !state.contains("members") && !state.contains("strict") && !state.contains("consent-column"),
        "{state}"
    );
    test.server.set_faults(klaviyo_mock::Faults::none());
    test.sync(&words).ok();
    members(&test, 2);
    assert_eq!(test.imports(), [2]);
}

#[test]
fn objects_say_who_consents_too() {
    let test = Try::new("");
    let lines = [
        r#"{"email": "a@example.com", "accepts": true}"#,
        r#"{"email": "b@example.com", "accepts": "no"}"#,
        r#"{"email": "c@example.com"}"#,
        r#"{"email": "d@example.com", "accepts": "perhaps"}"#,
        r#"{"email": "e@example.com", "accepts": 1, "consent_source": "Form"}"#,
    ];
    std::fs::write(test.path("contacts.jsonl"), lines.join("\n")).unwrap();
    let sync = |words: &[&str]| {
        let mut command =
            test.command(&["contacts.jsonl", "--json", "--list", LIST, "--report", "report.csv"]);
        Run::of(command.args(words))
    };
    assert_eq!(sync(&["--consent-column", "email=accepts"]).code, 1);
    let rows = [
        row(1, "done", ""),
        row(2, "done", ""),
        row(3, "done", ""),
        row(4, "refused", ""),
        row(5, "done", ""),
    ];
    assert_eq!(test.outcomes(), rows);
    members(&test, 4);
    let of = ["a", "b", "c", "e"].map(|name| consents(&test, &format!("{name}@example.com"), Channel::Email));
    assert_eq!(of, [true, false, false, true]);
    // Consent for everybody, and an object that says of one.
    std::fs::write(test.path("contacts.jsonl"), r#"{"email": "f@example.com", "accepts_marketing": false}"#)
        .unwrap();
    assert_eq!(sync(&["--consent", "email"]).code, 1);
    assert_eq!(test.outcomes(), [row(1, "refused", "accepts_marketing")]);
}

#[test]
fn an_answer_that_nobody_knows_is_no_consent() {
    // Each says by a sign, or in no known way, that somebody has opted out or may have.
    for (answer, outcome) in [("✔️", "done"), ("☒", "refused"), ("unknown", "refused"), ("#N/A", "refused")]
    {
        let test = Try::new(format!("email,out\nana@example.com,{answer}\nben@example.com,\n"));
        test.sync(&["--list", LIST, "--consent-column", "email=!out"]);
        assert_eq!(test.outcomes(), [row(2, outcome, ""), row(3, "done", "")], "{answer}");
        members(&test, if outcome == "done" { 2 } else { 1 });
        assert!(!consents(&test, "ana@example.com", Channel::Email), "{answer}");
        assert!(consents(&test, "ben@example.com", Channel::Email), "{answer}");
    }
}

#[test]
fn an_answer_that_is_missing_is_no_consent() {
    let short = "email,out\nana@example.com\nben@example.com,\n";
    let test = Try::new(short);
    test.sync(&["--list", LIST, "--consent-column", "email=!out"]).ok();
    members(&test, 2);
    assert!(!consents(&test, "ana@example.com", Channel::Email));
    assert!(consents(&test, "ben@example.com", Channel::Email));
    assert!(test.report()[0][3].contains("missing"), "{:?}", test.report());

    let test = Try::new("{\"email\":\"ana@example.com\"}\n{\"email\":\"ben@example.com\",\"out\":null}\n");
    let json = ["--list", LIST, "--format", "jsonl", "--consent-column", "email=!out"];
    test.sync(&json).ok();
    members(&test, 2);
    assert!(!consents(&test, "ana@example.com", Channel::Email));
    assert!(consents(&test, "ben@example.com", Channel::Email));
    let test = Try::new(short);
    test.sync(&["--list", LIST, "--consent-column", "email=!out", "--strict"]);
    assert_eq!(test.outcomes(), [row(2, "refused", ""), row(3, "done", "")]);
}

#[test]
fn a_heading_that_speaks_of_consent_is_not_passed_over() {
    for heading in [
        "Portal Unsubscribe",
        "HasOptedOutOfEmail",
        "hs_email_optout_9001",
        "isNewsletterOptIn",
        "Email subscriber status",
        "Von allen E-Mails abgemeldet",
        "email_marketing_consent.state",
    ] {
        for unknown in ["ignore", "properties"] {
            let test = Try::new(format!("email,{heading}\nana@example.com,true\n"));
            let words = ["--list", LIST, "--unknown-columns", unknown, "--consent", "email"];
            stops(&test, &words, &[&format!("--consent-column 'email={heading}'")]);
        }
    }
    // Whoever has opted out is not subscribed, also where nobody has written the !.
    let test = Try::new("email,HasOptedOutOfEmail\nana@example.com,true\nben@example.com,false\n");
    test.sync(&["--list", LIST, "--consent-column", "email=HasOptedOutOfEmail"]).ok();
    members(&test, 2);
    assert!(!consents(&test, "ana@example.com", Channel::Email));
    assert!(consents(&test, "ben@example.com", Channel::Email));
    // And a ! does not make a yes of a no.
    let test = Try::new("email,Accepts Email Marketing\nana@example.com,no\n");
    stops(&test, &["--list", LIST, "--consent-column", "email=!Accepts Email Marketing"], &["!"]);
}

#[test]
fn a_consent_has_the_time_of_its_channel() {
    let test = Try::new(
        "Email,Phone Number,Email Marketing Consent,Email Marketing Consent Timestamp,SMS Marketing Consent,\
         SMS Marketing Consent Timestamp\n\
         ana@example.com,+14155552671,UNSUBSCRIBED,2020-01-01T00:00:00Z,SUBSCRIBED,2024-01-01T00:00:00Z\n\
         ben@example.com,+14155552672,SUBSCRIBED,2020-01-01T00:00:00Z,SUBSCRIBED,2024-01-01T00:00:00Z\n\
         cy@example.com,+14155552673,SUBSCRIBED,2020-01-01T00:00:00Z,UNSUBSCRIBED,2024-01-01T00:00:00Z\n",
    );
    test.sync(&[
        "--list",
        LIST,
        "--historical",
        "--consent-column",
        "email=Email Marketing Consent",
        "--consent-column",
        "sms=SMS Marketing Consent",
    ])
    .ok();
    members(&test, 3);
    let account = test.server.account();
    let year = |name: &str, channel| {
        let since =
            account.profile("email", &format!("{name}@example.com")).unwrap().consent(channel).since.clone();
        since.unwrap().chars().take(4).collect::<String>()
    };
    assert_eq!(year("ana", Channel::Sms), "2024");
    assert_eq!(year("ben", Channel::Sms), "2024");
    assert_eq!(year("cy", Channel::Email), "2020");
}
