//! `klaviyo-connector sync` and the files of `host-test/cases/files`: what they are is told by their bytes.

use crate::run::{LIST, Run};
use crate::sync::{Try, done, row};
use klaviyo_mock::Channel;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

fn case(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host-test/cases/files");
    std::fs::read(folder.join(name)).unwrap()
}

/// A folder with a case, and the simulator.
fn with(name: &str) -> Try {
    let test = Try::new("");
    std::fs::write(test.path(name), case(name)).unwrap();
    test
}

fn sync(test: &Try, name: &str, words: &[&str]) -> Run {
    let fixed = [name, "--json", "--report", "report.csv", "--list", LIST];
    Run::of(test.command(&fixed).args(words))
}

/// What a sync has done and refused.
fn counts(run: &Run) -> (u64, u64) {
    let ok = &run.json()["ok"];
    assert_eq!(ok["rows"].as_u64().unwrap(), ok["done"].as_u64().unwrap() + ok["refused"].as_u64().unwrap());
    (ok["done"].as_u64().unwrap(), ok["refused"].as_u64().unwrap())
}

fn form(format: &str, separator: impl Into<Option<&'static str>>, encoding: &str) -> Value {
    json!({ "format": format, "separator": separator.into(), "encoding": encoding })
}

/// Syncs a case that is read whole, and returns the attributes of those who are there then.
fn read(name: &str, words: &[&str], expected: Value) -> Vec<Value> {
    let test = with(name);
    let run = sync(&test, name, words);
    let ok = run.ok();
    assert_eq!(ok["input"], expected, "{name}");
    assert_eq!(ok["refused"], 0, "{name}");
    test.emails().iter().map(|email| test.profile(email)).collect()
}

#[test]
fn separators_are_found_in_the_header_and_told() {
    let ana = json!({ "email": "ana@example.com", "first_name": "Ana", "phone_number": "+14155550100" });
    let ben = json!({ "email": "ben@example.com", "first_name": "Ben", "phone_number": "+14155550101" });
    assert_eq!(read("semicolon.csv", &[], form("csv", ";", "utf-8")), [ana.clone(), ben]);
    let people = read("tabs.txt", &[], form("csv", "\t", "utf-8"));
    assert_eq!(people[0]["first_name"], "Ana, Maria");
    let people = read("bars.csv", &[], form("csv", "|", "utf-8"));
    assert_eq!((&people[0]["last_name"], &people[1]["last_name"]), (&json!("A;B"), &json!("B|C")));

    let test = with("semicolon.csv");
    let found = sync(&test, "semicolon.csv", &[]);
    assert!(found.err.contains("semicolon"), "{}", found.err);
    let said = sync(&test, "semicolon.csv", &["--separator", ";"]);
    assert_eq!((said.ok()["done"].as_u64(), said.err.as_str()), (Some(2), ""));
    // What is said is not found out.
    assert_eq!(sync(&test, "semicolon.csv", &["--separator", ","]).err(2)["code"], "invalid-input");
    let planned = sync(&test, "semicolon.csv", &[]);
    assert_eq!(planned.ok()["input"]["separator"], ";");
    let dry = Run::of(&mut test.command(&["semicolon.csv", "--json", "--dry-run"]));
    assert_eq!((&dry.ok()["good"], &dry.ok()["input"]["separator"]), (&json!(2), &json!(";")));
    assert!(dry.err.contains("semicolon"), "{}", dry.err);
    for tab in ["\t", "\\t", "tab"] {
        let test = with("tabs.txt");
        assert_eq!(sync(&test, "tabs.txt", &["--separator", tab]).ok()["done"], 2);
    }
    let plain = Try::new("email,first name\nana@example.com,Ana;B\n");
    assert_eq!(plain.sync(&[]).err, "");
}

