//! `klaviyo-connector connect`, and what can be done with the file that it writes.

use crate::run::{Run, account, bare, eventually, klaviyo};
use klaviyo_mock::{Account, App, Faults, Klaviyo, Rates, Server};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use tempfile::TempDir;
use ureq::Agent;

pub(crate) fn server() -> Server {
    let klaviyo = Klaviyo::from(account()).rates(Rates::off()).app(App::demo()).rotate_refresh_tokens();
    Server::start(klaviyo).unwrap()
}

fn connect(server: &Server, secrets: &Path) -> Command {
    let mut command = bare();
    command
        .args(["connect", "--json", "--account", "shop-1", "--port", "0", "--secrets"])
        .arg(secrets)
        .env("KLAVIYO_ENDPOINT", server.url())
        .env("KLAVIYO_CLIENT_ID", App::DEMO_CLIENT_ID)
        .env("KLAVIYO_CLIENT_SECRET", App::DEMO_CLIENT_SECRET);
    command
}

/// A command that waits for a browser.
struct Waiting {
    process: Child,
    errors: BufReader<ChildStderr>,
    url: String,
}

impl Waiting {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(process.stderr.take().unwrap());
        let mut url = String::new();
        while !url.trim_start().starts_with("http") {
            url.clear();
            assert!(errors.read_line(&mut url).unwrap() > 0, "it ended");
        }
        Self { process, errors, url: url.trim().to_owned() }
    }

    /// The address that the browser is sent back to.
    fn location(&self) -> String {
        let agent: Agent = Agent::config_builder().max_redirects(0).build().into();
        let reply = agent.get(&self.url).call().unwrap();
        reply.headers()["location"].to_str().unwrap().to_owned()
    }

    fn end(mut self) -> Run {
        let (mut out, mut err) = (String::new(), String::new());
        self.process.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.errors.read_to_string(&mut err).unwrap();
        let code = self.process.wait().unwrap().code().unwrap();
        for secret in [App::DEMO_CLIENT_SECRET, "refresh_0", "access_0"] {
            assert!(
                !out.contains(secret) && !err.contains(secret) && !self.url.contains(secret),
                "{out}{err}"
            );
        }
        Run { code, out, err }
    }
}

fn status(url: &str) -> u16 {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    agent.get(url).call().unwrap().status().as_u16()
}

/// A folder with a file of an account that has let the app in.
pub(crate) fn connected(server: &Server) -> TempDir {
    let secrets = tempfile::tempdir().unwrap();
    let waiting = Waiting::start(&mut connect(server, secrets.path()));
    assert_eq!(status(&waiting.location()), 200);
    let ok = waiting.end().ok();
    assert_eq!((ok["account"].as_str(), ok["scopes"].as_array().unwrap().len()), (Some("shop-1"), 11));
    secrets
}

#[test]
fn a_browser_lets_the_app_in_and_the_file_opens_the_account() {
    let server = server();
    let secrets = connected(&server);
    let file = secrets.path().join("shop-1.oauth");
    let with_file = |words: &[&str]| {
        let mut command = klaviyo(&server.url(), "");
        Run::of(command.args(words).arg("--oauth-file").arg(&file))
    };
    assert_eq!(with_file(&["lists", "--json"]).ok().as_array().unwrap().len(), 3);
    // Another process goes on with the token that has replaced the file's.
    server.advance(std::time::Duration::from_secs(3600));
    assert_eq!(with_file(&["lists", "--json"]).ok().as_array().unwrap().len(), 3);
    assert_eq!(server.refreshes(), 2);
    let checks = with_file(&["doctor", "--json"]).ok();
    let check = |name: &str| {
        let checks = checks["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap().clone()
    };
    assert_eq!(check("authentication")["state"], "good");
    assert!(check("authentication")["found"].as_str().unwrap().contains("OAuth"));
    let verbose = with_file(&["lists", "--verbose"]);
    assert_eq!(verbose.code, 0);

    server.uninstall(App::DEMO_CLIENT_ID);
    let error = with_file(&["lists", "--json"]).err(5);
    assert_eq!(error["code"], "unauthenticated");
    assert!(error["message"].as_str().unwrap().contains("klaviyo-connector connect --account shop-1"));
    // No token was got, so none is said to be refused.
    let codes: Vec<&Value> =
        error["details"].as_array().unwrap().iter().map(|detail| &detail["code"]).collect();
    assert_eq!(codes, ["invalid_grant"]);
    let said = with_file(&["lists"]).err;
    assert!(said.contains("shop-1.oauth") && !said.contains(" key "), "{said}");
    // Connected anew with the app of the file that is there, the newer installation counts.
    let mut again = connect(&server, secrets.path());
    let waiting = Waiting::start(again.env_remove("KLAVIYO_CLIENT_ID").env_remove("KLAVIYO_CLIENT_SECRET"));
    assert_eq!(status(&waiting.location()), 200);
    waiting.end().ok();
    assert_eq!(with_file(&["lists", "--json"]).ok().as_array().unwrap().len(), 3);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for entry in std::fs::read_dir(secrets.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{entry:?}");
        }
    }
}

