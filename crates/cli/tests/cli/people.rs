//! `klaviyo-connector sync` with files as they come: their columns, and what is in them beside good values. The files are in
//! host-test/cases/files.

use crate::run::{LIST, Run, run, server};
use crate::sync::{Try, done, requests, row};
use serde_json::{Value, json};

/// A file of host-test/cases/files, as the input.
pub(crate) fn case(name: &str) -> Try {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-test/cases/files/");
    Try::new(std::fs::read(format!("{path}{name}")).unwrap())
}

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap()
}

/// That it is refused before anything is sent, in these words.
pub(crate) fn stops(test: &Try, words: &[&str], told: &[&str]) -> String {
    let error = test.sync(words).err(2);
    for word in told {
        assert!(message(&error).contains(word), "{word:?}: {error}");
    }
    assert_eq!(test.server.requests(), 0);
    message(&error).to_owned()
}

#[test]
fn of_two_columns_of_one_name_one_is_chosen() {
    let test = case("duplicate-headers.csv");
    stops(&test, &["--list", LIST], &["column 3", "column 4", "4=ignore"]);
    stops(&test, &["--list", LIST, "--map", "Phone=ignore"], &["3 and 4"]);
    stops(&test, &["--list", LIST, "--map", "Phone=phone-number"], &["3 and 4"]);
    test.sync(&["--list", LIST, "--map", "4=ignore"]).ok();
    let bob = test.profile("bob@example.com");
    assert_eq!((&bob["phone_number"], &bob["first_name"]), (&json!("+14155550100"), &json!("Bob")));
    assert!(test.profile("cy@example.com").get("phone_number").is_none());
    test.sync(&["--list", LIST, "--map", "3=ignore"]).ok();
    assert_eq!(test.profile("cy@example.com")["phone_number"], "+14155550102");

    let test = case("duplicate-headers-other.csv");
    stops(&test, &[], &["column 1", "column 3", "3=ignore"]);
    test.sync(&["--map", "1=property:private", "--map", "Email=email"]).ok();
    let ana = test.profile("ana.work@example.com");
    assert_eq!(ana["properties"], json!({ "private": "ana@example.com" }));

    let test = case("duplicate-headers-unknown.csv");
    stops(&test, &["--unknown-columns", "properties"], &["column 2", "column 4"]);
    test.sync(&["--unknown-columns", "properties", "--map", "2=property:first note"]).ok();
    assert_eq!(test.profile("ana@example.com")["properties"], json!({ "first note": "one", "Note": "two" }));
}

#[test]
fn a_column_without_a_name_is_left_out_alone() {
    let test = case("empty-header.csv");
    let told = stops(&test, &["--unknown-columns", "properties"], &["column 1", "1=ignore"]);
    assert!(!told.contains("--unknown-columns"), "{told}");
    let told = stops(&test, &["--map", "1=ignore"], &["\"plan\""]);
    assert!(!told.contains("1=ignore"), "{told}");
    test.sync(&["--unknown-columns", "properties", "--map", "1=ignore"]).ok();
    assert_eq!(test.profile("ana@example.com")["properties"], json!({ "plan": "pro" }));

    let test = case("empty-header-end.csv");
    stops(&test, &[], &["3=ignore"]);
    test.sync(&["--map", "3=property:mark"]).ok();
    assert_eq!(test.profile("ana@example.com")["properties"], json!({ "mark": "x" }));

    let test = case("empty-header-phone.csv");
    stops(&test, &["--map", "3=phone-number"], &["1=ignore"]);
    test.sync(&["--map", "3=phone-number", "--map", "1=ignore"]).ok();
    assert_eq!(test.profile("ana@example.com")["phone_number"], "+14155550100");
}

