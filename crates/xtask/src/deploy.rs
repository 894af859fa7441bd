//! The deployment files: whether Docker Compose, Kubernetes and the command itself take what is written
//! there, and whether alert rules and the dashboard ask for metrics that there are.

use crate::command::{program, python, root};
use crate::file;
use crate::program::{built, profile};
use crate::runtimes::Skipped;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Where the validators are, and the copies that they have to refuse.
const FOLDER: &str = "target/deploy";

/// A file, and what checks it without an engine, a cluster or a network.
struct Check {
    file: &'static str,
    validator: &'static [&'static str],
    mistakes: &'static [Mistake],
}

/// A change to the file that the validator must refuse, and name `culprit`. A validator that reads nothing
/// would pass.
struct Mistake {
    text: &'static str,
    instead: &'static str,
    culprit: &'static str,
}

const fn mistake(text: &'static str, instead: &'static str, culprit: &'static str) -> Mistake {
    Mistake { text, instead, culprit }
}

const COMPOSE: Check = Check {
    file: "deploy/compose.yaml",
    validator: &["check-jsonschema", "--builtin-schema", "vendor.compose-spec"],
    mistakes: &[
        mistake("replicas: 2", "replica: 2", "'replica'"),
        mistake("cap_drop: [ALL]", "cap_drop: ALL", "cap_drop"),
        mistake("start_period: 30s", "start_periods: 30s", "start_periods"),
        mistake("service_completed_successfully", "service_completed", "service_completed"),
    ],
};

const KUBERNETES: Check = Check {
    file: "deploy/kubernetes.yaml",
    validator: &["python", "deploy/check/kubernetes.py"],
    mistakes: &[
        mistake("replicas: 1", "replica: 1", "'replica'"),
        mistake("maxReplicas: 10", "maxReplicas: ten", "maxReplicas"),
        mistake("failureThreshold: 30", "failureThresholds: 30", "failureThresholds"),
        mistake("kind: StatefulSet", "kind: StatefullSet", "StatefullSet"),
        mistake("secretKeyRef", "secretKey", "'secretKey'"),
        mistake("backoffLimit: 20", "backoffLimits: 20", "backoffLimits"),
        mistake(
            "selector: {app.kubernetes.io/name: nats}",
            "selector: {app.kubernetes.io/name: nat}",
            "'nat'",
        ),
        mistake("kind: Deployment, name: serve", "kind: Deployment, name: server", "server"),
        mistake("minReplicas: 2", "minReplicas: 2\n  minReplicas: 3", "minReplicas"),
    ],
};

const MONITORING: &[&str] = &["python", "deploy/check/monitoring.py"];

