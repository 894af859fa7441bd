//! `klaviyo-connector sync`.

use crate::run::{CANARY, LIST, Run, klaviyo};
use klaviyo_mock::{Account, Channel, Faults, Klaviyo, OptIn, Rates, Server};
use serde_json::{Value, json};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const IMPORTS: &str = "POST /api/profile-bulk-import-jobs";

/// A folder with an input, and a simulator to sync it to.
pub(crate) struct Try {
    folder: TempDir,
    pub(crate) server: Server,
}

impl Try {
    pub(crate) fn new(input: impl AsRef<[u8]>) -> Self {
        Self::faulty(input, &[])
    }

    pub(crate) fn faulty(input: impl AsRef<[u8]>, rules: &[&str]) -> Self {
        let mut account = Account::demo();
        account.add_key(CANARY, Account::SCOPES);
        Self::with(input, Klaviyo::from(account), rules)
    }

    pub(crate) fn with(input: impl AsRef<[u8]>, klaviyo: Klaviyo, rules: &[&str]) -> Self {
        let faults = faults(rules);
        let klaviyo = klaviyo.rates(Rates::off()).faults(faults).job_delay(Duration::from_millis(20));
        let own = Self { folder: tempfile::tempdir().unwrap(), server: Server::start(klaviyo).unwrap() };
        std::fs::write(own.path("input.csv"), input).unwrap();
        own
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = klaviyo(&self.server.url(), CANARY);
        command.current_dir(self.folder.path()).arg("sync").args(words);
        command
    }

    /// Syncs the input, with a report.
    pub(crate) fn sync(&self, words: &[&str]) -> Run {
        Run::of(self.command(&["input.csv", "--json", "--report", "report.csv"]).args(words))
    }