#[test]
fn a_first_line_may_say_the_separator() {
    for (name, separator, first_name) in
        [("sep-line.csv", ";", "Ana"), ("sep-tab.csv", "\t", "Ana"), ("sep-quoted.csv", ",", "Ana; A")]
    {
        let test = with(name);
        assert_eq!(sync(&test, name, &[]).ok()["input"], form("csv", separator, "utf-8"), "{name}");
        assert_eq!(test.outcomes(), done([3]), "{name}");
        assert_eq!(test.profile("ana@example.com")["first_name"], first_name, "{name}");
    }
    let test = Try::new("sep=;\nemail,first name\nana@example.com,Ana\n");
    assert_eq!(test.sync(&["--separator", ","]).ok()["done"], 1);
    assert_eq!(test.profile("ana@example.com")["first_name"], "Ana");
}

#[test]
fn utf_16_is_read_with_and_without_its_mark() {
    let ana = [json!({ "email": "ana@example.com", "first_name": "Имя" })];
    assert_eq!(read("utf16le-nobom.csv", &[], form("csv", ",", "utf-16le")), ana);
    assert_eq!(read("utf16be-nobom.csv", &[], form("csv", ",", "utf-16be")), ana);
    assert_eq!(read("array-utf16le.json", &[], form("jsonl", None, "utf-16le")), ana);
    let ana = json!({ "email": "ana@example.com", "first_name": "Özil" });
    assert_eq!(read("utf16le-tabs.txt", &[], form("csv", "\t", "utf-16le")), [ana]);
    let ana = json!({ "email": "ana@example.com", "first_name": "Аня" });
    let map = ["--map", "Почта=email", "--map", "Имя=first-name"];
    assert_eq!(read("utf16le-cyrillic.csv", &map, form("csv", ";", "utf-16le")), [ana]);
    // The mark goes before what is said.
    let test = Try::new([b"\xff\xfe".as_slice(), &case("utf16le-nobom.csv")].concat());
    assert_eq!(test.sync(&["--encoding", "windows-1252"]).ok()["input"]["encoding"], "utf-16le");
}

#[test]
fn what_has_no_meaning_is_refused_and_nothing_else() {
    let test = with("utf16le-cut.csv");
    assert_eq!(counts(&sync(&test, "utf16le-cut.csv", &[])), (1, 1));
    assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "refused", "")]);
    let test = with("utf16le-lone.csv");
    assert_eq!(counts(&sync(&test, "utf16le-lone.csv", &[])), (2, 1));
    assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "refused", ""), row(4, "done", "")]);
    assert_eq!(test.emails(), ["ana@example.com", "cy@example.com"]);
}

#[test]
fn an_encoding_is_said() {
    let test = with("windows-1252.csv");
    assert_eq!(counts(&sync(&test, "windows-1252.csv", &[])), (1, 1));
    assert!(test.report()[0][3].contains("--encoding"), "{:?}", test.report());
    // No advice is what was done already.
    assert_eq!(counts(&sync(&test, "windows-1252.csv", &["--encoding", "utf-8"])), (1, 1));
    assert!(!test.report()[0][3].contains("--encoding"), "{:?}", test.report());
    let run = sync(&test, "windows-1252.csv", &["--encoding", "Windows-1252"]);
    assert_eq!((run.ok()["input"].clone(), run.err.as_str()), (form("csv", ",", "windows-1252"), ""));
    assert_eq!(test.profile("ana@example.com")["first_name"], "Zoë");

    // Nor is it what would change nothing: a mark goes before what is said.
    let test = Try::new([b"\xef\xbb\xbf".as_slice(), &case("windows-1252.csv")].concat());
    assert_eq!(counts(&test.sync(&[])), (1, 1));
    assert!(!test.report()[0][3].contains("--encoding"), "{:?}", test.report());

    let test = with("shift-jis.csv");
    let told = sync(&test, "shift-jis.csv", &[]).err(2);
    assert!(told["message"].as_str().unwrap().contains("--encoding"), "{told}");
    let told = sync(&test, "shift-jis.csv", &["--encoding", "utf-8"]).err(2);
    assert!(!told["message"].as_str().unwrap().contains("--encoding"), "{told}");
    let words = ["--encoding", "shift_jis", "--map", "メール=email", "--map", "名前=first-name"];
    assert_eq!(sync(&test, "shift-jis.csv", &words).ok()["done"], 1);
    assert_eq!(test.profile("ana@example.com")["first_name"], "花子");
    assert_eq!(sync(&test, "shift-jis.csv", &["--encoding", "martian"]).err(2)["code"], "invalid-input");
}

