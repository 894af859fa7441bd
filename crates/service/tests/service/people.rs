//! Opt-ins as people write them into forms: through doors with and without a queue, and through workers.

use crate::door::{SECRET, answer, ask, client, now, opened, post, post_at};
use crate::stage::{LIST, PATIENCE, Running, Stage, key_in_queue, key_of, opt_in, receipts, settings, until};
use klaviyo_mock::Channel;
use klaviyo_service::opt_in::OptIn;
use klaviyo_service::outcome::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use tokio::time::{Duration, Instant, sleep};

fn cases() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../host-test/cases/door")
}

/// A case of the folder: by what the profile is found then, what it has, and the fields that warnings are
/// about.
struct Case(&'static str, [&'static str; 2], Value, &'static [&'static str]);

fn people() -> Vec<Case> {
    let case = |name, by, attributes, warned| Case(name, by, attributes, warned);
    vec![
        case(
            "opt-in-trailing-space",
            ["email", "trail@example.com"],
            json!({ "email": "trail@example.com", "first_name": "Zed" }),
            &[],
        ),
        case(
            "opt-in-mailto",
            ["email", "mia@example.com"],
            json!({ "email": "mia@example.com", "first_name": "Mia", "last_name": null }),
            &[],
        ),
        case(
            "opt-in-no-break-space",
            ["external_id", "crm-7"],
            json!({ "email": "noa@example.com", "external_id": "crm-7", "last_name": "Ortiz" }),
            &[],
        ),
        case(
            "opt-in-bidi-phone",
            ["phone_number", "+919820000001"],
            json!({ "phone_number": "+919820000001" }),
            &[],
        ),
        case(
            "opt-in-full-width-phone",
            ["phone_number", "+919820000002"],
            json!({ "phone_number": "+919820000002" }),
            &[],
        ),
        case(
            "opt-in-tel-link",
            ["phone_number", "+442079460958"],
            json!({ "phone_number": "+442079460958" }),
            &[],
        ),
        case(
            "opt-in-bad-phone",
            ["email", "zed@example.com"],
            json!({ "email": "zed@example.com", "phone_number": null }),
            &["phone_number"],
        ),
        case(
            "opt-in-scientific-phone",
            ["email", "sci@example.com"],
            json!({ "email": "sci@example.com", "phone_number": null }),
            &["phone_number", "consent"],
        ),
        case(
            "opt-in-no-email",
            ["phone_number", "+919820000003"],
            json!({ "email": null, "phone_number": "+919820000003", "first_name": "Ada" }),
            &["email"],
        ),
        case("opt-in-digits", ["email", "n@example.com"], json!({}), &[]),
        case("opt-in-digits-money", ["email", "money@example.com"], json!({}), &[]),
        case("opt-in-digits-nested", ["email", "nested@example.com"], json!({}), &[]),
    ]
}

fn body(name: &str) -> Vec<u8> {
    fs::read(cases().join(format!("{name}.json"))).unwrap()
}

/// A stage with the account of the cases.
async fn default_stage() -> Stage {
    let stage = opened(&["default"]).await;
    fs::write(stage.keys.path().join("default.signing-secret"), SECRET).unwrap();
    stage
}