    /// The same in a process that goes on by itself.
    fn spawn(&self, words: &[&str]) -> Child {
        self.command(&["input.csv", "--json", "--report", "report.csv", "--state", "state"])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn report(&self) -> Vec<Vec<String>> {
        let mut report = csv::Reader::from_path(self.path("report.csv")).unwrap();
        assert_eq!(report.headers().unwrap(), vec!["line", "outcome", "field", "reason"]);
        report.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    /// The report without the reasons.
    pub(crate) fn outcomes(&self) -> Vec<(u64, String, String)> {
        let row = |row: Vec<String>| (row[0].parse().unwrap(), row[1].clone(), row[2].clone());
        self.report().into_iter().map(row).collect()
    }

    /// The attributes of all profiles, by email.
    pub(crate) fn profile(&self, email: &str) -> Value {
        let account = self.server.account();
        let profile = account.profile("email", email).unwrap_or_else(|| panic!("no profile of {email}"));
        json!(profile.attributes)
    }

    pub(crate) fn emails(&self) -> Vec<String> {
        let account = self.server.account();
        let email =
            |profile: &klaviyo_mock::Profile| profile.attributes["email"].as_str().unwrap().to_owned();
        account.profiles().iter().map(email).collect()
    }

    /// How many contacts each import has.
    pub(crate) fn imports(&self) -> Vec<usize> {
        self.server.account().imports().map(|import| import.total).collect()
    }

    pub(crate) fn wait_for(&self, what: &str, mut is_there: impl FnMut(&Server) -> bool) {
        let start = Instant::now();
        while !is_there(&self.server) {
            assert!(start.elapsed() < Duration::from_secs(60), "{what} did not happen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn faults(rules: &[&str]) -> Faults {
    rules.iter().fold(Faults::none(), |faults, rule| faults.rule(rule.parse().unwrap()))
}

fn contacts(count: usize) -> String {
    let rows = (0..count).map(|n| format!("contact+{n}@example.com,Priya {n}\n"));
    ["email,first name\n".to_owned()].into_iter().chain(rows).collect()
}

fn all(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("contact+{n}@example.com")).collect()
}

pub(crate) fn done(lines: impl IntoIterator<Item = u64>) -> Vec<(u64, String, String)> {
    lines.into_iter().map(|line| (line, "done".to_owned(), String::new())).collect()
}

pub(crate) fn row(line: u64, outcome: &str, field: &str) -> (u64, String, String) {
    (line, outcome.to_owned(), field.to_owned())
}

#[test]
fn columns_become_fields_by_name_or_by_hand() {
    let test = Try::new(
        "E-Mail,Phone Number,external_id,Vorname,LASTNAME,visits,plan,notes\n\
         priya@example.com,098200-00001,42,Priya, Sharma ,3,pro,secret\n\
         rahul@example.com,,,,,,,\n",
    );
    let map = ["--map", "Vorname=first-name", "--map", "visits=json:visits", "--map", "plan=property:Plan"];
    let words =
        [map.as_slice(), &["--map", "notes=ignore", "--region", "in", "--list", "Newsletter"]].concat();
    let run = test.sync(&words);
    let ok = run.ok();
    assert_eq!(
        (&ok["rows"], &ok["done"], &ok["refused"], &ok["failed"]),
        (&2.into(), &2.into(), &0.into(), &0.into())
    );
    assert_eq!(
        test.profile("priya@example.com"),
        json!({
            "email": "priya@example.com", "phone_number": "+919820000001", "external_id": "42",
            "first_name": "Priya", "last_name": "Sharma", "properties": { "visits": 3, "Plan": "pro" },
        })
    );
    assert_eq!(test.profile("rahul@example.com"), json!({ "email": "rahul@example.com" }));
    assert_eq!(test.server.account().members("X7kQpz").len(), 2);
    assert_eq!(test.outcomes(), done(2..=3));
    // The lists, the jobs before, the import, and how it went.
    assert_eq!(run.json()["usage"]["requests"], 4);
    assert_eq!(test.server.requests(), 4);
}

#[test]
fn every_field_of_a_profile_is_a_column() {
    let test = Try::new(
        "Email,Phone Number,External ID,First Name,Last Name,Organization,Title,Locale,Image,Address 1,Address 2,City,\
         Region,Country,Zip,Latitude,Longitude,Time Zone,IP\n\
         priya@example.com,+919820000001,7,Priya,Sharma,Acme,CEO,en-IN,https://example.com/p.png,1 Road,Flat 2,Pune,MH,\
         India,411001,18.5204,73.8567,Asia/Kolkata,203.0.113.7\n\
         arjun@example.com,,,,,,,,,,,,,,,north,-33.80,,\n",
    );
    assert_eq!(test.sync(&[]).ok()["warned"], 1);
    assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "done", "latitude")]);
    assert_eq!(
        test.profile("priya@example.com"),
        json!({
            "email": "priya@example.com", "phone_number": "+919820000001", "external_id": "7",
            "first_name": "Priya", "last_name": "Sharma", "organization": "Acme", "title": "CEO",
            "locale": "en-IN", "image": "https://example.com/p.png",
            "location": {
                "address1": "1 Road", "address2": "Flat 2", "city": "Pune", "region": "MH", "country": "India",
                "zip": "411001", "latitude": "18.5204", "longitude": "73.8567", "timezone": "Asia/Kolkata",
                "ip": "203.0.113.7",
            },
        })
    );
    assert_eq!(
        test.profile("arjun@example.com"),
        json!({ "email": "arjun@example.com", "location": { "longitude": "-33.80" } })
    );
}

#[test]
fn columns_that_are_no_fields_stop_it_before_anything_is_sent() {
    let test = Try::new("email,plan,stage\na@example.com,pro,lead\n");
    let error = test.sync(&["--list", LIST, "--state", "state"]).err(2);
    let message = error["message"].as_str().unwrap();
    for word in ["\"plan\"", "\"stage\"", "--unknown-columns properties", "--map"] {
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(test.server.requests(), 0);
    assert!(!test.path("state").exists() && !test.path("report.csv").exists());
    test.sync(&["--list", LIST, "--unknown-columns", "ignore"]).ok();
    assert_eq!(test.profile("a@example.com"), json!({ "email": "a@example.com" }));
    test.sync(&["--unknown-columns", "properties"]).ok();
    assert_eq!(test.profile("a@example.com")["properties"], json!({ "plan": "pro", "stage": "lead" }));
}

#[test]
fn each_row_is_in_the_report_once_with_its_line() {
    let test = Try::new(
        b"\xef\xbb\xbfemail,first name,phone\r\n\
          a@example.com,Ana,\r\n\
          \r\n\
          b@example.com,\"Bea\r\nMaria\r\n\",+49 30 123456\r\n\
          nobody,C,\r\n\
          c@example.com,C\r\n\
          d@example.com,\xc4\xd6,\r\n\
          e@example.com,\"E\",030 123456\r\n\
          ,,\r\n\
          f@example.com,\"F,\r\n\
          \"g@example.com\",\"G \"\"g\"\"\",\r\n\
          h@nodot,H,\r\n\
          \"i@example.com\",I,"
            .as_slice(),
    );
    let run = test.sync(&["--list", LIST]);
    assert_eq!(run.code, 1);
    let ok = run.json()["ok"].clone();
    assert_eq!((&ok["rows"], &ok["done"], &ok["refused"]), (&10.into(), &6.into(), &4.into()));
    assert_eq!(ok["warned"], 1);
    assert_eq!(
        test.outcomes(),
        [
            row(2, "done", ""),
            row(4, "done", ""),
            row(7, "refused", "email"),
            row(8, "done", ""),
            row(9, "refused", ""),
            row(10, "done", "phone-number"),
            row(12, "refused", ""),
            row(13, "done", ""),
            row(14, "refused", "email"),
            row(15, "done", ""),
        ]
    );
    assert!(test.report().iter().all(|row| (row[1] == "refused" || row[0] == "10") != row[3].is_empty()));
    let emails = ["a", "b", "c", "e", "g", "i"].map(|name| format!("{name}@example.com"));
    assert_eq!(test.emails(), emails);
    assert_eq!(test.profile("g@example.com")["first_name"], "G \"g\"");
    assert_eq!(test.imports(), [6]);
    // Without a report they are told.
    let told = Run::of(&mut test.command(&["input.csv", "--list", LIST]));
    assert!(told.code == 1 && told.err.contains("line 7: refused: email"), "{}", told.err);
}

#[test]
fn json_lines_are_rows() {
    let test = Try::new("");
    let lines = [
        r#"{"email": "a@example.com", "name": "Ana Maria Cruz", "properties": {"visits": 3, "tags": ["x"]}}"#,
        "",
        r#"{"email": "b@example.com", "external_id": 7, "plan": "pro"}"#,
        r#"{"email": "c@example.com""#,
        r#"["d@example.com"]"#,
        r#"{"phone": "+919820000001", "email": null}"#,
    ];
    std::fs::write(test.path("contacts.jsonl"), lines.join("\n")).unwrap();
    let run = |unknown| {
        Run::of(&mut test.command(&[
            "contacts.jsonl",
            "--json",
            "--report",
            "report.csv",
            "--unknown-columns",
            unknown,
        ]))
    };
    let rows = [
        row(1, "done", ""),
        row(3, "done", ""),
        row(4, "refused", ""),
        row(5, "refused", ""),
        row(6, "done", ""),
    ];
    assert_eq!(run("properties").code, 1);
    assert_eq!(test.outcomes(), rows);
    let ana = test.profile("a@example.com");
    assert_eq!((&ana["first_name"], &ana["last_name"]), (&json!("Ana"), &json!("Maria Cruz")));
    assert_eq!(ana["properties"], json!({ "visits": 3, "tags": ["x"] }));
    assert_eq!(test.profile("b@example.com")["properties"], json!({ "plan": "pro" }));
    assert_eq!(test.profile("b@example.com")["external_id"], "7");
    assert!(test.server.account().profile("phone_number", "+919820000001").is_some());
    assert_eq!(run("refuse").code, 1);
    assert_eq!(test.outcomes()[1], row(3, "refused", "plan"));
}

#[test]
fn standard_input_is_read() {
    let test = Try::new("");
    let mut command = test.command(&["-", "--json", "--separator", ";", "--report", "report.csv"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"email;name\na@example.com;A, B\n").unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(test.profile("a@example.com")["first_name"], "A,");
    // A file, of which somebody has read a line.
    std::fs::write(test.path("input.csv"), "# contacts\nemail\nb@example.com\n").unwrap();
    let mut file = std::fs::File::open(test.path("input.csv")).unwrap();
    file.seek(SeekFrom::Start(11)).unwrap();
    assert_eq!(Run::of(test.command(&["-", "--json"]).stdin(file)).ok()["done"], 1);
    assert_eq!(test.emails(), ["a@example.com", "b@example.com"]);
}

#[test]
fn who_is_there_twice_is_one_profile() {
    let test = Try::new("email\nA@example.com\na@example.com\nb@example.com\na@example.com\n");
    test.sync(&["--list", LIST]).ok();
    assert_eq!(test.outcomes(), done(2..=5));
    assert_eq!(test.server.account().members(LIST).len(), 2);
}

#[test]
fn nothing_to_sync_is_nothing_done() {
    for input in ["", "\n", "\u{feff}", "email\n", "email,name"] {
        let test = Try::new(input);
        let ok = test.sync(&["--list", LIST, "--state", "state"]).ok();
        assert_eq!(ok["rows"], 0, "{input:?}");
        assert_eq!(test.outcomes(), []);
        assert_eq!(test.sync(&["--list", LIST, "--state", "state"]).ok()["was-complete"], true);
    }
}

#[test]
fn what_cannot_be_begun_is_told() {
    let test = Try::new("email\na@example.com\n");
    let fails = |words: &[&str], code| Run::of(test.command(words).arg("--json")).err(code);
    assert_eq!(fails(&["nothing.csv"], 2)["code"], "invalid-input");
    assert_eq!(fails(&["."], 2)["code"], "invalid-input");
    assert_eq!(fails(&["input.csv", "--consent", "email"], 2)["code"], "invalid-input");
    assert_eq!(fails(&["input.csv", "--consent", "email", "--historical"], 2)["code"], "invalid-input");
    assert_eq!(fails(&["input.csv", "--report", "no/report.csv"], 2)["code"], "invalid-input");
    assert_eq!(fails(&["input.csv", "--state", "no/state"], 2)["code"], "invalid-input");
    assert_eq!(fails(&["input.csv", "--one-by-one"], 2)["code"], "invalid-input");
    assert_eq!(fails(&["input.csv", "--report", "./input.csv"], 2)["code"], "invalid-input");
    assert_eq!(fails(&["input.csv", "--report", "new", "--state", "./new"], 2)["code"], "invalid-input");
    assert_eq!(fails(&["input.csv", "--separator", "é"], 2)["code"], "invalid-input");
    for state in [".", "wasm.wasm", "/dev/null", "/dev/zero"].into_iter().filter(|_| cfg!(unix)) {
        std::fs::write(test.path("wasm.wasm"), b"\0asm").unwrap();
        assert_eq!(fails(&["input.csv", "--state", state], 2)["code"], "invalid-input", "{state}");
    }
    std::fs::write(test.path("wide.csv"), b"\xff\xfee\0m\0").unwrap();
    assert_eq!(fails(&["wide.csv"], 2)["code"], "invalid-input");
    assert_eq!(test.server.requests(), 0);
    let missing = fails(&["input.csv", "--list", "Newsleter"], 3);
    assert!(missing["message"].as_str().unwrap().contains("X7kQpz"), "{missing}");
    let mut wrong = klaviyo(&test.server.url(), "pk_wrong_1234567890");
    let wrong = wrong.current_dir(test.folder.path()).args(["sync", "input.csv", "--json"]);
    assert_eq!(Run::of(wrong).err(5)["code"], "unauthenticated");
    assert!(test.server.account().profiles().is_empty());
}

#[test]
fn batches_go_out_one_after_the_other_and_are_asked_about_together() {
    let test = Try::new(contacts(25));
    let run = test.sync(&["--list", LIST, "--batch", "10"]);
    run.ok();
    assert_eq!(test.imports(), [10, 10, 5]);
    assert_eq!(test.emails(), all(25));
    assert_eq!(test.server.account().members(LIST).len(), 25);
    assert_eq!(test.outcomes(), done(2..=26));
    assert_eq!(test.server.account().requests_of("get_bulk_import_profiles_job"), 0);
    assert!(run.json()["usage"]["requests"].as_u64().unwrap() <= 7, "{}", run.out);
}

#[test]
fn refused_rows_take_no_place_in_a_batch() {
    let mut input = String::from("email\n");
    for n in 0..30 {
        input.push_str(&format!("contact+{n}@example.com\nbad {n}\n"));
    }
    let test = Try::new(input);
    assert_eq!(test.sync(&["--batch", "10"]).code, 1);
    assert_eq!(test.imports(), [10, 10, 10]);
    let outcomes: Vec<_> = (2..62)
        .map(|line| if line % 2 == 0 { row(line, "done", "") } else { row(line, "refused", "email") })
        .collect();
    assert_eq!(test.outcomes(), outcomes);
}

#[test]
fn a_batch_is_one_request_however_long_its_rows_are() {
    // 90 rows of 80,000 bytes are more than the five million that Klaviyo takes at once.
    let long = "x".repeat(80_000);
    let mut input = String::from("email,text\n");
    for n in 0..90 {
        input.push_str(&format!("contact+{n}@example.com,{long}\n"));
    }
    input.push_str(&format!("long@example.com,{}\n", "x".repeat(100_000)));
    let test = Try::new(input);
    assert_eq!(test.sync(&["--unknown-columns", "properties"]).code, 1);
    assert_eq!(test.imports(), [62, 28]);
    assert_eq!(test.emails(), all(90));
    let report = test.outcomes();
    assert_eq!(report[..90], done(2..=91));
    assert_eq!((report[90].0, report[90].1.as_str()), (92, "refused"));
}

/// The connector alone refuses a contact of more than 100,000 bytes.
#[test]
fn what_the_connector_refuses_takes_no_room_in_a_request() {
    let row = |name: String, bytes| format!("{name}@example.com,{}\n", "x".repeat(bytes));
    let rows = (0..63).flat_map(|n| [row(format!("contact+{n}"), 80_000), row(format!("long+{n}"), 105_000)]);
    let test = Try::new(["email,text\n".to_owned()].into_iter().chain(rows).collect::<String>());
    assert_eq!(test.sync(&["--unknown-columns", "properties"]).code, 1);
    assert_eq!(test.imports(), [62, 1]);
    assert_eq!(test.emails(), all(63));
    let outcomes: Vec<String> = test.outcomes().into_iter().map(|(_, outcome, _)| outcome).collect();
    assert_eq!(outcomes, ["done", "refused"].repeat(63));
}

#[test]
fn what_klaviyo_cannot_import_is_told_row_by_row() {
    let test = Try::new(contacts(25));
    for n in [3, 14, 24] {
        test.server
            .account()
            .refuse_to_import(&format!("contact+{n}@example.com"), "There is no such domain.");
    }
    let run = test.sync(&["--batch", "10"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.json()["ok"]["failed"], 3);
    let mut expected = done(2..=26);
    for n in [3, 14, 24] {
        expected[n].1 = "failed".to_owned();
    }
    assert_eq!(test.outcomes(), expected);
    assert_eq!(test.report()[14][3], "There is no such domain.");
    assert_eq!(test.emails().len(), 22);
}

#[test]
fn a_batch_that_klaviyo_rejects_does_not_stop_the_others() {
    let test = Try::faulty(contacts(25), &[&format!("{IMPORTS}: #2 status 400")]);
    let run = test.sync(&["--batch", "10"]);
    assert_eq!((run.code, &run.json()["ok"]["failed"]), (1, &json!(10)));
    assert_eq!(test.imports(), [10, 5]);
    let failed: Vec<u64> = test.outcomes().iter().filter(|row| row.1 == "failed").map(|row| row.0).collect();
    assert_eq!(failed, (12..=21).collect::<Vec<_>>());
}

#[test]
fn an_import_whose_answer_is_lost_is_found() {
    for fault in
        ["reset-after", "status-after 503", "status-after 500", "truncate", "garbage", "garbage-line"]
    {
        let test = Try::faulty(contacts(25), &[&format!("{IMPORTS}: #2 {fault}")]);
        test.sync(&["--list", LIST, "--batch", "10"]).ok();
        assert_eq!(test.imports(), [10, 10, 5], "{fault}");
        assert_eq!(test.emails(), all(25));
        assert_eq!(test.outcomes(), done(2..=26));
    }
}

#[test]
fn an_import_that_did_not_arrive_is_sent_again() {
    for fault in ["reset-before", "status 503", "status 429 retry-after 1"] {
        let test = Try::faulty(contacts(25), &[&format!("{IMPORTS}: #2 {fault}")]);
        test.sync(&["--batch", "10"]).ok();
        assert_eq!(test.imports(), [10, 10, 5], "{fault}");
        assert_eq!(test.emails(), all(25));
    }
}

/// Somebody else's import of so many contacts.
fn import(server: &Server, count: usize) {
    let row = |n| json!({ "type": "profile", "attributes": { "email": format!("other+{n}@example.com") } });
    let rows: Vec<Value> = (0..count).map(row).collect();
    let attributes = json!({ "profiles": { "data": rows } });
    let body = json!({ "data": { "type": "profile-bulk-import-job", "attributes": attributes } }).to_string();
    let mut stream = std::net::TcpStream::connect(server.url().trim_start_matches("http://")).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /api/profile-bulk-import-jobs/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Klaviyo-API-Key {CANARY}\r\nrevision: 2025-01-15\r\n\
         content-type: application/vnd.api+json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

#[test]
fn somebody_elses_import_is_not_taken_for_ours() {
    // It was there before.
    let test = Try::faulty(contacts(5), &[&format!("{IMPORTS}: #2 reset-before")]);
    import(&test.server, 5);
    test.sync(&[]).ok();
    assert_eq!(test.imports(), [5, 5]);
    // It has another number of contacts.
    let test = Try::faulty(contacts(5), &[&format!("{IMPORTS}: #1 reset-before")]);
    let child = test.spawn(&[]);
    test.wait_for("the import", |server| server.faults()[0].1 == 1);
    import(&test.server, 4);
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(test.imports(), [4, 5]);
    // Nobody knows which of two is ours: better twice than not at all.
    let test = Try::faulty(contacts(5), &[&format!("{IMPORTS}: #1 reset-after")]);
    let child = test.spawn(&[]);
    test.wait_for("the import", |server| server.account().imports().count() == 1);
    import(&test.server, 5);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && String::from_utf8(output.stderr).unwrap().contains("2 jobs"));
    assert_eq!(test.imports(), [5, 5, 5]);
}

/// What Klaviyo did not have when a run ended is not looked for in the next one: a job of as many contacts may be
/// somebody else's by then.
#[test]
fn an_import_that_was_not_taken_is_not_found_in_a_later_one() {
    let own = Try::faulty(contacts(7), &["POST /api/profile-bulk-import-jobs: always status 503"]);
    let words = ["--list", LIST, "--state", "state", "--patience", "1s"];
    assert_eq!(own.sync(&words).code, 6);
    own.server.set_faults(Faults::none());
    import(&own.server, 7);
    assert_eq!(own.sync(&words).code, 0);
    assert_eq!(own.imports(), [7, 7]);
    assert_eq!(own.server.account().members(LIST).len(), 7);
}

#[test]
fn jobs_are_found_among_those_of_others() {
    let mut account = Account::demo();
    account.add_key(CANARY, Account::SCOPES);
    let test = Try::with(contacts(20), Klaviyo::from(account).stop_the_clock(), &[]);
    let child = test.spawn(&["--batch", "10"]);
    test.wait_for("the imports", |server| server.account().imports().count() == 2);
    // More than the newest jobs that Klaviyo is asked for.
    (0..101).for_each(|_| import(&test.server, 1));
    test.server.advance(Duration::from_secs(60));
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(test.server.account().requests_of("get_bulk_import_profiles_job"), 2);
    assert_eq!(test.outcomes(), done(2..=21));
}

#[test]
fn not_all_jobs_are_under_way_at_once() {
    let test = Try::new(contacts(40));
    test.sync(&["--batch", "1"]).ok();
    assert_eq!(test.imports(), [1; 40]);
    assert_eq!(test.outcomes(), done(2..=41));
    // The questions are few.
    assert!(test.server.account().requests_of("get_bulk_import_profiles_jobs") <= 5);
}

#[test]
fn a_problem_of_the_account_stops_it_and_every_row_is_told() {
    for (fault, code, exit) in [
        ("status 401", "unauthenticated", 5),
        ("status 403", "forbidden", 5),
        ("html 403", "blocked", 6),
        ("status 410", "retired", 1),
        ("status 404", "not-found", 3),
    ] {
        let input = format!("{}bad,bad,bad\n", contacts(25));
        let test = Try::faulty(input, &[&format!("{IMPORTS}: #2- {fault}").replace("#2-", "#2-1000000")]);
        let error = test.sync(&["--batch", "10"]).err(exit);
        assert_eq!((&error["code"], &error["done"]), (&json!(code), &json!(0)));
        assert_eq!(test.imports(), [10]);
        let outcomes: Vec<_> = test.outcomes().into_iter().map(|row| (row.0, row.1)).collect();
        let expected: Vec<_> =
            (2..=26).map(|line| (line, "failed".to_owned())).chain([(27, "refused".to_owned())]).collect();
        assert_eq!(outcomes, expected, "{fault}");
    }
}

#[test]
fn a_problem_of_the_account_stops_it_and_the_state_goes_on() {
    let test = Try::faulty(contacts(25), &[&format!("{IMPORTS}: #2 status 401")]);
    let words = ["--batch", "10", "--list", "Newsletter", "--state", "state"];
    assert_eq!(test.sync(&words).err(5)["code"], "unauthenticated");
    test.sync(&words).ok();
    assert_eq!(test.imports(), [10, 10, 5]);
    assert_eq!(test.outcomes(), done(2..=26));
    assert_eq!(test.server.account().requests_of("get_lists"), 1);
}

#[test]
fn patience_ends() {
    let test = Try::faulty(contacts(3), &[&format!("{IMPORTS}: always status 503")]);
    let error = test.sync(&["--patience", "1s"]).err(6);
    assert_eq!(error["code"], "unavailable");
    let told = &test.report()[0];
    assert!(told[1] == "failed" && told[3].contains("may have been sent"), "{told:?}");
    let test = Try::faulty(contacts(3), &["GET /api/lists: always status 429 retry-after 3000"]);
    assert_eq!(test.sync(&["--list", LIST]).err(4)["code"], "rate-limited");
}

#[test]
fn failures_that_cannot_be_read_are_not_taken_for_none() {
    let test =
        Try::faulty(contacts(3), &["GET /api/profile-bulk-import-jobs/*/import-errors: always status 404"]);
    test.server.account().refuse_to_import("contact+1@example.com", "no");
    assert_eq!(test.sync(&[]).err(3)["code"], "not-found");
}

#[test]
fn members_are_no_subscribers_whatever_the_list() {
    let test = Try::new(contacts(3));
    test.server.account().add_list_with("DoUbLe", "Double", OptIn::Double);
    test.sync(&["--list", "Double"]).ok();
    let account = test.server.account();
    assert_eq!(account.members("DoUbLe").len(), 3);
    assert!(account.profiles().iter().all(|profile| !profile.consent(Channel::Email).is_given()));
}

#[test]
fn consent_is_given_on_every_channel() {
    let test = Try::new(
        "email,phone,first name\n\
         a@example.com,+919820000001,Ana\n\
         b@example.com,,Bea\n\
         c@example.com,+919820000003,\n",
    );
    let words = ["--list", LIST, "--consent", "email,whatsapp", "--consent-source", "WhatsApp bot"];
    assert_eq!(test.sync(&words).ok()["warned"], 1);
    assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "done", "phone-number"), row(4, "done", "")]);
    // Only what is more than an address needs an import.
    assert_eq!(test.imports(), [2]);
    test.wait_for("consent", |server| server.account().members(LIST).len() == 3);
    let account = test.server.account();
    for email in ["a@example.com", "c@example.com"] {
        let profile = account.profile("email", email).unwrap();
        assert!(profile.consent(Channel::WhatsApp).is_given());
        assert!(!profile.consent(Channel::Sms).is_given());
        assert_eq!(profile.consent(Channel::Email).source.as_deref(), Some("WhatsApp bot"));
    }
    assert_eq!(account.profile("email", "a@example.com").unwrap().attributes["first_name"], "Ana");
    let without_phone = account.profile("email", "b@example.com").unwrap();
    assert!(without_phone.consent(Channel::Email).is_given());
    assert!(!without_phone.consent(Channel::WhatsApp).is_given());
}

#[test]
fn consent_of_many_goes_by_the_thousand() {
    let emails: String = all(2_500).iter().map(|email| format!("{email}\n")).collect();
    let test = Try::new(format!("email\n{emails}"));
    let run = test.sync(&["--list", LIST, "--consent", "email", "--state", "state"]);
    run.ok();
    assert_eq!(run.json()["usage"]["requests"], 4);
    assert!(test.imports().is_empty());
    test.wait_for("consent", |server| server.account().members(LIST).len() == 2_500);
    let state = std::fs::read_to_string(test.path("state")).unwrap();
    assert!(!state.contains("@example.com"), "{state}");
}

/// A number that the connector takes for one, and the simulator does not.
#[test]
fn who_is_refused_stays_refused_whatever_comes_then() {
    let mut input = String::from("phone\n+1234567\n");
    (0..20).for_each(|n| input.push_str(&format!("+9198200000{n:02}\n")));
    let own = Try::faulty(&input, &["POST /api/profile-subscription-bulk-create-jobs: #2-6 status 503"]);
    let run = own.sync(&["--list", LIST, "--consent", "sms"]);
    assert_eq!(run.code, 1);
    let mut expected = vec![row(2, "refused", "phone-number")];
    expected.extend(done(3..23));
    assert_eq!(own.outcomes(), expected);

    let own = Try::faulty(&input, &["POST /api/profile-subscription-bulk-create-jobs: #2-20 status 503"]);
    let run = own.sync(&["--list", LIST, "--consent", "sms", "--patience", "1s"]);
    assert_eq!(run.code, 6);
    let mut expected = vec![row(2, "refused", "phone-number")];
    expected.extend((3..23).map(|line| row(line, "failed", "")));
    assert_eq!(own.outcomes(), expected);
}

/// One contact with properties that nobody can read would take all others of its import with it.
#[test]
fn properties_that_cannot_be_read_are_refused_alone() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let lines = ["1e999", r#""\ud800""#, deep.as_str(), "1.5"];
    let line = |(n, value): (usize, &&str)| {
        format!(r#"{{"email":"c{n}@example.com","properties":{{"a":{value}}}}}"#) + "\n"
    };
    let input: String = lines.iter().enumerate().map(line).collect();
    let own = Try::new("");
    std::fs::write(own.path("input.jsonl"), input + "\"a secret\"\n").unwrap();
    let run = Run::of(&mut own.command(&["input.jsonl", "--list", LIST, "--json", "--report", "report.csv"]));
    assert_eq!(run.code, 1);
    let outcomes: Vec<String> = own.outcomes().into_iter().map(|(_, outcome, _)| outcome).collect();
    assert_eq!(outcomes, ["refused", "refused", "refused", "done", "refused"]);
    assert_eq!(own.emails(), ["c3@example.com"]);
    assert!(!std::fs::read_to_string(own.path("report.csv")).unwrap().contains("secret"));
}

#[test]
fn consent_that_was_given_before_has_its_time() {
    let test = Try::new(
        "email,consented at\n\
         a@example.com,2024-03-01T12:00:00Z\n\
         b@example.com,\n\
         c@example.com,2999-01-01T00:00:00Z\n",
    );
    let words = ["--consent", "email", "--historical"];
    assert_eq!(test.sync(&words).code, 1);
    assert_eq!(
        test.outcomes(),
        [row(2, "done", ""), row(3, "refused", "consented-at"), row(4, "refused", "consented-at")]
    );
    test.wait_for("consent", |server| server.account().profiles().len() == 1);
    let account = test.server.account();
    let consent = account.profile("email", "a@example.com").unwrap().consent(Channel::Email);
    assert!(consent.is_given() && consent.since.unwrap().starts_with("2024-03-01T12:00:00"));
}

#[test]
fn who_has_no_good_time_of_consent_is_not_imported() {
    let test = Try::new(
        "email,first name,consented at\n\
         a@example.com,Ana,2024-03-01T12:00:00Z\n\
         b@example.com,Bea,\n\
         c@example.com,Cleo,2999-01-01T00:00:00Z\n",
    );
    assert_eq!(test.sync(&["--list", LIST, "--consent", "email", "--historical"]).code, 1);
    assert_eq!(
        test.outcomes(),
        [row(2, "done", ""), row(3, "refused", "consented-at"), row(4, "refused", "consented-at")]
    );
    assert_eq!(test.imports(), [1]);
    assert_eq!(test.emails(), ["a@example.com"]);
}

#[test]
fn double_opt_in_asks_people_first() {
    let test = Try::new("email\na@example.com\n");
    test.server.account().add_list_with("DoUbLe", "Double", OptIn::Double);
    test.sync(&["--list", "Double", "--consent", "email"]).ok();
    test.wait_for("consent", |server| server.account().profiles().len() == 1);
    assert!(test.server.account().members("DoUbLe").is_empty());
}

#[test]
fn who_cannot_be_imported_is_not_subscribed() {
    let test = Try::new("email,name\na@example.com,A\nb@example.com,B\nc@example.com,\n");
    test.server.account().refuse_to_import("b@example.com", "no");
    assert_eq!(test.sync(&["--list", LIST, "--consent", "email"]).code, 1);
    assert_eq!(test.outcomes(), [row(2, "done", ""), row(3, "failed", ""), row(4, "done", "")]);
    test.wait_for("consent", |server| server.account().members(LIST).len() == 2);
    assert!(test.server.account().profile("email", "b@example.com").is_none());
}

#[test]
fn one_by_one_is_three_requests_each() {
    let test = Try::new(format!("{}bad,\ncontact+1@example.com,Other\n", contacts(30)));
    let run = test.sync(&["--list", LIST, "--one-by-one", "--state", "state"]);
    assert_eq!(run.code, 1);
    assert_eq!(test.server.account().members(LIST).len(), 30);
    let mut expected = done(2..=31);
    expected.extend([row(32, "refused", "email"), row(33, "done", "")]);
    assert_eq!(test.outcomes(), expected);
    assert_eq!(test.server.account().requests_of("create_profile"), 30);
    assert!(test.imports().is_empty());
    // What was there already is not changed, and that is told.
    assert!(test.report()[31][3].contains("first-name"), "{:?}", test.report()[31]);
    let again = test.sync(&["--list", LIST, "--one-by-one", "--state", "state"]);
    assert_eq!((again.code, &again.json()["ok"]["was-complete"]), (1, &json!(true)));
}

#[test]
fn one_by_one_waits_for_what_passes_and_stops_for_what_does_not() {
    let test = Try::faulty(
        contacts(20),
        &["POST /api/profiles: #3 status 500", "GET /api/profiles: #5 reset-after"],
    );
    test.sync(&["--list", LIST, "--one-by-one"]).ok();
    assert_eq!(test.server.account().members(LIST).len(), 20);
    test.server.set_faults(faults(&["GET /api/profiles: #5-1000 status 401"]));
    assert_eq!(test.sync(&["--list", LIST, "--one-by-one"]).err(5)["code"], "unauthenticated");
    assert_eq!(test.outcomes().len(), 20);
    assert!(test.outcomes().iter().any(|row| row.1 == "failed"));
}

/// The requests that are shown: the first line, and the body.
pub(crate) fn requests(text: &str) -> Vec<(String, Value)> {
    let mut requests = Vec::new();
    for line in text.lines().map(str::trim) {
        let first = line.trim_start_matches("→ ");
        let is_body = line.starts_with("{\"data\":{\"type\"") && line.contains("\"attributes\":{\"");
        if first.starts_with("GET ") || first.starts_with("POST ") {
            requests.push((first.to_owned(), Value::Null));
        } else if is_body && let Some((_, body @ Value::Null)) = requests.last_mut() {
            *body = serde_json::from_str(line).unwrap();
        }
    }
    requests
}

#[test]
fn a_dry_run_shows_what_would_be_sent_and_sends_nothing() {
    let mut input = contacts(25);
    input.push_str("bad,\n");
    for (words, posts) in [
        (["--list", LIST, "--batch", "10"].as_slice(), 3),
        (&["--list", LIST, "--consent", "email", "--consent-source", "x", "--batch", "10"], 6),
    ] {
        let test = Try::new(&input);
        let dry = Run::of(test.command(&["input.csv", "--dry-run"]).args(words));
        assert_eq!((dry.code, test.server.requests()), (0, 0), "{}", dry.err);
        assert!(dry.err.contains("line 27: refused: email"), "{}", dry.err);
        let json = Run::of(test.command(&["input.csv", "--dry-run", "--json"]).args(words)).ok();
        assert_eq!((&json["rows"], &json["refused"]), (&json!(26), &json!(1)));
        let planned = requests(&dry.out);
        assert_eq!(json["requests"], planned.len());
        let real = Run::of(test.command(&["input.csv", "--verbose"]).args(words));
        assert_eq!(real.code, 1, "{}", real.err);
        let sent = requests(&real.err);
        let only = |of: &[(String, Value)]| -> Vec<(String, Value)> {
            of.iter().filter(|(line, _)| line.starts_with("POST")).cloned().collect()
        };
        assert_eq!(only(&planned).len(), posts);
        let sorted = |mut of: Vec<(String, Value)>| {
            of.sort_by_key(|(line, body)| (line.clone(), body.to_string()));
            of
        };
        assert_eq!(sorted(only(&planned)), sorted(only(&sent)));
        assert!(planned.iter().all(|(line, body)| line.starts_with("GET") || body.is_object()));
    }
}

#[test]
fn a_dry_run_needs_no_key_and_no_klaviyo() {
    let test = Try::new(contacts(2));
    let mut command = klaviyo("", "");
    let command =
        command.env_remove("KLAVIYO_API_KEY").env_remove("KLAVIYO_ENDPOINT").current_dir(test.folder.path());
    let run =
        Run::of(command.args(["sync", "input.csv", "--dry-run", "--one-by-one", "--list", "VIP customers"]));
    assert_eq!(run.code, 0, "{}", run.err);
    let lines: Vec<String> = requests(&run.out).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0], "GET https://a.klaviyo.com/api/lists/");
    assert!(lines[3].ends_with("/relationships/profiles/"), "{lines:?}");
}

