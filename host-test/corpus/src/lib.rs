//! The corpus of fixtures: every case that each runtime replays.
//!
//! A case is a file below `host-test/fixtures`, or it is generated: a call
//! (`calls/<interface>/<function>.json`) that gets an answer (`answers/<set>/<answer>.json`) at one of its
//! stages. The format of a case is the same for both.

mod generate;

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One case of the corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The path of its file. A generated case has the path that its file would have.
    pub path: PathBuf,
    /// What it is made of.
    pub source: Source,
}

/// What a case is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File,
    /// A call and an answer.
    Generated(Generated),
}

/// A case that is made of a call and an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The file of the call.
    pub call: PathBuf,
    /// The stage of the call, from 0, whose request gets the answer.
    pub stage: usize,
    /// The file of the answer.
    pub answer: PathBuf,
    /// The fixture.
    pub text: String,
}

impl Case {
    /// The fixture, in JSON.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn text(&self) -> Result<String> {
        match &self.source {
            Source::File => std::fs::read_to_string(&self.path).context("cannot be read"),
            Source::Generated(generated) => Ok(generated.text.clone()),
        }
    }
}

/// The folders of a corpus.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The files, and by their paths the generated cases.
    pub fixtures: PathBuf,
    /// What Klaviyo and the network answer.
    pub answers: PathBuf,
    /// A call of each function, and the requests that it sends.
    pub calls: PathBuf,
}

impl Default for Corpus {
    /// This project's.
    fn default() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            fixtures: here.parent().unwrap_or(here).join("fixtures"),
            answers: here.join("answers"),
            calls: here.join("calls"),
        }
    }
}

impl Corpus {
    /// The cases at a path, sorted by their paths. The path is a fixture file, a folder of them (every
    /// `*.json` below it), or the path of a generated case or of a folder of them. A file takes the place of
    /// the generated case with the same path.
    ///
    /// # Errors
    /// When nothing is there, a folder cannot be read, or a call or an answer is not as it should be.
    pub fn at(&self, path: &Path) -> Result<Vec<Case>> {
        let mut cases: BTreeMap<PathBuf, Source> = BTreeMap::new();
        let (asked, fixtures) = (resolved(path), resolved(&self.fixtures));
        if asked.starts_with(&fixtures) || fixtures.starts_with(&asked) {
            for (name, generated) in generate::cases(&self.calls, &self.answers)? {
                let file = fixtures.join(name);
                if let Ok(below) = file.strip_prefix(&asked) {
                    // Joined with nothing, a path would get a slash at its end.
                    let shown = if below.as_os_str().is_empty() { path.to_owned() } else { path.join(below) };
                    cases.insert(shown, Source::Generated(generated));
                }
            }
        }
        if path.exists() || cases.is_empty() {
            cases.extend(files(path)?.into_iter().map(|file| (file, Source::File)));
        }
        Ok(cases.into_iter().map(|(path, source)| Case { path, source }).collect())
    }

    /// Writes the whole corpus to a folder, for runtimes that read files, and returns the number of cases.
    ///
    /// # Errors
    /// When the corpus cannot be read, the folder is not empty, or it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<usize> {
        if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            bail!("{} is not empty; give a folder that is new or empty", folder.display());
        }
        let cases = self.at(&self.fixtures)?;
        for case in &cases {
            let text = case.text().with_context(|| case.path.display().to_string())?;
            let file = folder.join(case.path.strip_prefix(&self.fixtures)?);
            std::fs::create_dir_all(file.parent().context("a file has a folder")?)
                .and_then(|()| std::fs::write(&file, text))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(cases.len())
    }
}

/// Every `*.json` at a path or below it.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = || format!("cannot read {}; give a fixture file or a folder of them", path.display());
    if !std::fs::metadata(path).with_context(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?.path();
        if entry.is_dir() {
            found.extend(files(&entry)?);
        } else if entry.extension().is_some_and(|extension| extension == "json") {
            found.push(entry);
        }
    }
    Ok(found)
}

/// A path as the system has it, though its end need not exist.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().ok().unwrap_or_else(|| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => resolved(Path::new(".")).join(name),
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_owned(),
    })
}
