//! A file is synced with no command in sight: the component in wasmtime, a Klaviyo on a loopback port, and a
//! caller that hears of each row.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use klaviyo_host::types::Code;
use klaviyo_host::{Connector, Egress, Limits, LoadError, Pace, Secret, Tenant, Transport};
use klaviyo_mock::{Account, Faults, Klaviyo, Rates, Server};
use klaviyo_sync::{
    Channel, DryAccount, Error, EventInput, EventSettings, Input, Interrupt, Interrupter, Notice, Progress,
    Reporter, RowOutcome, Settings, Source, Summary, SyncRun, UnsentRequest, dry_run, track,
};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const KEY: &str = "pk_a_key_of_this_test";
const LIST: &str = "Y6nRLr";
const NAME: &str = "WhatsApp Opt-Ins";

/// What a caller hears, and what it does then.
#[derive(Default)]
struct Listener {
    rows: Vec<(u64, RowOutcome)>,
    progress: Progress,
    notices: Vec<Notice>,
    requests: Vec<UnsentRequest>,
    /// Whom to ask to stop, and after how many jobs under way.
    stop: Option<(Interrupter, usize)>,
}

impl Reporter for Listener {
    fn row(&mut self, line: u64, outcome: &RowOutcome) {
        self.rows.push((line, outcome.clone()));
    }

    fn progress(&mut self, progress: &Progress) {
        self.progress = *progress;
        if let Some((interrupter, jobs)) = &self.stop
            && progress.jobs >= *jobs
        {
            interrupter.ask();
        }
    }

    fn notice(&mut self, notice: &Notice) {
        self.notices.push(notice.clone());
    }

    fn request(&mut self, request: &UnsentRequest) -> io::Result<()> {
        self.requests.push(request.clone());
        Ok(())
    }
}

impl Listener {
    fn outcomes(&self) -> Vec<(u64, &str)> {
        self.rows.iter().map(|(line, outcome)| (*line, outcome.as_ref())).collect()
    }
}

fn klaviyo() -> Klaviyo {
    let mut account = Account::demo();
    account.add_key(KEY, Account::SCOPES);
    Klaviyo::from(account).rates(Rates::off()).job_delay(Duration::from_millis(20))
}

fn component() -> PathBuf {
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/component/klaviyo.wasm");
    assert!(component.is_file(), "there is no component yet: run `cargo xtask build` first");
    component
}

fn tenant(limits: Limits, server: &Server) -> Tenant {
    let connector = Connector::builder()
        .egress(Egress::endpoint(&server.url()).unwrap())
        .limits(limits)
        .cache(env!("CARGO_TARGET_TMPDIR"))
        .load(component())
        .unwrap();
    Tenant::builder(&connector, Secret::new(KEY).unwrap()).pace(Pace::unlimited()).build()
}

fn dry_tenant(transport: impl Transport) -> Result<Tenant, LoadError> {
    let connector = Connector::builder()
        .limits(DryAccount::limits())
        .transport(transport)
        .cache(env!("CARGO_TARGET_TMPDIR"))
        .load(component())?;
    let key = Secret::new("any-word").unwrap();
    Ok(Tenant::builder(&connector, key).pace(Pace::unlimited()).build())
}

/// Syncs a text with the list, whose id is asked for only once.
async fn sync(
    server: &Server,
    text: &str,
    settings: &Settings,
    interrupt: Interrupt,
    listener: &mut Listener,
) -> Result<Summary, Error> {
    let source = Source::reader("the test", io::Cursor::new(text.to_owned()));
    let input = Input::new(source, settings)?.open().await?;
    let run = SyncRun::open(input, settings.clone())?;
    let tenant = tenant(settings.limits(), server);
    let find_list = async |name: &str| {
        assert_eq!(name, NAME);
        Ok(LIST.to_owned())
    };
    run.run(tenant, find_list, interrupt, listener).await
}

fn members() -> Settings {
    Settings { list: Some(NAME.to_owned()), batch: 10, ..Settings::default() }
}

fn contacts(count: usize) -> String {
    let rows = (0..count).map(|n| format!("contact+{n}@example.com,Priya {n}\n"));
    ["email,first name\n".to_owned()].into_iter().chain(rows).collect()
}