// What follows ends programs in the middle of their work.

/// Kills it, and nothing else.
fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(unix)]
pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn killed_before_klaviyo_gets_a_batch() {
    let test = Try::faulty(contacts(25), &[&format!("{IMPORTS}: #2 latency 1h")]);
    let words = ["--list", LIST, "--batch", "10"];
    let child = test.spawn(&words);
    // Lists, jobs, the first import, and the second, which waits.
    test.wait_for("the second import", |server| server.requests() >= 4);
    kill(child);
    assert_eq!(test.imports(), [10]);
    test.server.set_faults(Faults::none());
    test.sync(&[words.as_slice(), &["--state", "state"]].concat()).ok();
    assert_eq!(test.imports(), [10, 10, 5]);
    assert_eq!(test.emails(), all(25));
    assert_eq!(test.outcomes(), done(2..=26));
}

#[test]
fn killed_before_the_answer_comes() {
    let test = Try::faulty(contacts(25), &[&format!("{IMPORTS}: #2 reset-after")]);
    let words = ["--list", LIST, "--batch", "10"];
    let child = test.spawn(&words);
    // It waits a second before it looks for the import.
    test.wait_for("the second import", |server| server.account().imports().count() == 2);
    kill(child);
    test.sync(&[words.as_slice(), &["--state", "state"]].concat()).ok();
    assert_eq!(test.imports(), [10, 10, 5], "the import whose answer was lost was found");
    assert_eq!(test.emails(), all(25));
    assert_eq!(test.outcomes(), done(2..=26));
}