#[test]
fn rows_without_a_value_are_none() {
    for (name, words, lines) in [
        ("trailing-commas.csv", &[][..], vec![2, 3]),
        ("trailing-semicolons.csv", &["--unknown-columns", "ignore"], vec![2]),
        ("blank-quoted.csv", &[], vec![3]),
    ] {
        let test = with(name);
        let ok = sync(&test, name, words).ok();
        assert_eq!(
            (ok["rows"].as_u64().unwrap() as usize, &ok["refused"]),
            (lines.len(), &json!(0)),
            "{name}"
        );
        assert_eq!(test.outcomes(), done(lines), "{name}");
    }
    let lines = "{}\n{\"email\": \"ana@example.com\"}\n{\"email\": \" \", \"name\": null, \"properties\": {}}\n{\"email\": false}\n";
    let test = Try::new(lines);
    assert_eq!(test.sync(&["--format", "jsonl"]).code, 1);
    assert_eq!(test.outcomes(), [row(2, "done", ""), row(4, "refused", "email")]);
    // Many of them, and nothing else.
    for (rows, lines) in [(3, vec![]), (45_000, vec![45_002])] {
        let last = if lines.is_empty() { "" } else { "ana@example.com,Ana\n" };
        let test = Try::new(format!("email,first name\n{}{last}", ",\n".repeat(rows)));
        let ok = test.sync(&["--state", "state"]).ok();
        assert_eq!(ok["rows"].as_u64().unwrap() as usize, lines.len());
        assert_eq!(test.outcomes(), done(lines));
        assert_eq!(test.sync(&["--state", "state"]).ok()["was-complete"], true);
    }
    // One by one, and where nothing is sent.
    let test = with("trailing-commas.csv");
    assert_eq!(sync(&test, "trailing-commas.csv", &["--one-by-one"]).ok()["rows"], 2);
    assert_eq!(test.outcomes(), done([2, 3]));
    for words in [&["--list", LIST][..], &["--list", LIST, "--one-by-one"]] {
        let dry = Run::of(test.command(&["trailing-commas.csv", "--json", "--dry-run"]).args(words));
        assert_eq!((&dry.ok()["rows"], &dry.ok()["good"]), (&json!(2), &json!(2)), "{words:?}");
    }
}

#[test]
fn what_is_missing_at_the_end_is_empty_and_a_value_too_many_is_refused() {
    let test = with("short-rows.csv");
    assert_eq!(sync(&test, "short-rows.csv", &["--map", "note=property:note"]).ok()["done"], 4);
    assert_eq!(test.outcomes(), done(2..=5));
    assert_eq!(test.profile("geo@example.com"), json!({ "email": "geo@example.com", "first_name": "geo" }));
    assert_eq!(test.profile("lee@example.com")["properties"], json!({ "note": "x" }));
    let people = read("short-rows-semicolon.csv", &[], form("csv", ";", "utf-8"));
    assert_eq!(people[0], json!({ "email": "ana@example.com" }));
    assert_eq!(people[2], json!({ "email": "cy@example.com", "first_name": "Cy" }));
    let test = with("long-rows.csv");
    assert_eq!(counts(&sync(&test, "long-rows.csv", &[])), (1, 2));
    assert_eq!(test.outcomes(), [row(2, "refused", ""), row(3, "done", ""), row(4, "refused", "")]);
    // A mark that swallowed the end of a row is no row that is short.
    let test =
        Try::new("email,first name,plan\nana@example.com,\"Ana\nben@example.com,Ben\"\ncy@example.com\n");
    assert_eq!(test.sync(&["--unknown-columns", "ignore"]).code, 1);
    assert_eq!(test.outcomes(), [row(2, "refused", ""), row(4, "done", "")]);
}