#[test]
fn a_bad_value_beside_a_good_one_costs_the_value() {
    let test = case("bad-phone-good-email.csv");
    let run = test.sync(&["--list", LIST, "--region", "US"]);
    assert_eq!((&run.ok()["done"], &run.ok()["warned"]), (&json!(6), &json!(2)));
    let left_out = |line| row(line, "done", "phone-number");
    let rows = [
        row(2, "done", ""),
        row(3, "done", ""),
        left_out(4),
        left_out(5),
        row(6, "done", ""),
        row(7, "done", ""),
    ];
    assert_eq!(test.outcomes(), rows);
    assert!(test.report().iter().all(|row| row[2].is_empty() == row[3].is_empty()));
    assert_eq!(test.profile("cy@example.com"), json!({ "email": "cy@example.com", "first_name": "Cy" }));
    // Without a report it is told all the same.
    let told = Run::of(&mut test.command(&["input.csv", "--region", "US"]));
    assert!(told.err.contains("line 4: done: phone-number: "), "{}", told.err);
    let dry = Run::of(&mut test.command(&["input.csv", "--dry-run", "--region", "US"]));
    assert!(dry.code == 0 && dry.err.contains("line 4: warning: phone-number: "), "{}", dry.err);

    let strict = case("bad-phone-good-email.csv");
    assert_eq!(strict.sync(&["--list", LIST, "--region", "US", "--strict"]).code, 1);
    let refused = |line| row(line, "refused", "phone-number");
    let rows = [
        row(2, "done", ""),
        row(3, "done", ""),
        refused(4),
        refused(5),
        row(6, "done", ""),
        row(7, "done", ""),
    ];
    assert_eq!(strict.outcomes(), rows);

    let one_by_one = case("bad-phone-good-email.csv");
    one_by_one.sync(&["--list", LIST, "--region", "US", "--one-by-one"]).ok();
    assert_eq!(one_by_one.outcomes()[2], left_out(4));
    assert_eq!(one_by_one.server.account().members(LIST).len(), 6);

    let test = case("bad-phone-local.csv");
    test.sync(&["--region", "IN"]).ok();
    assert_eq!(test.outcomes(), [row(2, "done", ""), left_out(3), left_out(4), row(5, "done", "")]);
    assert!(test.report()[2][3].contains("spreadsheet"));
    assert_eq!(test.profile("ana@example.com")["phone_number"], "+919820000001");

    let test = case("bad-email-good-phone.csv");
    assert_eq!(test.sync(&[]).code, 0);
    let left_out = |line| row(line, "done", "email");
    assert_eq!(
        test.outcomes(),
        [row(2, "done", ""), left_out(3), left_out(4), row(5, "done", "phone-number"), left_out(6)]
    );
    assert_eq!(test.profile("dee@example.com"), json!({ "email": "dee@example.com", "first_name": "Dee" }));
}

#[test]
fn two_people_with_one_identifier_are_told() {
    for words in [[].as_slice(), &["--list", LIST, "--one-by-one"]] {
        let test = case("shared-phone.csv");
        assert_eq!(test.sync(words).code, 1);
        assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "refused", "phone-number")]);
        assert!(test.report()[1][3].contains("line 2"), "{:?}", test.report());
        assert_eq!(test.profile("mum@example.com")["phone_number"], "+14155550177");
        assert_eq!(test.emails(), ["mum@example.com"]);
        let dry = Run::of(test.command(&["input.csv", "--dry-run"]).args(words));
        assert!(dry.err.contains("line 3: refused: phone-number: line 2"), "{}", dry.err);
    }
    let test = case("shared-email.csv");
    assert_eq!(test.sync(&[]).code, 1);
    assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "refused", "email"), row(4, "done", "")]);

    let test = case("shared-external-id.csv");
    assert_eq!(test.sync(&[]).code, 1);
    let rows = [row(2, "done", ""), row(3, "refused", "external-id"), row(4, "refused", "phone-number")];
    assert_eq!(test.outcomes(), rows);
}