#[test]
fn killed_while_klaviyo_works() {
    let mut account = Account::demo();
    account.add_key(CANARY, Account::SCOPES);
    account.refuse_to_import("contact+12@example.com", "no");
    let test = Try::with(format!("{}bad,\n", contacts(25)), Klaviyo::from(account).stop_the_clock(), &[]);
    let words = ["--list", LIST, "--batch", "10"];
    let child = test.spawn(&words);
    test.wait_for("a question about the jobs", |server| {
        server.account().requests_of("get_bulk_import_profiles_jobs") >= 2
    });
    kill(child);
    assert_eq!(test.imports(), [10, 10, 5]);
    test.server.advance(Duration::from_secs(60));
    let resumed = test.sync(&[words.as_slice(), &["--state", "state"]].concat());
    assert_eq!(resumed.code, 1);
    assert_eq!(test.imports(), [10, 10, 5]);
    let mut expected = done(2..=26);
    expected[12].1 = "failed".to_owned();
    expected.push(row(27, "refused", "email"));
    assert_eq!(test.outcomes(), expected);
    let ok = resumed.json()["ok"].clone();
    assert_eq!((&ok["done"], &ok["refused"], &ok["failed"]), (&json!(24), &json!(1), &json!(1)));
}

#[test]
fn killed_between_consents() {
    let emails: String = all(2_500).iter().map(|email| format!("{email},A\n")).collect();
    let test = Try::faulty(
        format!("email,name\n{emails}"),
        &["POST /api/profile-subscription-bulk-create-jobs: #2 latency 1h"],
    );
    let words = ["--list", LIST, "--consent", "email"];
    let child = test.spawn(&words);
    let consents = |server: &Server| server.faults()[0].1;
    test.wait_for("the second consent", |server| consents(server) == 1);
    kill(child);
    test.server.set_faults(Faults::none());
    let resumed = test.sync(&[words.as_slice(), &["--state", "state"]].concat());
    resumed.ok();
    assert_eq!(test.imports(), [2_500]);
    // Those that were given are not given again: the jobs, and two consents.
    assert_eq!(resumed.json()["usage"]["requests"], 3);
    test.wait_for("consent", |server| server.account().members(LIST).len() == 2_500);
    assert_eq!(test.outcomes(), done(2..=2_501));
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_are_130_and_nothing_is_lost() {
    for name in ["-INT", "-TERM"] {
        let mut account = Account::demo();
        account.add_key(CANARY, Account::SCOPES);
        let test = Try::with(contacts(25), Klaviyo::from(account).stop_the_clock(), &[]);
        let words = ["--list", LIST, "--batch", "10"];
        let child = test.spawn(&words);
        test.wait_for("all imports", |server| server.account().imports().count() == 3);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["err"]["done"], 0);
        test.server.advance(Duration::from_secs(60));
        test.sync(&[words.as_slice(), &["--state", "state"]].concat()).ok();
        assert_eq!(test.imports(), [10, 10, 5]);
        assert_eq!(test.outcomes(), done(2..=26));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_without_a_state_reports_what_is_left() {
    let mut account = Account::demo();
    account.add_key(CANARY, Account::SCOPES);
    let test = Try::with(contacts(25), Klaviyo::from(account).stop_the_clock(), &[]);
    let mut command = test.command(&["input.csv", "--json", "--report", "report.csv", "--batch", "10"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    test.wait_for("an import", |server| server.account().imports().count() == 3);
    signal(&child, "-INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let outcomes = test.outcomes();
    assert_eq!(outcomes.iter().map(|row| row.0).collect::<Vec<_>>(), (2..=26).collect::<Vec<_>>());
    assert!(outcomes.iter().all(|row| row.1 == "failed"));
}

#[test]
fn a_sync_that_ended_does_nothing_again() {
    let test = Try::new(format!("{}bad,\n", contacts(5)));
    let words = ["--list", LIST, "--state", "state"];
    assert_eq!(test.sync(&words).code, 1);
    let requests = test.server.requests();
    let report = test.report();
    let again = test.sync(&words);
    let ok = again.json()["ok"].clone();
    assert_eq!((again.code, &ok["was-complete"], &ok["done"]), (1, &json!(true), &json!(5)));
    assert_eq!((test.server.requests(), test.report()), (requests, report));
    // A file that has grown since is not taken for the same.
    std::fs::write(test.path("input.csv"), format!("{}bad,\nz@example.com,Z\n", contacts(5))).unwrap();
    assert_eq!(test.sync(&words).err(2)["code"], "invalid-input");
}

#[cfg(unix)]
#[test]
fn a_file_is_overwritten_by_no_other_name() {
    let test = Try::new("email\na@example.com\n");
    let name = |name: &str| test.path(name).into_os_string().into_string().unwrap();
    std::fs::hard_link(test.path("input.csv"), test.path("hard.csv")).unwrap();
    std::os::unix::fs::symlink("input.csv", test.path("soft.csv")).unwrap();
    std::os::unix::fs::symlink("new", test.path("dangling")).unwrap();
    std::fs::create_dir(test.path("folder")).unwrap();
    std::fs::write(test.path("key"), CANARY).unwrap();
    std::fs::hard_link(test.path("key"), test.path("other-key")).unwrap();
    let whole = name("input.csv");
    for words in [
        ["input.csv", "--report", "hard.csv"].as_slice(),
        &["input.csv", "--report", "soft.csv"],
        &["input.csv", "--report", "folder/../input.csv"],
        &["input.csv", "--report", &whole],
        &["input.csv", "--state", "hard.csv"],
        &["hard.csv", "--report", "input.csv"],
        &["input.csv", "--report", "new", "--state", "dangling"],
        &["input.csv", "--report", "dangling", "--state", "folder/../new"],
        &["input.csv", "--key-file", "key", "--report", "other-key"],
        &["input.csv", "--key-file", "key", "--state", "other-key"],
        &["key", "--key-file", "other-key"],
    ] {
        let error = Run::of(test.command(words).arg("--json")).err(2);
        assert_eq!(error["code"], "invalid-input", "{words:?}");
    }
    // The input by standard input, and the report by standard output.
    let open = || std::fs::File::open(test.path("input.csv")).unwrap();
    let mut command = test.command(&["-", "--json", "--report", "hard.csv"]);
    assert_eq!(Run::of(command.stdin(open())).err(2)["code"], "invalid-input");
    let create = || std::fs::File::create(test.path("output")).unwrap();
    let mut command = test.command(&["input.csv", "--json", "--report", "output"]);
    assert_eq!(command.stdout(create()).status().unwrap().code(), Some(2));
    let document: Value = serde_json::from_slice(&std::fs::read(test.path("output")).unwrap()).unwrap();
    assert_eq!(document["err"]["code"], "invalid-input");
    let mut command = test.command(&["input.csv", "--json", "--report", "/dev/stderr"]);
    assert_eq!(Run::of(command.stderr(create())).err(2)["code"], "invalid-input");
    assert_eq!(std::fs::read(test.path("input.csv")).unwrap(), b"email\na@example.com\n");
    assert_eq!(std::fs::read_to_string(test.path("key")).unwrap(), CANARY);
    assert!(!test.path("new").exists());
    assert_eq!(test.server.requests(), 0);
    // What is printed may go to one file.
    let output = create();
    let mut command = test.command(&["input.csv"]);
    let both = command.stdout(output.try_clone().unwrap()).stderr(output);
    assert_eq!(both.status().unwrap().code(), Some(0));
}

/// A pipe at whose other end nobody is.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_what_waits_for_a_pipe() {
    let test = Try::new(contacts(1));
    assert!(Command::new("mkfifo").arg(test.path("pipe")).status().unwrap().success());
    for words in [["pipe", "--list", LIST].as_slice(), &["input.csv", "--report", "pipe"]] {
        for (name, number) in [("-INT", 2), ("-TERM", 15)] {
            let mut command = test.command(words);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let status = format!("/proc/{}/status", child.id());
            // It waits for this signal.
            test.wait_for("its readiness", |_| {
                let status = std::fs::read_to_string(&status).unwrap();
                let caught =
                    status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
                u64::from_str_radix(caught, 16).unwrap() >> (number - 1) & 1 == 1
            });
            signal(&child, name);
            test.wait_for("its end", |_| child.try_wait().unwrap().is_some());
            assert_eq!(child.wait().unwrap().code(), Some(130), "{words:?} {name}");
        }
    }
    assert_eq!(test.server.account().imports().count(), 0);
}

#[test]
fn a_report_has_no_formulas_and_no_controls() {
    let test = Try::new("");
    let formula = "=cmd|\"/c calc\"!A1";
    let names = [formula, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a;=1", "\u{1b}[2J\u{9b}\u{202e}", "plain"];
    let lines = names.map(|name| json!({ "email": "a@example.com", name: 1 }).to_string() + "\n").concat();
    let good = "{\"email\": \"b@example.com\"}\n";
    std::fs::write(test.path("contacts.jsonl"), lines + good).unwrap();
    test.server.account().refuse_to_import("b@example.com", "=1+1\u{1b}[2J");
    let mut command = test.command(&["contacts.jsonl", "--json", "--report", "report.csv"]);
    assert_eq!(Run::of(&mut command).code, 1);
    let report = test.report();
    let fields: Vec<&str> = report.iter().map(|row| row[2].as_str()).collect();
    let escaped = "\\u{1b}[2J\\u{9b}\\u{202e}";
    let expected =
        ["'=cmd|\"/c calc\"!A1", "'+1", "'-1", "'@SUM(A1)", "\\t=1", "\\r=1", "a;'=1", escaped, "plain", ""];
    assert_eq!(fields, expected);
    assert_eq!(report[9][3], "'=1+1\\u{1b}[2J");
}

#[test]
fn a_dry_run_prints_no_controls() {
    let test = Try::new("email,first name\na@example.com,A\u{9b}2J\u{202e}\u{7f}é\n");
    let run = Run::of(&mut test.command(&["input.csv", "--dry-run"]));
    assert!(run.code == 0 && !run.out.contains(['\u{9b}', '\u{202e}', '\u{7f}']), "{:?}", run.out);
    let planned = requests(&run.out);
    let name = "/data/attributes/profiles/data/0/attributes/first_name";
    assert_eq!(planned.last().unwrap().1.pointer(name), Some(&json!("A\u{9b}2J\u{202e}\u{7f}é")));
}

#[cfg(unix)]
#[test]
fn a_report_need_not_be_a_file() {
    let test = Try::new(contacts(25));
    let report = |path: &str, words: &[&str]| {
        Run::of(test.command(&["input.csv", "--json", "--batch", "10", "--report", path]).args(words))
    };
    assert_eq!(report("/dev/null", &[]).ok()["done"], 25);
    let all: String = (2..=26).map(|line| format!("{line},done,,\n")).collect();
    let all = format!("line,outcome,field,reason\n{all}");
    let out = report("/dev/stdout", &[]).out;
    let document: Value = serde_json::from_str(out.strip_prefix(&all).unwrap()).unwrap();
    assert_eq!(document["ok"]["done"], 25);

    // A pipe, over two runs.
    assert!(Command::new("mkfifo").arg(test.path("pipe")).status().unwrap().success());
    let reader = || {
        let pipe = test.path("pipe");
        std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap())
    };
    test.server.set_faults(faults(&[&format!("{IMPORTS}: #2 status 401")]));
    let first = reader();
    assert_eq!(report("pipe", &["--state", "state"]).code, 5);
    assert_eq!(first.join().unwrap().lines().count(), 1);
    let second = reader();
    report("pipe", &["--state", "state"]).ok();
    assert_eq!(second.join().unwrap(), all);
}

#[cfg(unix)]
#[test]
fn a_dry_run_of_an_input_that_becomes_shorter_fails() {
    const ROWS: usize = 20_000;
    for name in ["input.csv", "-"] {
        let test = Try::new(contacts(ROWS));
        let input = std::fs::OpenOptions::new().read(true).write(true).open(test.path("input.csv")).unwrap();
        let mut command = test.command(&[name, "--dry-run", "--list", LIST, "--batch", "1000"]);
        command.stdin(input.try_clone().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // After its first words it waits for somebody to read the others, with most of the input unread.
        let mut first = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        input.set_len(input.metadata().unwrap().len() / 2).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}");
    }
}

#[test]
fn an_input_that_becomes_shorter_is_no_whole_one() {
    const ROWS: usize = 20_000;
    let mut account = Account::demo();
    account.add_key(CANARY, Account::SCOPES);
    let test = Try::with(contacts(ROWS), Klaviyo::from(account).stop_the_clock(), &[]);
    let words = ["--list", LIST, "--batch", "200"];
    let mut child = test.spawn(&words);
    // So many may be under way at once. What is read ahead of them is not half of the file.
    test.wait_for("the imports", |server| server.account().imports().count() == 32);
    let input = std::fs::read(test.path("input.csv")).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(test.path("input.csv")).unwrap();
    file.set_len(input.len() as u64 * 2 / 3).unwrap();
    test.wait_for("its end", |server| {
        server.advance(Duration::from_secs(60));
        child.try_wait().unwrap().is_some()
    });
    let output = child.wait_with_output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &document["err"]["code"]), (Some(1), &json!("other")));
    assert!(test.outcomes().iter().all(|row| row.1 == "done"));
    assert!(test.outcomes().len() < ROWS * 2 / 3);
    std::fs::write(test.path("input.csv"), input).unwrap();
    let mut child = test.spawn(&words);
    test.wait_for("the rest", |server| {
        server.advance(Duration::from_secs(60));
        child.try_wait().unwrap().is_some()
    });
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(test.imports().iter().sum::<usize>(), ROWS);
    assert_eq!(test.emails().len(), ROWS);
    assert_eq!(test.outcomes(), done(2..=ROWS as u64 + 1));
}

/// A sync of which one batch of three has ended.
fn interrupted() -> (Try, [&'static str; 6]) {
    let test = Try::faulty(contacts(25), &[&format!("{IMPORTS}: #2 status 401")]);
    let words = ["--list", LIST, "--batch", "10", "--state", "state"];
    assert_eq!(test.sync(&words).code, 5);
    (test, words)
}

#[test]
fn another_input_is_noticed() {
    let (test, words) = interrupted();
    let input = contacts(25);
    for other in [input.replacen("Priya 3", "Priya X", 1), contacts(8), input.replacen("\n", "\r\n", 1)] {
        std::fs::write(test.path("input.csv"), other).unwrap();
        let error = test.sync(&words).err(2);
        assert!(error["message"].as_str().unwrap().contains("not the one"), "{error}");
    }
    assert_eq!(test.imports(), [10]);
    std::fs::write(test.path("input.csv"), input).unwrap();
    test.sync(&words).ok();
    assert_eq!(test.outcomes(), done(2..=26));
}

#[test]
fn other_options_are_noticed() {
    let (test, words) = interrupted();
    for other in [
        ["--list", "Newsletter", "--batch", "10", "--state", "state"].as_slice(),
        &["--list", LIST, "--batch", "9", "--state", "state"],
        &["--list", LIST, "--batch", "10", "--state", "state", "--region", "IN"],
        &["--list", LIST, "--batch", "10", "--state", "state", "--consent", "email"],
        &["--list", LIST, "--batch", "10", "--state", "state", "--map", "first name=name"],
    ] {
        let error = test.sync(other).err(2);
        assert!(error["message"].as_str().unwrap().contains("it was begun with"), "{error}");
    }
    assert_eq!(test.imports(), [10]);
    test.sync(&words).ok();
}

#[test]
fn a_state_is_one_syncs_at_a_time() {
    let mut account = Account::demo();
    account.add_key(CANARY, Account::SCOPES);
    let test = Try::with(contacts(5), Klaviyo::from(account).stop_the_clock(), &[]);
    let child = test.spawn(&[]);
    test.wait_for("the import", |server| server.account().imports().count() == 1);
    assert_eq!(test.sync(&["--state", "state"]).err(1)["code"], "conflict");
    kill(child);
    test.server.advance(Duration::from_secs(60));
    test.sync(&["--state", "state"]).ok();
    assert_eq!(test.imports(), [5]);
}

#[test]
fn a_torn_state_goes_on_from_its_last_whole_line() {
    let (test, words) = interrupted();
    let state = std::fs::read(test.path("state")).unwrap();
    let report = std::fs::read(test.path("report.csv")).unwrap();
    let server = test.server.account().imports().count();
    assert_eq!(server, 1);
    // As if the last steps had not been written whole, with a report that is further.
    std::fs::write(test.path("state"), &state[..state.len() - 5]).unwrap();
    std::fs::write(test.path("report.csv"), [report.as_slice(), b"99,done,,\n"].concat()).unwrap();
    test.sync(&words).ok();
    assert_eq!(test.outcomes(), done(2..=26));
    assert_eq!(test.imports(), [10, 10, 5]);
    std::fs::write(test.path("other"), "email\na@example.com\n").unwrap();
    assert_eq!(test.sync(&["--state", "other"]).err(2)["code"], "invalid-input");
    assert_eq!(std::fs::read(test.path("other")).unwrap(), b"email\na@example.com\n");
}

#[test]
fn a_report_that_was_shortened_is_noticed() {
    let test = Try::new(contacts(5));
    let words = ["--state", "state"];
    test.sync(&words).ok();
    // As if it had stopped just before its end.
    let state = std::fs::read_to_string(test.path("state")).unwrap();
    let report = std::fs::read(test.path("report.csv")).unwrap();
    let before = state.trim_end().rsplit_once('\n').unwrap().0;
    std::fs::write(test.path("state"), format!("{before}\n")).unwrap();
    std::fs::write(test.path("report.csv"), &report[..report.len() - 1]).unwrap();
    assert_eq!(test.sync(&words).err(2)["code"], "invalid-input");
    std::fs::write(test.path("report.csv"), &report).unwrap();
    test.sync(&words).ok();
    assert_eq!(test.outcomes(), done(2..=6));
    assert_eq!(test.imports(), [5]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_twice_does_not_wait_for_an_answer() {
    let test = Try::faulty(contacts(5), &[&format!("{IMPORTS}: #1 latency 1h")]);
    let child = test.spawn(&[]);
    test.wait_for("the import", |server| server.faults()[0].1 == 1);
    let start = Instant::now();
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, "-INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(5));
    test.server.set_faults(Faults::none());
    test.sync(&["--state", "state"]).ok();
    assert_eq!(test.imports(), [5]);
}