#[tokio::test]
async fn a_file_is_synced_and_each_row_has_its_outcome() {
    let server = Server::start(klaviyo()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, report) = (folder.path().join("contacts.csv"), folder.path().join("report.csv"));
    std::fs::write(&file, format!("{}no address,Zed\n", contacts(25))).unwrap();
    let settings = Settings { report: Some(report.clone()), ..members() };
    let input = Input::new(Source::path(&file), &settings).unwrap().open().await.unwrap();
    assert_eq!(input.form.format.as_ref(), "csv");
    assert_eq!(input.length, Some(file.metadata().unwrap().len()));
    let run = SyncRun::open(input, settings.clone()).unwrap();
    let tenant = tenant(settings.limits(), &server);
    let mut listener = Listener::default();
    let find_list = async |_: &str| Ok(LIST.to_owned());
    let summary = run.run(tenant, find_list, Interrupt::new().1, &mut listener).await.unwrap();

    assert_eq!((summary.counts.done, summary.counts.refused, summary.counts.failed), (25, 1, 0));
    assert_eq!((summary.ended_now, summary.was_complete), (26, false));
    let mut expected: Vec<_> = (2..=26).map(|line| (line, "done")).collect();
    expected.push((27, "refused"));
    assert_eq!(listener.outcomes(), expected);
    assert_eq!(listener.rows[25].1.reason().field, "email");
    assert_eq!(listener.progress.counts, summary.counts);
    assert_eq!(server.account().members(LIST).len(), 25);
    assert_eq!(server.account().imports().map(|import| import.total).collect::<Vec<_>>(), [10, 10, 5]);
    let report = std::fs::read_to_string(&report).unwrap();
    assert_eq!(report.lines().count(), 27);
    assert!(report.starts_with("line,outcome,field,reason\n2,done,,\n"), "{report}");
}