#[test]
fn ctrl_z_at_the_end_is_nothing() {
    for name in ["eof-char.csv", "eof-char-quoted.csv", "eof-char-padded.csv"] {
        let people = read(name, &[], form("csv", ",", "utf-8"));
        assert_eq!(people, [json!({ "email": "ana@example.com", "first_name": "Ana" })], "{name}");
    }
    let test = with("eof-char-inside.csv");
    assert_eq!(counts(&sync(&test, "eof-char-inside.csv", &["--unknown-columns", "ignore"])), (1, 1));
    assert_eq!(test.outcomes(), [row(2, "refused", "email"), row(3, "done", "")]);
    let test = Try::new("\u{1a}");
    assert_eq!(test.sync(&[]).ok()["rows"], 0);
}

#[test]
fn arrays_of_objects_are_rows() {
    for (name, lines) in [
        ("array.json", [2, 6]),
        ("array-lines.json", [2, 3]),
        ("array-one-line.json", [1, 1]),
        ("array-mark.json", [2, 6]),
    ] {
        let test = with(name);
        assert_eq!(sync(&test, name, &[]).ok()["input"], form("jsonl", None, "utf-8"), "{name}");
        assert_eq!(test.outcomes(), done(lines), "{name}");
        assert_eq!(test.emails(), ["ana@example.com", "ben@example.com"], "{name}");
    }
    let test = with("array-mark.json");
    sync(&test, "array-mark.json", &[]).ok();
    assert_eq!(test.profile("ana@example.com")["properties"], json!({ "tags": ["x", "]"] }));
}

#[test]
fn an_array_that_is_cut_off_or_followed_by_something_is_told() {
    for (name, outcomes) in [
        ("array-cut.json", vec![row(2, "done", ""), row(3, "done", ""), row(4, "refused", "")]),
        ("array-cut-between.json", vec![row(2, "done", ""), row(3, "refused", "")]),
        ("array-followed.json", vec![row(1, "done", ""), row(2, "refused", "")]),
    ] {
        let test = with(name);
        assert_eq!(sync(&test, name, &[]).code, 1, "{name}");
        assert_eq!(test.outcomes(), outcomes, "{name}");
    }
    let test = Try::new(
        r#"[{"email": "ana@example.com"}, ["ben@example.com"], 17, {"email": }, {"email": "cy@example.com"}]"#,
    );
    assert_eq!(counts(&test.sync(&["--format", "jsonl"])), (2, 3));
    // Brackets without end, in more than a row may have, and in one that others are beside.
    let test = Try::new("[".repeat(3 << 20));
    assert_eq!(counts(&test.sync(&["--format", "jsonl"])), (0, 1));
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let test =
        Try::new(format!("[{{\"email\":{open}{close}}},{open}{close},{{\"email\":\"ana@example.com\"}}]"));
    assert_eq!(counts(&test.sync(&["--format", "jsonl"])), (1, 2));
}