#[test]
fn verbose_shows_no_token() {
    let server = server();
    let secrets = connected(&server);
    let file = secrets.path().join("shop-1.oauth");
    let run = Run::of(klaviyo(&server.url(), "").args(["lists", "--verbose", "--oauth-file"]).arg(&file));
    assert_eq!((run.code, run.err.contains("/oauth/token"), server.refreshes()), (0, true, 1));
    for secret in [App::DEMO_CLIENT_SECRET, "refresh_0", "access_0", "access_token\":\""] {
        assert!(!run.err.contains(secret), "{}", run.err);
    }
    let text: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(!run.err.contains(text["refresh_token"].as_str().unwrap()));
}

#[test]
fn only_the_browser_that_was_asked_for_is_listened_to() {
    let server = server();
    let secrets = tempfile::tempdir().unwrap();
    let waiting = Waiting::start(&mut connect(&server, secrets.path()));
    let location = waiting.location();
    let (page, _) = location.split_once('?').unwrap();
    for odd in ["", "?code=mine", "?code=mine&state=mine", "?error=access_denied"] {
        assert_eq!(status(&format!("{page}{odd}")), 400, "{odd}");
    }
    let (_, state) = location.split_once("&state=").unwrap();
    assert_eq!(status(&format!("{page}?error=access_denied&state={state}")), 200);
    let error = waiting.end().err(5);
    assert!(error["message"].as_str().unwrap().contains("access_denied"), "{error}");
    assert_eq!(std::fs::read_dir(secrets.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_work_is_told_before_anybody_is_asked() {
    let server = server();
    let secrets = tempfile::tempdir().unwrap();
    let run = |command: &mut Command| Run::of(command.stdin(Stdio::null())).err(2)["message"].to_string();
    let missing = run(connect(&server, secrets.path()).env_remove("KLAVIYO_CLIENT_SECRET"));
    assert!(missing.contains("KLAVIYO_CLIENT_SECRET"), "{missing}");
    let nowhere = run(&mut connect(&server, &secrets.path().join("nowhere")));
    assert!(nowhere.contains("nowhere"), "{nowhere}");
    let odd = run(connect(&server, secrets.path()).env("KLAVIYO_CLIENT_ID", "a b"));
    assert!(odd.contains("client id"), "{odd}");

    std::fs::write(secrets.path().join("shop-1.oauth"), "{}").unwrap();
    let mut lists = klaviyo(&server.url(), Account::DEMO_KEY);
    let broken =
        run(lists.args(["lists", "--json", "--oauth-file"]).arg(secrets.path().join("shop-1.oauth")));
    assert!(broken.contains("client_id") && broken.contains("connect"), "{broken}");
    assert_eq!(server.requests(), 0);
}

#[cfg(unix)]
#[test]
fn a_command_that_is_killed_while_it_refreshes_leaves_the_rest_to_the_next() {
    // The answer comes too late for the first one.
    let faults = Faults::none().rule("POST /oauth/token: #2 latency 60s".parse().unwrap());
    let simulated = Klaviyo::from(account()).rates(Rates::off()).app(App::demo()).faults(faults);
    let server = Server::start(simulated).unwrap();
    let secrets = connected(&server);
    let lists = || {
        let mut command = klaviyo(&server.url(), "");
        command.args(["lists", "--json", "--oauth-file"]).arg(secrets.path().join("shop-1.oauth"));
        command
    };
    let before = server.requests();
    let mut doomed = lists().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually(&true, || server.requests() > before);
    doomed.kill().unwrap();
    doomed.wait().unwrap();
    let since = std::time::Instant::now();
    assert_eq!(Run::of(&mut lists()).ok().as_array().unwrap().len(), 3);
    // As long as the first one could still have come to an end.
    assert!(since.elapsed() >= std::time::Duration::from_secs(20));
    assert_eq!(Run::of(&mut lists()).ok().as_array().unwrap().len(), 3);
    assert_eq!(server.refreshes(), 1);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_behind() {
    let server = server();
    let secrets = tempfile::tempdir().unwrap();
    let waiting = Waiting::start(&mut connect(&server, secrets.path()));
    let id = waiting.process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(waiting.end().code, 130);
    assert_eq!(std::fs::read_dir(secrets.path()).unwrap().count(), 0);
}
