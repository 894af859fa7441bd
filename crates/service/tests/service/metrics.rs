//! The metrics with exact values, and the rules that all of them keep.

use crate::door::{SECRET, client, now, opened, post, post_at, priya};
use crate::stage::{Running, key_of, opt_in, settings, stage, until};
use klaviyo_mock::Faults;
use klaviyo_service::metrics::LABELS;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

/// The sum of a metric's values.
fn sum(running: &Running, name: &str) -> f64 {
    let text = running.metrics();
    let values = text.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        (series.split('{').next()? == name).then(|| value.parse::<f64>().unwrap())
    });
    values.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_dead_letters_and_what_waits_are_told() {
    let mut stage = stage(&["shop-1"]).await;
    let mut opt_ins: Vec<_> = (0..3).map(|n| opt_in("shop-1", n, json!({}))).collect();
    opt_ins.push(opt_in("shop-1", 3, json!({ "list": "No such list" })));
    let keys = stage.put(&opt_ins).await;
    // Nobody has a key for it.
    stage.put(&[opt_in("shop-2", 0, json!({}))]).await;
    let worker = stage.worker().await;
    // There before the first one: Prometheus sees no increase of a series that begins with a burst.
    let none = "klaviyo_worker_dead_letters_total{lane=\"opt-outs\",code=\"forbidden\"} 0\n";
    assert!(worker.metrics().contains(none));
    assert!(worker.metrics().contains("klaviyo_worker_changes_total{state=\"dead\"} 0\n"));
    until("it has the account", || worker.metric("klaviyo_worker_leases") == 1).await;
    stage.outcomes(&keys).await;
    let own = "account=\"shop-2\",lane=\"opt-ins\"";
    for (name, value) in [
        ("klaviyo_worker_messages_total{lane=\"opt-ins\",state=\"done\"}", 3),
        ("klaviyo_worker_messages_total{lane=\"opt-ins\",state=\"dead\"}", 1),
        ("klaviyo_worker_accepted_to_outcome_seconds_count{lane=\"opt-ins\",state=\"done\"}", 3),
        ("klaviyo_worker_dead_letters_total{lane=\"opt-ins\",code=\"not-found\"}", 1),
        ("klaviyo_worker_accounts{state=\"without-key\",code=\"unauthenticated\"}", 1),
        ("klaviyo_worker_redeliveries_total{lane=\"opt-ins\"}", 0),
        ("klaviyo_queue_connected", 1),
        (&format!("klaviyo_queue_waiting{{{own}}}"), 1),
        ("klaviyo_queue_waiting{account=\"other\",lane=\"opt-outs\"}", 0),
        ("klaviyo_queue_dead_letters", 1),
    ] {
        until(name, || worker.metric(name) == value).await;
    }
    let seconds = sum(&worker, "klaviyo_worker_accepted_to_outcome_seconds_sum");
    assert!((0.0..60.0).contains(&seconds), "{seconds}");
    let oldest = format!("klaviyo_queue_oldest_seconds{{{own}}} ");
    until("its age is told", || worker.metrics().contains(&oldest)).await;
    let age = |text: &str| -> f64 {
        text.lines().find_map(|line| line.strip_prefix(oldest.as_str())?.parse().ok()).unwrap()
    };
    let first = age(&worker.metrics());
    assert!(age(&worker.metrics()) >= first && first < 120.0);

    stage.nats.kill().unwrap();
    until("NATS is away", || worker.metrics().contains("klaviyo_queue_connected 0\n")).await;
    until("it is known", || !worker.metrics().contains("without-key")).await;
    let text = worker.metrics();
    for stale in ["klaviyo_queue_waiting{", "klaviyo_queue_oldest_seconds{", "klaviyo_queue_dead_letters "] {
        assert!(!text.contains(stale), "{stale} is in {text}");
    }
    stage.nats.restart().unwrap();
    let name = format!("klaviyo_queue_waiting{{{own}}}");
    until("it is told again", || worker.metric(&name) == 1).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_klaviyo_are_told_by_endpoint_with_why_they_are_repeated() {
    let stage = stage(&["shop-1"]).await;
    let rules = ["POST /api/profiles: #1 status 429 retry-after 1", "GET /api/profiles: #1 status 503"];
    let faults = rules.iter().fold(Faults::none(), |faults, rule| faults.rule(rule.parse().unwrap()));
    stage.klaviyo.set_faults(faults);
    let keys = stage.put(&[opt_in("shop-1", 0, json!({}))]).await;
    let worker = stage.worker().await;
    stage.outcomes(&keys).await;
    for (name, value) in [
        ("klaviyo_api_requests_total{endpoint=\"create profile\",status=\"429\"}", 1),
        ("klaviyo_api_requests_total{endpoint=\"create profile\",status=\"201\"}", 1),
        ("klaviyo_api_requests_total{endpoint=\"get profiles\",status=\"503\"}", 1),
        ("klaviyo_api_requests_total{endpoint=\"get profiles\",status=\"200\"}", 1),
        ("klaviyo_api_request_seconds_count{endpoint=\"create profile\"}", 2),
        ("klaviyo_api_repeats_total{endpoint=\"create profile\",cause=\"rate-limit\"}", 1),
        ("klaviyo_api_repeats_total{endpoint=\"get profiles\",cause=\"gateway\"}", 1),
    ] {
        assert_eq!(worker.metric(name), value, "{name} {}", worker.metrics());
    }
    // As many as the attempts, of which the simulator has seen all.
    assert_eq!(sum(&worker, "klaviyo_api_requests_total"), stage.klaviyo.requests() as f64);
    let text = worker.metrics();
    let days = text
        .lines()
        .find_map(|line| line.strip_prefix("klaviyo_api_revision_retirement_days{revision=\"2025-01-15\"} "));
    // 2027-01-15.
    let today = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let expected = 20_833_i64 - i64::try_from(today).unwrap();
    let days: i64 = days.unwrap().parse().unwrap();
    assert!((expected - 1..=expected).contains(&days), "{days} {expected}");
    assert!(text.contains("klaviyo_api_paced_seconds_total{endpoint=\"create profile\"} "), "{text}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_account_is_told_with_the_code() {
    let stage = stage(&["shop-1"]).await;
    std::fs::write(stage.keys.path().join("shop-1.api-key"), "pk_nobody").unwrap();
    stage.put(&[opt_in("shop-1", 0, json!({}))]).await;
    let worker = stage.worker().await;
    let paused = "klaviyo_worker_accounts{state=\"paused\",code=\"unauthenticated\"}";
    until("it is paused", || worker.metric(paused) == 1).await;
    std::fs::write(stage.keys.path().join("shop-1.api-key"), key_of("shop-1")).unwrap();
    until("it is not", || worker.metric(paused) == 0).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_tells_what_it_refuses_and_why() {
    let mut stage = opened(&["shop-1"]).await;
    let mut few = settings();
    few.rate = 1.try_into().unwrap();
    let door = stage.queue_door(few).await;
    assert_eq!(post(&door, "msg_1", &priya()).await.0, 202);
    let many = json!([priya(), priya()]);
    let body = many.to_string().into_bytes();
    assert_eq!(post_at(&door, SECRET, "msg_2", now(), body).await.status(), 413);
    assert_eq!(post(&door, "msg_3", &priya()).await.0, 503);
    let unsigned = client().post(format!("{}/v1/opt-ins", door.url)).body("{}").send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    for (name, value) in [
        ("klaviyo_door_refused_total{reason=\"rate\"}", 1),
        ("klaviyo_door_refused_total{reason=\"too-large\"}", 1),
        ("klaviyo_door_refused_total{reason=\"unauthenticated\"}", 1),
        ("klaviyo_door_opt_ins_total{state=\"accepted\"}", 1),
        ("klaviyo_door_in_flight", 0),
        ("klaviyo_queue_connected", 1),
    ] {
        assert_eq!(door.metric(name), value, "{name} {}", door.metrics());
    }

    let accepts = "klaviyo_door_accepts{lane=\"opt-outs\"}";
    assert_eq!(door.metric(accepts), 1);
    stage.nats.kill().unwrap();
    until("NATS is away", || door.metrics().contains("klaviyo_queue_connected 0\n")).await;
    assert!(!door.metrics().contains("klaviyo_door_accepts{"), "{}", door.metrics());
    stage.nats.restart().unwrap();
    until("it is back", || door.metrics().contains("klaviyo_queue_connected 1\n")).await;
    assert_eq!(door.metric(accepts), 1);
    door.stop().await;
}

/// A family of metrics, as its descriptions say.
#[derive(Default)]
struct MetricFamily {
    help: String,
    kind: String,
    unit: Option<String>,
}

/// Units that OpenMetrics wants at the end of a name.
const UNITS: [&str; 3] = ["seconds", "bytes", "days"];

fn check(text: &str) -> BTreeSet<String> {
    let mut families: BTreeMap<String, MetricFamily> = BTreeMap::new();
    let mut labels = BTreeSet::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(described) = line.strip_prefix("# ") {
            let mut words = described.splitn(3, ' ');
            let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let family = families.entry(name.to_owned()).or_default();
            match what {
                "HELP" => family.help = rest.to_owned(),
                "TYPE" => family.kind = rest.to_owned(),
                "UNIT" => family.unit = Some(rest.to_owned()),
                other => panic!("{other}"),
            }
            continue;
        }
        let series = line.rsplit_once(' ').unwrap().0;
        let (name, given) = series.split_once('{').unwrap_or((series, ""));
        let suffixes = ["", "_total", "_count", "_sum", "_bucket", "_info"];
        let described = suffixes
            .iter()
            .any(|suffix| name.strip_suffix(suffix).is_some_and(|family| families.contains_key(family)));
        assert!(described, "{line} has no description");
        let given = given.trim_end_matches('}').split("\",");
        labels.extend(given.filter_map(|label| Some(label.split_once('=')?.0.to_owned())));
    }
    for (name, MetricFamily { help, kind, unit }) in &families {
        assert!(help.len() > 10 && !kind.is_empty(), "{name} is not described");
        assert!(name.starts_with("klaviyo_") || name.starts_with("process_"), "{name}");
        let ends = UNITS.iter().find(|unit| name.ends_with(&format!("_{unit}")));
        assert_eq!(ends.copied(), unit.as_deref(), "{name}");
        assert!(kind != "histogram" || unit.is_some(), "{name} is a histogram without a unit");
    }
    labels
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_has_help_and_its_unit_and_labels_of_one_list() {
    let stage = opened(&["shop-1"]).await;
    let (door, direct, worker) =
        (stage.queue_door(settings()).await, stage.direct_door(settings()).await, stage.worker().await);
    post(&door, "msg_1", &priya()).await;
    post(&direct, "msg_2", &priya()).await;
    let mut bad = priya();
    bad["list"] = json!("No such list");
    post(&door, "msg_3", &bad).await;
    let ended = |state| {
        worker.metric(&format!("klaviyo_worker_messages_total{{lane=\"opt-ins\",state=\"{state}\"}}")) == 1
    };
    until("the queue is empty", || ended("dead") && ended("done")).await;
    let known: BTreeSet<String> =
        LABELS.iter().map(|label| (*label).to_owned()).chain(["le".to_owned()]).collect();
    let mut seen = BTreeSet::new();
    for running in [&door, &direct, &worker] {
        let text = running.metrics();
        seen.extend(check(&text));
        for own in
            ["klaviyo_build_info{version=\"", "process_resident_memory_bytes ", "process_cpu_seconds_total "]
        {
            assert!(text.contains(own), "{own} is not in {text}");
        }
        let started = running.metrics();
        let started: f64 = started
            .lines()
            .find_map(|line| line.strip_prefix("process_start_time_seconds ")?.parse().ok())
            .unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((0.0..3_600.0).contains(&(now - started)), "{started} {now}");
        assert!(running.metric("process_open_fds") > 2);
    }
    let unknown: Vec<_> = seen.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let unused: Vec<_> = known.difference(&seen).map(String::as_str).collect();
    // Those of a repeat, and of a connection that was closed or a part of a notification.
    assert!(unused.iter().all(|label| ["cause", "reason"].contains(label)), "{unused:?}");
    for running in [door, direct, worker] {
        running.stop().await;
    }
}
