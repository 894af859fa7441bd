//! Where the key comes from, and that it is printed nowhere: `Run::of` looks for the canary in all output.

use crate::run::{CANARY, Run, Service, bare, klaviyo, server};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

#[test]
fn a_file_goes_before_the_variable() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{CANARY}\n")).unwrap();
    let lists = |command: &mut std::process::Command| Run::of(command.args(["lists", "--json"])).ok();
    lists(klaviyo(&server.url(), "pk_wrong_1234567890").arg("--key-file").arg(&file));
    lists(klaviyo(&server.url(), "").env("KLAVIYO_API_KEY_FILE", &file));
}

#[test]
fn no_key_is_2() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, " \n").unwrap();
    assert_eq!(Run::of(bare().args(["lists", "--json"])).err(2)["code"], "invalid-input");
    for file in [empty.as_path(), &folder.path().join("missing"), folder.path()] {
        let run = Run::of(bare().args(["lists", "--json", "--key-file"]).arg(file));
        let error = run.err(2);
        assert_eq!(error["code"], "invalid-input");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("--key-file") && !message.contains("KLAVIYO_API_KEY"), "{message}");
        assert_eq!(Run::of(bare().args(["lists", "--key-file"]).arg(file)).code, 2);
    }
}

#[test]
fn a_key_among_the_arguments_is_refused_and_not_repeated() {
    for words in [
        vec!["lists", CANARY],
        vec!["--api-key", CANARY, "lists"],
        vec!["lists", &format!("--key={CANARY}")],
        vec!["lookup", "--email", &format!("Klaviyo-API-Key {CANARY}")],
        vec!["mock", "--key", &format!("{CANARY}=lists:read")],
        vec!["lists", "--endpoint", &format!("https://{CANARY}@127.0.0.1")],
        vec!["lists", "--component", &format!("./{CANARY}")],
        vec!["lookup", "--email", &format!("{CANARY}@example.com")],
        vec!["lookup", "--external-id", &format!("({CANARY});")],
    ] {
        assert_eq!(Run::of(bare().args(&words)).code, 2);
        assert_eq!(Run::of(bare().arg("--json").args(&words)).err(2)["code"], "invalid-input");
    }
}

/// A server whose answers repeat the request, the key included.
fn echo(head: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), head);
        }
    });
    url
}

fn answer(mut stream: TcpStream, head: &str) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    let said = String::from_utf8_lossy(&request).replace("\r\n", " ").replace('"', "'");
    let body = format!("{{\"errors\":[{{\"code\":\"{said}\",\"title\":\"{said}\",\"detail\":\"{said}\"}}]}}");
    let length = body.len();
    let _ = write!(
        stream,
        "{head}x-klaviyo-req-id: {said}\r\nserver: {said}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
}

#[test]
fn a_server_that_repeats_the_key_does_not_get_it_printed() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.api+json\r\n",
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/vnd.api+json\r\n",
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/vnd.api+json\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\n",
        "no HTTP\r\n",
    ] {
        let url = echo(head);
        for words in
            [["lists"].as_slice(), &["lists", "--verbose"], &["lists", "--json", "-v"], &["doctor", "-v"]]
        {
            let run = Run::of(klaviyo(&url, CANARY).args(words));
            assert_ne!(run.code, 0, "{head}{words:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, CANARY).unwrap();
    for (mode, is_told) in
        [(0o600, false), (0o400, false), (0o640, false), (0o644, true), (0o666, true), (0o602, true)]
    {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let run = |words: &[&str]| {
            Run::of(klaviyo(&server.url(), "").arg("--key-file").arg(&file).args(words).arg("--json"))
        };
        let lists = run(&["lists"]);
        lists.ok();
        let path = file.to_str().unwrap();
        assert_eq!(lists.err.lines().count(), usize::from(is_told), "{mode:o}: {}", lists.err);
        assert_eq!(lists.err.contains(&format!("chmod 600 {path}")), is_told);
        let check = run(&["doctor"]).ok()["checks"][0].clone();
        assert_eq!((&check["check"], check["state"] == "warning"), (&"key".into(), is_told), "{mode:o}");
        assert_eq!(check["fix"].is_string(), is_told);
    }
}

/// The endpoint is an address of this machine that is not its loopback address.
#[cfg(unix)]
#[test]
fn a_key_that_is_sent_in_clear_is_told() {
    let server = server();
    let elsewhere = server.url().replace("127.0.0.1", "0.0.0.0");
    assert_ne!(elsewhere, server.url());
    let opt_in = ["opt-in", "--list", "Y6nRLr", "--email", "priya@example.com"];
    for words in [["lists"].as_slice(), &["lookup", "--email", "priya@example.com"], &opt_in, &["doctor"]] {
        for (url, is_told) in [(elsewhere.as_str(), true), (&server.url(), false)] {
            let run = Run::of(klaviyo(url, CANARY).args(words).arg("--json"));
            assert!(run.code == 0 || words[0] == "lookup", "{}", run.out);
            run.json();
            assert_eq!(run.err.lines().count(), usize::from(is_told), "{words:?}: {}", run.err);
            assert_eq!(run.err.contains(url), is_told, "{words:?}: {}", run.err);
        }
    }
    let checks = |url: &str| Run::of(klaviyo(url, CANARY).args(["doctor", "--json"])).ok()["checks"].clone();
    for (url, state) in [(elsewhere.as_str(), "warning"), (&server.url(), "good")] {
        let check = checks(url)[1].clone();
        assert_eq!((&check["check"], &check["state"]), (&"endpoint".into(), &state.into()));
        assert_eq!(check["fix"].is_string(), state == "warning");
    }
    let mut command = klaviyo(&elsewhere, CANARY);
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let addresses = ["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"];
    let serve = command.arg("serve").args(addresses).arg("--json").env("KLAVIYO_SIGNING_SECRET", secret);
    assert!(Service::start(serve).end("-TERM").contains(&elsewhere));
}
