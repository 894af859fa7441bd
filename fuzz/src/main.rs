//! Runs the fuzz targets: briefly, on changed seeds; or, in a build for libFuzzer, one of them for as long as it is let.
#![cfg_attr(fuzzing, no_main)]

#[cfg(not(fuzzing))]
mod command {
    use anyhow::{Context, Result, bail};
    use clap::Parser;
    use klaviyo_fuzz::{TARGETS, Target, brief};
    use std::path::{Path, PathBuf};

    /// Runs fuzz targets on changed seeds, the same ones each time.
    #[derive(Parser)]
    #[command(bin_name = "klaviyo-fuzz")]
    struct Arguments {
        /// The targets; all if none is given
        targets: Vec<String>,
        /// How many inputs each one tries; a number of its own if it is not given
        #[arg(long)]
        inputs: Option<usize>,
        /// What the changes follow from
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Try this input only
        #[arg(long, value_name = "FILE")]
        input: Option<PathBuf>,
        /// Write the seeds of the targets to this folder instead, one folder a target
        #[arg(long, value_name = "DIR", conflicts_with = "input")]
        write_seeds: Option<PathBuf>,
    }

    pub(crate) fn main() -> Result<()> {
        let Arguments { targets, inputs, seed, input, write_seeds } = Arguments::parse();
        let chosen: Vec<&Target> = match targets.as_slice() {
            [] => TARGETS.iter().collect(),
            names => names.iter().map(|name| Target::named(name)).collect::<Result<_>>()?,
        };
        if let Some(folder) = write_seeds {
            return chosen.iter().try_for_each(|target| write(target, &folder.join(target.name)));
        }
        if let Some(file) = input {
            let [target] = chosen.as_slice() else { bail!("name the target of the input") };
            return brief::try_input(target, &klaviyo_fuzz::seeds::read(&file)?);
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz/new");
        for target in chosen {
            let tried = brief::run(target, inputs.unwrap_or(target.inputs), seed, &folder)?;
            println!("{:<10} {tried:>6} inputs: {}", target.name, target.about);
        }
        Ok(())
    }

    fn write(target: &Target, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let seeds = (target.seeds)()?.into_iter().chain(klaviyo_fuzz::seeds::files(&target.findings())?);
        for (number, seed) in seeds.enumerate() {
            let file = folder.join(number.to_string());
            std::fs::write(&file, seed).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }
}

#[cfg(not(fuzzing))]
fn main() -> anyhow::Result<()> {
    command::main()
}

#[cfg(fuzzing)]
mod fuzzer {
    use klaviyo_fuzz::Target;
    use std::process::abort;
    use std::sync::LazyLock;

    /// The target that this variable names.
    const VARIABLE: &str = "KLAVIYO_FUZZ_TARGET";

    static TARGET: LazyLock<&Target> = LazyLock::new(|| {
        let name = std::env::var(VARIABLE).unwrap_or_default();
        Target::named(&name).unwrap_or_else(|error| {
            eprintln!("{error:#}");
            abort()
        })
    });

    libfuzzer_sys::fuzz_target!(|input: &[u8]| {
        if let Err(finding) = (TARGET.run)(input) {
            eprintln!("{}: {finding:#}", TARGET.name);
            abort();
        }
    });
}
