//! A brief run: the findings of old, and a number of changed seeds. The same inputs each time.

use crate::Target;
use crate::mutate::mutated;
use anyhow::{Context, Result, bail};
use fastrand::Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Panics of this process so far, on whatever thread: some threads end in silence.
static PANICS: AtomicUsize = AtomicUsize::new(0);
static COUNTED: Once = Once::new();

/// Gives one input to a target.
///
/// # Errors
/// When it is a finding.
pub fn try_input(target: &Target, input: &[u8]) -> Result<()> {
    COUNTED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            before(panic);
        }));
    });
    let panics = PANICS.load(Ordering::SeqCst);
    match catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        Ok(result) if PANICS.load(Ordering::SeqCst) == panics => result,
        _ => bail!("it panicked"),
    }
}

/// Tries the findings of old, and so many inputs. Returns how many there were.
///
/// # Errors
/// At the first finding. Its input is kept as a file in this folder, which the message names.
pub fn run(target: &Target, inputs: usize, seed: u64, folder: &Path) -> Result<usize> {
    let mut tried = 0;
    let mut judge = |input: &[u8]| {
        tried += 1;
        try_input(target, input).or_else(|finding| {
            let file = folder.join(format!("{}-{seed}-{tried}", target.name));
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&file, input))
                .with_context(|| format!("cannot write {}", file.display()))?;
            Err(finding.context(format!("{}: a finding, with the input {}", target.name, file.display())))
        })
    };
    for input in crate::seeds::files(&target.findings())? {
        judge(&input)?;
    }
    let seeds = (target.seeds)()?;
    let mut random = Rng::with_seed(seed);
    for _ in 0..inputs {
        judge(&mutated(&mut random, &seeds))?;
    }
    Ok(tried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::ensure;

    fn target(run: fn(&[u8]) -> Result<()>) -> Target {
        let seeds = || Ok(vec![b"a seed".to_vec()]);
        Target { name: "of-this-test", about: "", run, seeds, inputs: 0 }
    }

    #[test]
    fn a_failure_a_panic_and_a_panic_of_another_thread_are_findings() {
        let folder = tempfile::tempdir().unwrap();
        let finds = |run| run_in(&target(run), folder.path()).unwrap_err();
        let error = finds(|input| {
            ensure!(!input.is_empty(), "it is empty");
            Ok(())
        });
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        assert!(format!("{error:#}").contains(&file.display().to_string()), "{error:#}");
        assert_eq!(std::fs::read(file).unwrap(), b"");
        finds(|input| input.is_empty().then(|| panic!("of a test")).map_or(Ok(()), Ok));
        finds(|input| {
            let is_empty = input.is_empty();
            let ended = std::thread::spawn(move || assert!(!is_empty, "of a test")).join();
            drop(ended);
            Ok(())
        });
    }

    fn run_in(target: &Target, folder: &Path) -> Result<usize> {
        run(target, 20_000, 1, folder)
    }

    #[test]
    fn without_a_finding_all_inputs_are_tried() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(&target(|_| Ok(())), 50, 1, folder.path()).unwrap(), 50);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