/// The fields of the warnings in an answer. An answer has one kind of names.
fn warned(told: &Value) -> Vec<&str> {
    let text = told.to_string();
    for name in ["phone-number", "external-id", "first-name", "last-name"] {
        assert!(!text.contains(name), "{text}");
    }
    let warnings = told["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    warnings.iter().map(|warning| warning.as_str().unwrap().split(':').next().unwrap()).collect()
}

/// The outcome of an opt-in, by its id.
async fn outcome(door: &Running, id: &str) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let (status, told) = ask(door, id).await;
        assert_eq!(status, 200, "{told}");
        if told["state"] != "waiting" {
            return told;
        }
        assert!(Instant::now() < end, "{id} still waits");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Checks that the people of the cases are on the list with the right fields.
async fn all_are_right(stage: &Stage) {
    let consents = || {
        let account = stage.klaviyo.account_of(&key_of("default")).unwrap();
        account.profile("email", "sci@example.com").unwrap().consent(Channel::Email).is_given()
    };
    until("who consents has it", consents).await;
    let account = stage.klaviyo.account_of(&key_of("default")).unwrap();
    let members = account.members(LIST);
    for Case(name, [by, value], expected, _) in people() {
        let profile = account.profile(by, value).unwrap_or_else(|| panic!("{name}: there is no {value}"));
        for (field, expected) in expected.as_object().unwrap() {
            let own = profile.attributes.get(field).unwrap_or(&Value::Null);
            assert_eq!(own, expected, "{name}: {field}");
        }
        assert!(members.contains(&profile.id), "{name}");
        let consents = name == "opt-in-scientific-phone";
        assert_eq!(profile.consent(Channel::Email).is_given(), consents, "{name}");
    }
    assert_eq!(members.len(), people().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_taken_as_they_write_directly() {
    let stage = default_stage().await;
    let door = stage.direct_door(settings()).await;
    for Case(name, [by, value], _, expected) in people() {
        let (status, told) = answer(post_at(&door, SECRET, name, now(), body(name)).await).await;
        assert_eq!((status, warned(&told)), (200, expected.to_vec()), "{name}: {told}");
        // The address is the one that Klaviyo has.
        if by != "external_id" {
            let reply = told["reply"].as_str().unwrap();
            assert!(reply.ends_with(&format!(" {value}.")), "{reply}");
        }
    }
    all_are_right(&stage).await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_taken_as_they_write_by_way_of_the_queue() {
    let stage = default_stage().await;
    let door = stage.queue_door(settings()).await;
    let mut ids = Vec::new();
    for Case(name, _, _, expected) in people() {
        let (status, told) = answer(post_at(&door, SECRET, name, now(), body(name)).await).await;
        assert_eq!((status, warned(&told)), (202, expected.to_vec()), "{name}: {told}");
        ids.push(told["id"].as_str().unwrap().to_owned());
    }
    let worker = stage.worker().await;
    for (Case(name, _, _, expected), id) in people().into_iter().zip(ids) {
        let told = outcome(&door, &id).await;
        assert_eq!((&told["state"], warned(&told)), (&json!("done"), expected.to_vec()), "{name}: {told}");
    }
    all_are_right(&stage).await;
    worker.stop().await;
    door.stop().await;
}

#[test]
fn every_case_of_an_opt_in_is_tried() {
    let there: BTreeSet<String> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let tried: BTreeSet<String> = people().into_iter().map(|Case(name, ..)| name.to_owned()).collect();
    assert_eq!(there, tried);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_done_is_refused_now() {
    let stage = opened(&["shop-1"]).await;
    let doors = [stage.direct_door(settings()).await, stage.queue_door(settings()).await];
    let long = "7".repeat(256);
    for door in &doors {
        for (n, (fields, field)) in [
            (json!({ "email": "nobody" }), "email"),
            (json!({ "email": "nobody@localhost" }), "email"),
            (json!({ "email": "dee@exam\u{200b}ple.com" }), "email"),
            (json!({ "email": "two@example.com, three@example.com" }), "email"),
            (json!({ "email": "N/A", "phone_number": "-" }), "email"),
            (json!({ "phone_number": "98200 00001" }), "phone_number"),
            (json!({ "email": "none", "phone_number": "9.19820000001E+11" }), "phone_number"),
            (json!({ "external_id": long }), "external_id"),
            (json!({ "email": "a@example.com", "external_id": long }), "external_id"),
            (json!({ "email": "a@example.com", "properties": [] }), "properties"),
            (json!({ "email": "a@example.com", "consent": ["whatsapp"] }), "consent"),
            (json!({ "email": "a@example.com", "phone_number": "1", "strict": true }), "phone_number"),
            (json!({ "email": "a@b@c", "phone_number": "+919820000001", "strict": true }), "email"),
            (
                json!({ "email": "a@example.com", "phone_number": "N/A", "consent": ["sms"], "strict": true }),
                "consent",
            ),
            (json!({ "email": "a@example.com", "warnings": ["phone_number: it was left out"] }), "warnings"),
        ]
        .into_iter()
        .enumerate()
        {
            let good = json!({ "account": "shop-1", "list": LIST, "email": "good@example.com" });
            let mut bad = json!({ "account": "shop-1", "list": LIST });
            bad.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let (status, told) = post(door, &format!("msg_{n}"), &json!([good, bad])).await;
            let unfit = &told["error"]["opt_ins"];
            assert_eq!((status, unfit.as_array().unwrap().len()), (422, 1), "{fields}: {told}");
            assert_eq!((&unfit[0]["index"], &unfit[0]["field"]), (&json!(1), &json!(field)), "{told}");
            assert_eq!(warned(&told), [""; 0]);
        }
    }
    assert_eq!(stage.klaviyo.requests(), 0);
    assert!(stage.queue.waiting().await.unwrap().is_empty());
    for door in doors {
        door.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_has_lost_its_address_is_told() {
    let stage = opened(&["shop-1"]).await;
    let doors = [stage.direct_door(settings()).await, stage.queue_door(settings()).await];
    let worker = stage.worker().await;
    for (n, door) in doors.iter().enumerate() {
        let email = format!("c{n}@example.com");
        for (m, number) in ["12345", "N/A", ""].into_iter().enumerate() {
            let asked = json!({ "account": "shop-1", "list": LIST, "email": email, "phone_number": number,
                                "consent": ["whatsapp", "email"], "consent_source": "a form" });
            let (status, told) = post(door, &format!("msg_{m}"), &asked).await;
            let expected = if number.is_empty() { vec!["consent"] } else { vec!["phone_number", "consent"] };
            assert_eq!((status, warned(&told)), ([200, 202][n], expected.clone()), "{told}");
            if told["state"] == "waiting" {
                let told = outcome(door, told["id"].as_str().unwrap()).await;
                assert_eq!((&told["state"], warned(&told)), (&json!("done"), expected), "{told}");
            }
        }
        let account = || stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
        let has = |channel| account().profile("email", &email).unwrap().consent(channel).is_given();
        until("the email has its consent", || has(Channel::Email)).await;
        assert!(!has(Channel::WhatsApp));
    }
    worker.stop().await;
    for door in doors {
        door.stop().await;
    }
}

/// One by one, looked up, created, found, imported bare and imported when absent.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_out_is_told_however_an_opt_in_travels() {
    let stage = opened(&["shop-1"]).await;
    let named = json!({ "first_name": "Ada" });
    let account = || stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    let imports = || account().requests_of("bulk_import_profiles");
    for (from, count, more, is_imported) in [
        (0, 1, &named, false),
        (100, 5, &named, false),
        (100, 20, &named, true),
        (1_000, 750, &json!({}), true),
    ] {
        let unfit = |n: usize| {
            let id = format!("{n} of {count}");
            let mut fields = json!({ "id": id, "phone_number": "N/A", "consent": ["email", "sms"] });
            fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            opt_in("shop-1", from + n, fields)
        };
        let (opt_ins, before): (Vec<OptIn>, u64) = ((0..count).map(unfit).collect(), imports());
        let keys = stage.put(&opt_ins).await;
        let worker = stage.worker().await;
        for receipt in receipts(stage.outcomes(&keys).await) {
            let told = json!({ "warnings": receipt.warnings });
            assert_eq!(warned(&told), ["phone_number", "consent"], "{count}: {told}");
        }
        assert_eq!(imports() > before, is_imported, "{count}");
        worker.stop().await;
    }
    let has_consent = |n: usize| {
        let email = format!("p{n:05}@example.com");
        account().profile("email", &email).unwrap().consent(Channel::Email).is_given()
    };
    until("all have their consent", || [0, 100, 119, 1_000, 1_749].into_iter().all(has_consent)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_one_kind_of_names() {
    let stage = opened(&["shop-1"]).await;
    let doors = [stage.direct_door(settings()).await, stage.queue_door(settings()).await];
    let worker = stage.worker().await;
    let ada = json!({ "account": "shop-1", "list": LIST, "email": "ada@example.com", "first_name": "Ada" });
    let mut other = ada.clone();
    other.as_object_mut().unwrap().extend(
        json!({ "phone_number": "+919820000001", "external_id": "7", "first_name": "Bo", "last_name": "Zed" })
            .as_object()
            .unwrap()
            .clone(),
    );
    assert_eq!(post(&doors[0], "msg_1", &ada).await.0, 200);
    for door in &doors {
        // One opt-in comes alone, three come together.
        for (id, asked) in [("msg_2", json!([other])), ("msg_3", json!([other, other, other]))] {
            let (status, told) = post(door, id, &asked).await;
            assert!((200..300).contains(&status), "{told}");
            for told in told.as_array().unwrap() {
                let told = match told["state"].as_str() {
                    Some("waiting") => outcome(door, told["id"].as_str().unwrap()).await,
                    _ => told.clone(),
                };
                assert_eq!(warned(&told), ["first_name, last_name, phone_number, external_id"], "{told}");
            }
        }
    }
    worker.stop().await;
    for door in doors {
        door.stop().await;
    }
}

/// An older door has cleaned nothing: such messages, and letters that are put back, come out as they should
/// today.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_door_has_written_comes_out_right() {
    let stage = opened(&["shop-1"]).await;
    let older = |n: usize, more: Value| opt_in("shop-1", n, more);
    let waiting = [
        older(1, json!({ "email": "trail@example.com ", "first_name": " Zed " })),
        older(
            2,
            json!({ "email": "Two <two@example.com>", "phone_number": "N/A", "consent": ["email", "whatsapp"] }),
        ),
        older(3, json!({ "email": null, "phone_number": "\u{202a}+91 98200 00001\u{202c}" })),
        older(4, json!({ "email": "nobody" })),
    ];
    let keys = stage.put(&waiting).await;
    let worker = stage.worker().await;
    let mut outcomes = stage.outcomes(&keys).await;
    let refused = outcomes.pop().unwrap();
    assert!(matches!(&refused, Outcome::Dead(reason) if reason.code == "invalid-input"), "{refused:?}");
    assert_eq!(stage.letter(&keys[3].0).await.body.attempts, 1);
    let receipts = receipts(outcomes);
    assert_eq!(receipts.iter().map(|receipt| receipt.warnings.len()).collect::<Vec<_>>(), [0, 2, 0]);

    // A dead letter of an older version has the message as it came.
    let raw = older(5, json!({ "email": "put@example.com\u{a0}", "phone_number": "none" }));
    let key = key_in_queue(&raw);
    let letter = json!({ "opt_in": serde_json::from_slice::<Value>(&raw.to_json()).unwrap(), "attempts": 1,
        "error": { "code": "not-found", "message": "there was no list" }, "since": "2026-01-01T00:00:00Z",
        "sequences": [9] });
    let context = async_nats::jetstream::new(async_nats::connect(stage.nats.url()).await.unwrap());
    let subject = format!("klaviyo.dead.{key}");
    context.publish(subject, letter.to_string().into()).await.unwrap().await.unwrap();
    assert!(stage.queue.retry(&stage.letter(&key).await).await.unwrap());
    let receipt = crate::stage::receipts(stage.outcomes(&[(key, 9)]).await).remove(0);
    assert_eq!(receipt.warnings.len(), 1);

    worker.stop().await;
    let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    for (by, value) in [
        ("email", "trail@example.com"),
        ("email", "two@example.com"),
        ("phone_number", "+919820000001"),
        ("email", "put@example.com"),
    ] {
        assert!(account.profile(by, value).is_some(), "{value}");
    }
    assert_eq!(account.members(LIST).len(), 4);
}

/// The text of the properties that the simulator has of each of the cases about numbers.
async fn digits_are_kept(stage: &Stage) {
    for (name, digits) in [
        (
            "n@example.com",
            ["36893488147419103232", "4634343214213523454", "1.10", "12345678.123456789012"].as_slice(),
        ),
        ("money@example.com", &["19.90", "9007199254740993", "-0.10"]),
        ("nested@example.com", &["123456789012345678901234567890", "0.30", "100.00", "1.50E-12"]),
    ] {
        let answer = client()
            .get(format!("{}/api/profiles/?filter=equals(email,%22{name}%22)", stage.klaviyo.url()))
            .header("authorization", format!("Klaviyo-API-Key {}", key_of("default")))
            .header("revision", "2025-01-15")
            .send();
        let text = answer.await.unwrap().text().await.unwrap();
        for number in digits {
            assert!(text.contains(number), "{number} in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_keep_their_digits_through_door_queue_and_worker() {
    let names = ["opt-in-digits", "opt-in-digits-money", "opt-in-digits-nested"];
    for has_queue in [false, true] {
        let stage = default_stage().await;
        let door =
            if has_queue { stage.queue_door(settings()).await } else { stage.direct_door(settings()).await };
        let worker = stage.worker().await;
        for name in names {
            let (status, told) = answer(post_at(&door, SECRET, name, now(), body(name)).await).await;
            assert_eq!(status, if has_queue { 202 } else { 200 }, "{told}");
            if has_queue {
                assert_eq!(outcome(&door, told["id"].as_str().unwrap()).await["state"], "done");
            }
        }
        digits_are_kept(&stage).await;
        worker.stop().await;
        door.stop().await;
    }
}