#[test]
fn json_is_known_by_its_first_byte_where_nothing_else_says_it() {
    let test = with("lines.txt");
    let run = sync(&test, "lines.txt", &[]);
    assert_eq!(run.ok()["input"], form("jsonl", None, "utf-8"));
    assert!(run.err.contains("JSON"), "{}", run.err);
    let mut command = test.command(&["-", "--json", "--report", "report.csv"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&case("array.json")).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(test.outcomes(), done([2, 6]));
    // What the name says, or who runs it, is taken at its word, and what does not fit is told.
    let advice = |name: &str, text: &str, words: &[&str]| {
        std::fs::write(test.path(name), text).unwrap();
        sync(&test, name, words).err(2)["message"].as_str().unwrap().to_owned()
    };
    assert!(advice("a.csv", "{\"email\": \"a@example.com\"}\n", &[]).contains("--format jsonl"));
    assert!(!advice("a.csv", "{\"email\": \"a@example.com\"}\n", &["--format", "csv"]).contains("--format"));
    // A column may have such a name.
    std::fs::write(test.path("a.csv"), "[id],email\n7,ana@example.com\n").unwrap();
    assert_eq!(sync(&test, "a.csv", &["--map", "[id]=external-id"]).ok()["done"], 1);
    assert!(advice("a.json", "email,name\na@example.com,A\n", &[]).contains("--format csv"));
    assert!(!advice("a.txt", "email,name\na@example.com,A\n", &["--format", "jsonl"]).contains("--format"));
    assert!(advice("a.json", "{}", &["--separator", ";"]).contains("--separator"));
    assert!(advice("a.json", "{\n  \"email\": \"a@example.com\"\n}\n", &[]).contains("several lines"));
}

#[test]
fn a_file_of_another_kind_is_told_before_anything_is_sent() {
    let test = Try::new("");
    for (name, bytes, word) in [
        ("spreadsheet.csv", case("spreadsheet.csv"), "spreadsheet"),
        ("page.csv", case("page.csv"), "HTML"),
        ("contacts.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0".to_vec(), "spreadsheet"),
        ("contacts.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03KM".to_vec(), "compressed"),
        ("contacts.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj".to_vec(), "PDF"),
        (
            "contacts.vcf",
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nEMAIL:ana@example.com\r\nEND:VCARD\r\n".to_vec(),
            "vCard",
        ),
        ("contacts.json", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01".to_vec(), "no text"),
    ] {
        std::fs::write(test.path(name), bytes).unwrap();
        for words in
            [&[][..], &["--format", "csv", "--separator", ";", "--encoding", "utf-8", "--map", "a=email"]]
        {
            let told = sync(&test, name, words).err(2);
            assert_eq!(told["code"], "invalid-input", "{name}");
            let message = told["message"].as_str().unwrap();
            assert!(message.contains(word) && !message.contains("--"), "{message}");
        }
    }
    assert_eq!(test.server.requests(), 0);
}

#[test]
fn a_state_of_before_goes_on() {
    // As the version before wrote it, which told every row without a value.
    let begun = |options: Value| {
        let begun = json!({ "version": 1, "options": options, "list": LIST, "at": "2026-11-01T00:00:00Z" });
        format!("{}\n", json!({ "begun": begun }))
    };
    let finished = |end: u64, text: &str, done: u64, refused: u64, report: &str| {
        let finished = json!({
            "batch": 0, "end": end, "bytes": text.len(), "sha256": sha256(text), "report": report.len(),
            "done": done, "refused": refused, "failed": 0,
        });
        format!("{}\n", json!({ "finished": finished }))
    };
    let report = "line,outcome,field,reason\n2,done,,\n3,refused,email,none is given\n";
    let (before, after) = ("email;first name\nana@example.com;Ana\n;\n", ";\nben@example.com;Ben\n;\n");
    for (separator, options) in [
        (";", json!({ "--list": LIST, "--format": "csv", "--separator": ";", "--report": "REPORT" })),
        (",", json!({ "--list": LIST, "--format": "csv", "--report": "REPORT" })),
    ] {
        let (before, after) = (before.replace(';', separator), after.replace(';', separator));
        let test = Try::new(format!("{before}{after}"));
        std::fs::write(test.path("report.csv"), report).unwrap();
        let mut options = options;
        options["--report"] = json!(test.path("report.csv").canonicalize().unwrap());
        options["--endpoint"] = json!(test.server.url());
        let state = begun(options) + &finished(2, &before, 1, 1, report);
        std::fs::write(test.path("state"), state).unwrap();
        let words: &[&str] = if separator == ";" { &["--separator", ";"] } else { &[] };
        let run = test.sync(&[&["--list", LIST, "--state", "state"], words].concat());
        assert_eq!(counts(&run), (2, 1), "{}", run.err);
        assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "refused", "email"), row(5, "done", "")]);
        assert_eq!(test.emails(), ["ben@example.com"]);
        assert_eq!(counts(&test.sync(&["--list", LIST, "--state", "state"])), (2, 1));
    }
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_state_means_one_form_of_an_input() {
    let test = with("semicolon.csv");
    sync(&test, "semicolon.csv", &["--state", "state"]).ok();
    // Said or found, it is the same.
    assert_eq!(
        sync(&test, "semicolon.csv", &["--state", "state", "--separator", ";"]).ok()["was-complete"],
        true
    );
    assert_eq!(sync(&test, "semicolon.csv", &["--state", "state"]).ok()["was-complete"], true);
    let other = sync(&test, "semicolon.csv", &["--state", "state", "--encoding", "windows-1252"]).err(2);
    assert!(other["message"].as_str().unwrap().contains("--encoding"), "{other}");
}

