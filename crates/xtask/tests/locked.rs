//! That `cargo xtask` takes the dependencies of `Cargo.lock`, and changes nothing about them.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(folder).env("CARGO_NET_OFFLINE", "true").env_remove("CARGO_TARGET_DIR");
    cargo
}

/// A workspace with a package `xtask`, this project's alias, and a lock file.
fn workspace(folder: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let alias = std::fs::read_to_string(here.join("../../.cargo/config.toml")).unwrap();
    write(".cargo/config.toml", &alias);
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"xtask\", \"other\"]\n");
    for name in ["xtask", "other"] {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        write(&format!("{name}/Cargo.toml"), &manifest);
        write(&format!("{name}/src/main.rs"), "fn main() { print!(\"it ran\") }");
    }
    assert!(cargo(folder).arg("generate-lockfile").status().unwrap().success());
}

#[test]
fn a_lock_file_that_is_out_of_date_is_an_error_and_not_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    workspace(folder.path());
    let lock = folder.path().join("Cargo.lock");
    let (before, xtask) =
        (std::fs::read(&lock).unwrap(), || cargo(folder.path()).arg("xtask").output().unwrap());
    let output = xtask();
    assert_eq!((output.status.success(), output.stdout.as_slice()), (true, &b"it ran"[..]));

    let manifest = folder.path().join("other/Cargo.toml");
    let changed =
        std::fs::read_to_string(&manifest).unwrap() + "[dependencies]\nxtask = { path = \"../xtask\" }\n";
    std::fs::write(&manifest, changed).unwrap();
    let output = xtask();
    assert!(!output.status.success() && output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Cargo.lock") && said.contains("--locked"), "{said}");
    assert_eq!(std::fs::read(&lock).unwrap(), before);
}