/// A row that was passed over is compared with those that come after it.
#[test]
fn two_people_with_one_identifier_are_told_after_an_interruption() {
    let mut input = String::from("email,phone\n");
    (0..20).for_each(|n| input.push_str(&format!("c{n}@example.com,+9198200000{n:02}\n")));
    input.push_str("other@example.com,+919820000003\n");
    let words = ["--list", LIST, "--batch", "10", "--state", "state", "--patience", "1s"];
    let test = Try::faulty(&input, &["POST /api/profile-bulk-import-jobs: #2-100 status 503"]);
    assert_eq!(test.sync(&words).code, 6);
    test.server.set_faults(klaviyo_mock::Faults::none());
    assert_eq!(test.sync(&words).code, 1);
    let mut rows = done(2..22);
    rows.push(row(22, "refused", "phone-number"));
    assert_eq!(test.outcomes(), rows);
}

#[test]
fn an_external_id_is_255_characters_at_most() {
    for (name, outcomes) in [
        ("external-id-300.csv", vec![row(2, "refused", "external-id")]),
        ("external-id-256.csv", vec![row(2, "refused", "external-id"), row(3, "done", "")]),
        ("external-id-255.csv", vec![row(2, "done", "")]),
    ] {
        let test = case(name);
        test.sync(&[]);
        assert_eq!(test.outcomes(), outcomes, "{name}");
    }
}

#[test]
fn the_exports_of_others_are_known_by_their_headings() {
    let unknown = ["--unknown-columns", "ignore", "--list", LIST];
    let test = case("woocommerce.csv");
    test.sync(&[unknown.as_slice(), &["--region", "IN"]].concat()).ok();
    let address = json!({
        "address1": "1 Road", "address2": "Flat 2", "city": "Pune", "region": "MH", "zip": "411001",
        "country": "IN",
    });
    let ana = json!({
        "email": "ana@example.com", "phone_number": "+919820000001", "first_name": "Ana", "last_name": "B",
        "organization": "Acme", "location": address,
    });
    assert_eq!(test.profile("ana@example.com"), ana);
    // The name that is on the bill is another person's, maybe.
    assert_eq!(
        test.profile("ben@example.com"),
        json!({ "email": "ben@example.com", "location": { "country": "IN" } })
    );

    let test = case("woocommerce-customers.csv");
    test.sync(&unknown).ok();
    let ana = test.profile("ana@example.com");
    assert_eq!((&ana["first_name"], &ana["last_name"]), (&json!("Ana"), &json!("Maria Cruz")));
    let address = json!({ "country": "IN", "city": "Pune", "region": "MH", "zip": "411001" });
    assert_eq!(ana["location"], address);

    let test = case("google-contacts.csv");
    assert_eq!(test.sync(&unknown).ok()["warned"], 1);
    let ana = test.profile("ana@example.com");
    assert_eq!((&ana["phone_number"], &ana["last_name"]), (&json!("+919820000001"), &json!("B")));
    let address = json!({
        "address1": "1 Road", "address2": "Flat 2", "city": "Pune", "region": "MH", "zip": "411001",
        "country": "IN",
    });
    assert_eq!((&ana["organization"], &ana["title"]), (&json!("Acme"), &json!("CEO")));
    assert_eq!(ana["location"], address);
    assert!(test.report()[0][3].contains("email") && test.report()[0][3].contains("phone-number"));

    let test = case("google-contacts-before-2024.csv");
    test.sync(&unknown).ok();
    let ana = test.profile("ana@example.com");
    assert_eq!((&ana["first_name"], &ana["last_name"]), (&json!("Ana"), &json!("B")));
    assert_eq!((&ana["organization"], &ana["title"]), (&json!("Acme"), &json!("Buyer")));
    assert_eq!(test.profile("cy@example.com")["last_name"], "Cruz");
}

#[test]
fn technical_columns_of_an_export_are_unknown_ones() {
    let test = case("mailchimp.csv");
    let told = stops(&test, &["--list", LIST], &["EMAIL_TYPE", "LEID", "REGION", "TAGS"]);
    assert!(!told.contains("First Name") && !told.contains("OPTIN_TIME"), "{told}");
    test.sync(&["--list", LIST, "--unknown-columns", "properties"]).ok();
    let ana = test.profile("ana@example.com");
    assert_eq!((&ana["first_name"], &ana["last_name"]), (&json!("Ana"), &json!("Öz, Jr.")));
    assert_eq!(
        (&ana["properties"]["EMAIL_TYPE"], &ana["properties"]["TAGS"]),
        (&json!("html"), &json!("\"vip\",\"a b\""))
    );
}