const ALERTS: Check = Check {
    file: "deploy/alerts.yaml",
    validator: MONITORING,
    mistakes: &[
        mistake("max(klaviyo_queue_strays)", "max(klaviyo_queue_stray)", "klaviyo_queue_stray"),
        mistake(r#"{state="paused"}"#, r#"{stat="paused"}"#, "no label stat"),
        mistake("sum by (code) (klaviyo", "sum by (cod) (klaviyo", "the label cod"),
        mistake("[30m])) > 10", ")) > 10", "needs a range"),
        mistake("max(klaviyo_queue_dead_letters)", "rate(klaviyo_queue_dead_letters[5m])", "no counter"),
        mistake("> 3600", "> 3600)", ") closes nothing"),
        mistake("for: 24h", "for: a day", "a day"),
        mistake("severity: critical", "severity: high", "severity"),
        mistake("KlaviyoStrays", "KlaviyoFails", "two KlaviyoFails"),
        mistake("{{ $labels.account }} wait", "{{ $labels.route }} wait", "does not keep"),
    ],
};

const DASHBOARD: Check = Check {
    file: "deploy/dashboard.json",
    validator: MONITORING,
    mistakes: &[
        mistake("klaviyo_worker_leases)", "klaviyo_worker_lease)", "klaviyo_worker_lease"),
        mistake("by (route, status)", "by (path, status)", "the label path"),
        mistake(
            "klaviyo_door_request_seconds_bucket",
            "klaviyo_door_request_seconds",
            "klaviyo_door_request_seconds",
        ),
        mistake("\"x\": 16,", "\"x\": 15,", "over another panel"),
        mistake("\"id\": 2,", "\"id\": 1,", "no id of its own"),
        mistake("\"uid\": \"${prometheus}\"", "\"uid\": \"mine\"", "is not the Prometheus"),
        mistake(" or 0 * max(klaviyo_queue_waiting)", "", "when its series ends"),
        mistake(" or 0 * count(klaviyo_worker_leases)", "", "when its series ends"),
    ],
};

const DOCKERFILE: Check = Check {
    file: "deploy/Dockerfile",
    validator: &["hadolint"],
    mistakes: &[
        mistake("WORKDIR /src", "WORKDIR src", "DL3000"),
        mistake("--from=build", "--from=built", "DL3022"),
        mistake("USER 65532:65532", "USER root", "DL3002"),
    ],
};

/// Checks the files, and the arguments that they give to the command of the last build.
pub(crate) fn test(skipped: &mut Skipped) -> Result<()> {
    if !skipped.has("the deployment files", &["python3"])? {
        return Ok(());
    }
    python(FOLDER, &["--require-hashes", "--requirement", "deploy/check/requirements.lock"])?;
    for check in [COMPOSE, KUBERNETES, ALERTS, DASHBOARD, DOCKERFILE] {
        check.run()?;
    }
    for (file, commands) in [
        (COMPOSE.file, &["dead", "mock", "serve", "status", "worker"][..]),
        (KUBERNETES.file, &["serve", "worker"]),
    ] {
        let mut calls = calls(&as_json(file)?);
        calls.sort();
        let called: Vec<_> = calls.iter().filter_map(|call| call.first()).collect();
        ensure!(called == commands, "{file} calls klaviyo-connector as {called:?} instead of {commands:?}");
        for call in calls {
            ensure!(
                is_taken(&call)?,
                "{file} calls `klaviyo-connector {}`, which it does not take",
                call.join(" ")
            );
        }
    }
    copies_are_equal(&as_json(KUBERNETES.file)?)?;
    let wrong = ["serve", "--no-such-option"].map(str::to_owned);
    ensure!(
        !is_taken(&wrong)?,
        "klaviyo-connector takes any option when it is asked for help: this shows nothing"
    );
    Ok(())
}

impl Check {
    fn run(&self) -> Result<()> {
        if let Some(refusal) = self.refusal(&root().join(self.file))? {
            bail!("{} is wrong: {refusal}", self.file);
        }
        let contents = std::fs::read_to_string(root().join(self.file)).context(self.file)?;
        let name = Path::new(self.file).file_name().unwrap_or_default();
        let copy = root().join(FOLDER).join(name);
        for Mistake { text, instead, culprit } in self.mistakes {
            ensure!(contents.contains(text), "{} has no {text:?} any more; make another mistake", self.file);
            file::write(&copy, contents.replacen(text, instead, 1).as_bytes())?;
            let refusal = self.refusal(&copy)?;
            ensure!(
                refusal.as_ref().is_some_and(|refusal| refusal.contains(culprit)),
                "{instead:?} instead of {text:?} in {} should be refused for {culprit}, but: {}",
                self.file,
                refusal.as_deref().unwrap_or("it is not"),
            );
        }
        Ok(())
    }

    /// What the validator says against a file; none when it takes it.
    fn refusal(&self, file: &Path) -> Result<Option<String>> {
        let (name, arguments) = self.validator.split_first().context("a validator has a name")?;
        let output = validator(name).args(arguments).arg(file).output().context(*name)?;
        let said = [output.stdout, output.stderr].concat();
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&said).trim().to_owned()))
    }
}

fn validator(name: &str) -> Command {
    program(root().join(FOLDER).join("bin").join(name))
}

/// The documents of a YAML file.
fn as_json(file: &'static str) -> Result<Value> {
    const CONVERT: &str = "import json, sys; from ruamel.yaml import YAML; \
                           json.dump(list(YAML(typ='safe', pure=True).load_all(sys.stdin)), sys.stdout)";
    let input = std::fs::File::open(root().join(file)).context(file)?;
    let output = validator("python").args(["-c", CONVERT]).stdin(input).output()?;
    serde_json::from_slice(&output.stdout).with_context(|| format!("{file} is not read as YAML"))
}