#[test]
fn times_of_consent_are_read_as_it_is_said() {
    const WORDS: [&str; 3] = ["--consent", "email", "--historical"];
    let test = with("consent-dates.csv");
    let consents = |words: &[&str]| {
        let run = sync(&test, "consent-dates.csv", &[&WORDS, words].concat());
        let outcomes: Vec<String> =
            test.outcomes().into_iter().map(|row| row.1.chars().take(1).collect()).collect();
        (run.code, outcomes.concat())
    };
    assert_eq!(consents(&[]), (1, "rrrrrddd".to_owned()));
    let advice: Vec<String> = test.report().into_iter().map(|row| row[3].clone()).collect();
    for (line, option) in
        [(0, "--time-zone"), (1, "--date-format"), (2, "--time-zone"), (4, "--date-format unix")]
    {
        assert!(advice[line].contains(option), "{}", advice[line]);
    }
    assert_eq!(consents(&["--date-format", "unix"]), (1, "rrrrdddd".to_owned()));
    let words = ["--time-zone", "Europe/Berlin", "--date-format", "%d/%m/%Y"];
    assert_eq!(consents(&words), (1, "ddddrddd".to_owned()));
    test.wait_for("consent", |server| server.account().profiles().len() == 8);
    let account = test.server.account();
    for (email, since) in [
        ("ana@example.com", "2018-02-12T16:59:31"),
        ("ben@example.com", "2018-02-11T23:00:00"),
        ("cy@example.com", "2018-02-11T23:00:00"),
        ("dee@example.com", "2018-02-12T16:59:31"),
        ("eve@example.com", "2018-02-12T17:59:31"),
        ("fay@example.com", "2018-02-12T17:59:31"),
        ("gil@example.com", "2018-02-12T17:59:31"),
        ("hal@example.com", "2018-02-12T17:59:31"),
    ] {
        let consent = account.profile("email", email).unwrap().consent(Channel::Email);
        assert!(consent.is_given() && consent.since.unwrap().starts_with(since), "{email}");
    }
}

#[test]
fn options_for_times_are_for_times() {
    let test = with("consent-dates.csv");
    let refused = |words: &[&str]| {
        let told = sync(&test, "consent-dates.csv", words).err(2);
        assert_eq!(told["code"], "invalid-input", "{words:?}");
    };
    refused(&["--time-zone", "UTC"]);
    refused(&["--consent", "email", "--date-format", "unix"]);
    refused(&["--consent", "email", "--historical", "--time-zone", "Mars/Olympus"]);
    refused(&["--consent", "email", "--historical", "--date-format", "DD/MM/YYYY"]);
    assert_eq!(test.server.requests(), 0);
    // What a state was begun with is what it goes on with.
    let words = ["--consent", "email", "--historical", "--state", "state", "--time-zone"];
    assert_eq!(sync(&test, "consent-dates.csv", &[&words[..], &["UTC"]].concat()).code, 1);
    let other = sync(&test, "consent-dates.csv", &[&words[..], &["-01:00"]].concat()).err(2);
    assert!(other["message"].as_str().unwrap().contains("--time-zone"), "{other}");
}