#[test]
fn a_spreadsheets_apostrophe_is_taken_off() {
    let test = case("shopify.csv");
    let words =
        ["--unknown-columns", "ignore", "--map", "Customer ID=external-id", "--map", "Note=property:Note"];
    test.sync(&words).ok();
    let ana = test.profile("ana.yes@example.com");
    assert_eq!(ana["external_id"], "1000000000001");
    assert_eq!(ana["location"]["zip"], "411001");
    assert_eq!(ana["properties"]["Note"], "line one\nline two");

    let test = case("shopify-before-2024.csv");
    test.sync(&["--unknown-columns", "ignore"]).ok();
    let ana = test.profile("ana.yes@example.com");
    assert_eq!(ana["phone_number"], "+919820000001");
    assert_eq!(
        (&ana["location"]["region"], &ana["location"]["country"]),
        (&json!("Maharashtra"), &json!("India"))
    );
}

#[test]
fn what_a_file_says_and_a_sync_has_no_use_for_is_told() {
    let test = case("klaviyo-export.csv");
    let run = test.sync(&["--list", LIST]);
    run.ok();
    for heading in ["Klaviyo ID", "Date Added", "Email Marketing Consent"] {
        assert!(run.err.contains(heading), "{heading}: {}", run.err);
    }
    let ana = test.profile("ana@example.com");
    assert_eq!((&ana["organization"], &ana["title"]), (&json!("Acme"), &json!("CEO")));
    let address = json!({
        "address1": "1 Road", "city": "Boston", "region": "MA", "country": "United States", "zip": "02134",
    });
    assert_eq!(ana["location"], address);
}

#[test]
fn one_address_is_taken_out_of_what_surrounds_it() {
    let server = server();
    for written in
        ["Zoë <zoe@example.com>", "mailto:zoe@example.com", "zoe@example.com;", "\u{200b}zoe@example.com,"]
    {
        run(&server, &["upsert", "--email", written, "--first-name", "Zoë", "--json"]).ok();
        let found = run(&server, &["lookup", "--email", written, "--json"]).ok();
        assert_eq!(found["email"], "zoe@example.com", "{written}");
        run(&server, &["opt-in", "--list", LIST, "--email", written, "--json"]).ok();
        let created = run(&server, &["create", "--email", written, "--json"]).ok();
        assert!(created["existing"].is_string(), "{created}");
    }
    assert_eq!(server.account().profiles().len(), 1);
    let found = run(&server, &["lookup", "--phone", "0011 61 412 345 678", "--region", "AU", "--json"]);
    assert_eq!(found.code, 3);
    run(&server, &["create", "--phone", "0011 61 412 345 678", "--region", "AU", "--json"]).ok();
    assert!(server.account().profile("phone_number", "+61412345678").is_some());
}

#[test]
fn a_dry_run_of_people_who_do_not_consent_is_what_is_sent() {
    let words =
        ["--list", LIST, "--consent-column", "email=Accepts Email Marketing", "--unknown-columns", "ignore"];
    let test = case("shopify.csv");
    let dry = Run::of(test.command(&["input.csv", "--dry-run"]).args(words));
    assert_eq!((dry.code, test.server.requests()), (0, 0), "{}", dry.err);
    let real = Run::of(test.command(&["input.csv", "--verbose"]).args(words));
    let posts = |text: &str| -> Vec<(String, Value)> {
        requests(text).into_iter().filter(|(line, _)| line.starts_with("POST")).collect()
    };
    assert_eq!(posts(&dry.out).len(), 3);
    assert_eq!(posts(&dry.out), posts(&real.err));
}