/// Checks the copies of other files in the manifests, which can include nothing, against those files.
fn copies_are_equal(manifests: &Value) -> Result<()> {
    let data = |name: &str| {
        let is_it = |manifest: &&Value| {
            let at = |pointer| manifest.pointer(pointer).and_then(Value::as_str);
            at("/kind") == Some("ConfigMap") && at("/metadata/name") == Some(name)
        };
        let found = manifests.as_array().into_iter().flatten().find(is_it);
        found.and_then(|manifest| manifest.get("data")?.as_object()).with_context(|| format!("no {name}"))
    };
    let same = |copy: Option<&Value>, file: &str| {
        let text = std::fs::read_to_string(root().join(file)).with_context(|| file.to_owned())?;
        let is_same = copy.and_then(Value::as_str) == Some(&text);
        ensure!(is_same, "{} has no copy of {file}, or another one", KUBERNETES.file);
        Ok(())
    };
    same(data("nats")?.get("klaviyo.conf"), "deploy/nats.conf")?;
    let streams = data("streams")?;
    let files = std::fs::read_dir(root().join("deploy/streams"))?.collect::<Result<Vec<_>, _>>()?;
    ensure!(streams.len() == files.len(), "{} has more streams than there are", KUBERNETES.file);
    let names = files.iter().map(|file| file.file_name().to_string_lossy().into_owned());
    names.into_iter().try_for_each(|name| same(streams.get(&name), &format!("deploy/streams/{name}")))
}

/// How containers with the image `klaviyo-connector` are called.
fn calls(document: &Value) -> Vec<Vec<String>> {
    let field = |name: &str| document.get(name);
    let image = field("image").and_then(Value::as_str).and_then(|image| image.rsplit('/').next());
    let is_klaviyo = image.is_some_and(|image| image.split(':').next() == Some("klaviyo-connector"));
    let words = field("args").or_else(|| field("command")).and_then(Value::as_array).filter(|_| is_klaviyo);
    let word = |word: &Value| word.as_str().map(str::to_owned);
    let call: Option<Vec<String>> = words.map(|words| words.iter().filter_map(word).collect());
    let within: Vec<&Value> = match document {
        Value::Array(values) => values.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    };
    call.into_iter().chain(within.into_iter().flat_map(calls)).collect()
}

/// Whether the command knows all of these words. Asked for help as well, it reads them and does nothing.
fn is_taken(call: &[String]) -> Result<bool> {
    let output = program(built("klaviyo-connector", profile(false))).args(call).arg("--help").output();
    Ok(output.context("klaviyo-connector cannot be run")?.status.success())
}

#[cfg(test)]
mod tests {
    use super::{calls, root};
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn the_image_is_built_of_all_that_the_build_reads() {
        let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
        let (manifest, ignored) = (read("Cargo.toml"), read("deploy/Dockerfile.dockerignore"));
        let allowed: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
        let members = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
        let members = members.split(',').map(|member| member.trim().trim_matches('"').trim_end_matches("/*"));
        for path in members.chain(["wit", klaviyo_catalog::FILE]) {
            let is_there = allowed.iter().any(|allowed| Path::new(path).starts_with(allowed));
            assert!(is_there, "deploy/Dockerfile.dockerignore leaves {path} out");
        }
    }

    #[test]
    fn calls_of_klaviyo_are_found_and_others_are_not() {
        let documents = json!([
            { "services": { "serve": { "image": "klaviyo-connector", "command": ["serve", "--nats", "nats://nats:4222"] } } },
            { "spec": { "containers": [
                { "image": "registry.example.com/klaviyo-connector:0.1.0", "args": ["worker"] },
                { "image": "nats:2", "args": ["-js"] },
                { "image": "registry.example.com/klaviyo-connector/nats:2", "args": ["-js"] },
            ] } },
            { "image": "klaviyo-connector" },
        ]);
        assert_eq!(calls(&documents), [vec!["serve", "--nats", "nats://nats:4222"], vec!["worker"]]);
    }
}
