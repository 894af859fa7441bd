//! The generated cases: each call, and each answer that its stages list.

use crate::Generated;
use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What Klaviyo or the network answers, and the error that this means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    name: String,
    response: Value,
    err: Map<String, Value>,
}

/// A call of a function, and the requests that it sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    /// `interface.function`
    function: String,
    arguments: Option<Vec<Value>>,
    /// Fields that each error of this function has. An answer's field of the same name goes before.
    #[serde(default)]
    err: Map<String, Value>,
    stages: Vec<Stage>,
}

/// One request of a call, sent when all before it were answered by `continues`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    /// None for the first.
    name: Option<String>,
    request: Value,
    /// Sets of answers, and single ones as `set/answer`.
    answers: Vec<String>,
    /// The answer after which the next request is sent; the last stage has none.
    continues: Option<Value>,
}

#[derive(Serialize)]
struct Fixture<'a> {
    name: String,
    call: FixtureCall<'a>,
    exchanges: Vec<Exchange<'a>>,
    returns: Returns,
}

#[derive(Serialize)]
struct FixtureCall<'a> {
    function: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a [Value]>,
}

#[derive(Clone, Copy, Serialize)]
struct Exchange<'a> {
    request: &'a Value,
    response: &'a Value,
}

#[derive(Serialize)]
struct Returns {
    err: Map<String, Value>,
}

/// The generated cases, by their paths below the folder of fixtures.
pub(crate) fn cases(calls: &Path, answers: &Path) -> Result<BTreeMap<PathBuf, Generated>> {
    let mut cases = BTreeMap::new();
    let files = crate::files(answers)?;
    let named = |file: PathBuf| {
        let name = file.strip_prefix(answers)?.with_extension("").to_string_lossy().into_owned();
        let answer: Answer = read(&file)?;
        Ok((name, (file, answer)))
    };
    let answers: BTreeMap<String, (PathBuf, Answer)> = files.into_iter().map(named).collect::<Result<_>>()?;
    for file in crate::files(calls)? {
        let call: Call = read(&file)?;
        call.cases(&file, &answers, &mut cases).with_context(|| file.display().to_string())?;
    }
    Ok(cases)
}

impl Call {
    fn cases(
        &self,
        file: &Path,
        answers: &BTreeMap<String, (PathBuf, Answer)>,
        cases: &mut BTreeMap<PathBuf, Generated>,
    ) -> Result<()> {
        let mut before = Vec::new();
        for (number, stage) in self.stages.iter().enumerate() {
            for listed in &stage.answers {
                let set = format!("{listed}/");
                let chosen = answers.iter().filter(|(name, _)| *name == listed || name.starts_with(&set));
                let mut chosen = chosen.peekable();
                if chosen.peek().is_none() {
                    bail!("there is no answer, and no set of answers, with the name {listed}");
                }
                for (name, (answer_file, answer)) in chosen {
                    let path = self.path(stage, name);
                    let generated = Generated {
                        call: file.to_owned(),
                        stage: number,
                        answer: answer_file.clone(),
                        text: self.fixture(stage, &before, answer)?,
                    };
                    if cases.insert(path.clone(), generated).is_some() {
                        bail!("two answers make the case {}", path.display());
                    }
                }
            }
            match &stage.continues {
                Some(response) => before.push(Exchange { request: &stage.request, response }),
                None if number + 1 == self.stages.len() => {}
                None => bail!("stage {number} has no `continues`, though another one follows it"),
            }
        }
        Ok(())
    }

    /// `<interface>/<function>/<answer>[-<stage>].json`
    fn path(&self, stage: &Stage, answer: &str) -> PathBuf {
        let answer = answer.rsplit('/').next().unwrap_or(answer);
        let stage = stage.name.as_ref().map(|name| format!("-{}", name.replace(' ', "-")));
        let folder = PathBuf::from(self.function.replace('.', "/"));
        folder.join(format!("{answer}{}.json", stage.unwrap_or_default()))
    }

    fn fixture(&self, stage: &Stage, before: &[Exchange<'_>], answer: &Answer) -> Result<String> {
        let function = self.function.rsplit('.').next().unwrap_or(&self.function);
        let more = self.err.iter().filter(|(name, _)| !answer.err.contains_key(*name));
        let last = Exchange { request: &stage.request, response: &answer.response };
        let fixture = Fixture {
            name: match &stage.name {
                None => format!("{}: {}", self.function, answer.name),
                Some(stage) => format!("{function}: {}, {stage}", answer.name),
            },
            call: FixtureCall { function: &self.function, arguments: self.arguments.as_deref() },
            exchanges: before.iter().copied().chain([last]).collect(),
            returns: Returns {
                err: answer
                    .err
                    .iter()
                    .chain(more)
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            },
        };
        Ok(serde_json::to_string_pretty(&fixture)? + "\n")
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as it should be", file.display()))
}