#[tokio::test]
async fn an_interrupted_sync_goes_on_by_its_state() {
    let server = Server::start(klaviyo().stop_the_clock()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { state: Some(folder.path().join("state")), ..members() };
    let (text, (interrupter, interrupt)) = (contacts(25), Interrupt::new());
    let mut listener = Listener { stop: Some((interrupter, 3)), ..Listener::default() };
    let error = sync(&server, &text, &settings, interrupt, &mut listener).await.unwrap_err();
    assert!(error.is_interruption() && listener.rows.is_empty());
    assert_eq!(error.stopped.unwrap().counts.rows(), 0);

    server.advance(Duration::from_secs(60));
    let mut listener = Listener::default();
    let summary = sync(&server, &text, &settings, Interrupt::new().1, &mut listener).await.unwrap();
    assert_eq!((summary.counts.done, summary.ended_now), (25, 25));
    assert_eq!(listener.notices, [Notice::Resumed { rows: 0, imports: 3 }]);
    assert_eq!(server.account().imports().count(), 3, "nothing was submitted twice");

    let mut listener = Listener::default();
    let summary = sync(&server, &text, &settings, Interrupt::new().1, &mut listener).await.unwrap();
    assert!(summary.was_complete && listener.rows.is_empty());
    let other = Settings { strict: true, ..settings };
    let error = sync(&server, &text, &other, Interrupt::new().1, &mut listener).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
}

/// As after a crash: nothing of the sync runs on, and nobody was told.
#[tokio::test]
async fn a_sync_that_was_dropped_goes_on_by_its_state() {
    let rule = "POST /api/profile-bulk-import-jobs: #2 latency 1h".parse().unwrap();
    let server = Server::start(klaviyo().faults(Faults::none().rule(rule))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { state: Some(folder.path().join("state")), ..members() };
    let text = contacts(25);
    let mut listener = Listener::default();
    // The jobs, the first import, and the second, which waits.
    let reached = async {
        while server.requests() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        result = sync(&server, &text, &settings, Interrupt::new().1, &mut listener) => panic!("{result:?}"),
        () = reached => {}
    }
    assert_eq!(server.account().imports().count(), 1);
    server.set_faults(Faults::none());
    let summary = sync(&server, &text, &settings, Interrupt::new().1, &mut listener).await.unwrap();
    assert_eq!(summary.counts.done, 25);
    assert_eq!(server.account().imports().map(|import| import.total).collect::<Vec<_>>(), [10, 10, 5]);
}

#[tokio::test]
async fn without_a_state_each_row_that_is_left_has_failed() {
    let server = Server::start(klaviyo().stop_the_clock()).unwrap();
    let (interrupter, interrupt) = Interrupt::new();
    let mut listener = Listener { stop: Some((interrupter, 1)), ..Listener::default() };
    let error = sync(&server, &contacts(25), &members(), interrupt, &mut listener).await.unwrap_err();
    let stopped = error.stopped.unwrap();
    assert_eq!((stopped.counts.failed, stopped.incomplete_report), (25, None));
    assert_eq!(listener.outcomes(), (2..=26).map(|line| (line, "failed")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_sent() {
    let settings = Settings { consent: vec![Channel::Email], batch: 10, ..members() };
    let text = format!("{}no address,Zed\n", contacts(25));
    let source = Source::reader("the test", io::Cursor::new(text));
    let input = Input::new(source, &settings).unwrap().open().await.unwrap();
    let mut listener = Listener::default();
    let account = DryAccount::new(Some((LIST, NAME)), dry_tenant).unwrap();
    let plan = dry_run(input, &settings, Some(LIST), account, &mut listener).await.unwrap();
    assert_eq!((plan.counts.done, plan.counts.refused), (25, 1));
    assert_eq!(plan.requests["bulk import"], 3);
    assert_eq!(listener.requests.len() as u64, plan.requests.values().sum::<u64>());
    assert!(listener.requests.iter().all(|request| request.headers.iter().all(|(_, value)| value != KEY)));
    assert_eq!(listener.rows.len(), 26);
}

#[tokio::test]
async fn settings_that_do_not_go_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contacts.csv");
    std::fs::write(&file, contacts(1)).unwrap();
    let consent = vec![Channel::Email];
    for settings in [
        Settings { consent: consent.clone(), ..Settings::default() },
        Settings { one_by_one: true, ..Settings::default() },
        Settings { one_by_one: true, consent, ..members() },
        Settings { batch: 0, ..members() },
        Settings { batch: 10_001, ..members() },
        Settings { report: Some(file.clone()), ..members() },
        Settings { state: Some(folder.path().join("./contacts.csv")), ..members() },
    ] {
        let error = Input::new(Source::path(&file), &settings).err().unwrap();
        assert_eq!(error.code(), Code::InvalidInput, "{settings:?}");
    }
}

#[tokio::test]
async fn events_are_tracked_and_each_row_has_its_outcome() {
    let server = Server::start(klaviyo()).unwrap();
    let settings = EventSettings { metric: Some("Placed Order".to_owned()), ..EventSettings::default() };
    let text = "email,unique id,value\na@example.com,1,12.50\na@example.com,1,\nb@example.com,1,\n";
    let source = Source::reader("the test", io::Cursor::new(text));
    let input = EventInput::new(source, &settings).unwrap().open().await.unwrap();
    let mut listener = Listener::default();
    let account = tenant(settings.limits(), &server);
    let counts = track(input, &settings, account, Interrupt::new().1, &mut listener).await.unwrap();
    assert_eq!((counts.done, counts.refused, counts.failed), (2, 1, 0));
    assert_eq!(listener.outcomes(), [(2, "done"), (3, "refused"), (4, "done")]);
    assert_eq!(listener.rows[1].1.reason().field, "unique-id");
    assert_eq!((listener.progress.counts, listener.progress.read), (counts, 3));
    assert_eq!(listener.progress.bytes, text.len() as u64);
    // The two events that are left have one id, so each is in a request of its own.
    assert_eq!(server.requests(), 2);

    let refused = Source::reader("the test", io::Cursor::new("email\na@example.com\n"));
    let error = EventInput::new(refused, &settings).unwrap().open().await.err().unwrap();
    assert_eq!(error.code(), Code::InvalidInput);
}
