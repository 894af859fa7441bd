//! The Debian package of the command: the program, its manual pages, completions and licences. The program is static, so
//! it is one package for all releases of Debian and Ubuntu.

use super::archive::{Archive, PROGRAM, TEXT};
use super::binary::Contents;
use super::shell::Shared;
use crate::command::root;
use crate::label::Origin;
use anyhow::Result;
use std::fmt::Write;

const NAME: &str = "klaviyo-connector";

/// The package, dated by seconds since 1970.
pub(super) fn package(contents: &Contents, date: &str) -> Result<Vec<u8>> {
    let own = std::fs::read_to_string(root().join("LICENSE"))?;
    let copyright = format!("{}\n\n{}", own.trim_end(), contents.licences);
    let mut data = Archive::new(date)?;
    data.add(&format!("usr/bin/{NAME}"), PROGRAM, &contents.program)?;
    data.add(&format!("usr/share/doc/{NAME}/copyright"), TEXT, copyright.as_bytes())?;
    let mut size = contents.program.len() + copyright.len();
    for Shared { path, contents } in &contents.shared {
        data.add(&format!("usr/share/{path}"), TEXT, contents)?;
        size += contents.len();
    }
    let mut control = Archive::new(date)?;
    control.add("control", TEXT, about(size, Origin::of_release()?.as_ref())?.as_bytes())?;
    let files = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", control.finish()?),
        ("data.tar.gz", data.finish()?),
    ];
    Ok(ar(&files, date))
}

/// What the package says of itself. The certificates are those that Klaviyo's is checked with.
fn about(size: usize, origin: Option<&Origin>) -> Result<String> {
    let mut about = format!(
        "Package: {NAME}\n\
         Version: {}\n\
         Architecture: amd64\n\
         Maintainer: The maintainers of {NAME}\n\
         Installed-Size: {}\n\
         Depends: ca-certificates\n\
         Section: net\n\
         Priority: optional\n",
        env!("CARGO_PKG_VERSION"),
        size.div_ceil(1024),
    );
    if let Some(origin) = origin {
        writeln!(about, "Homepage: {}", origin.repository())?;
    }
    about.push_str(
        "Description: Klaviyo from the command line\n \
         Lists, profiles, opt-ins and whole files of contacts, a service that takes opt-ins,\n \
         a simulator to try them on, and a doctor for the account.\n",
    );
    Ok(about)
}

/// An archive of the format ar. A name has at most 16 characters.
fn ar(files: &[(&str, Vec<u8>)], date: &str) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, contents) in files {
        let header = format!("{name:<16}{date:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, "100644", contents.len());
        archive.extend(header.as_bytes());
        archive.extend(contents);
        if contents.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{output, program};

    #[test]
    fn dpkg_reads_the_package() {
        // Where there is no dpkg, nobody installs it.
        if output(program("dpkg-deb").arg("--version")).is_none() {
            return;
        }
        let shared = |path: &str| Shared { path: path.to_owned(), contents: b"text".to_vec() };
        let contents = Contents {
            program: b"odd".to_vec(),
            licences: "of all".to_owned(),
            shared: vec![shared("man/man1/klaviyo-connector.1.gz")],
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("package.deb");
        std::fs::write(&file, package(&contents, "1700000000").unwrap()).unwrap();
        let of = |fields: &str| output(program("dpkg-deb").arg("--field").arg(&file).arg(fields)).unwrap();
        assert_eq!((of("Package"), of("Architecture")), (NAME.to_owned(), "amd64".to_owned()));
        assert_eq!(of("Version"), env!("CARGO_PKG_VERSION"));
        let root = folder.path().join("root");
        assert!(program("dpkg-deb").arg("--extract").arg(&file).arg(&root).status().unwrap().success());
        assert_eq!(std::fs::read(root.join("usr/bin/klaviyo-connector")).unwrap(), b"odd");
        assert_eq!(std::fs::read(root.join("usr/share/man/man1/klaviyo-connector.1.gz")).unwrap(), b"text");
        let copyright =
            std::fs::read_to_string(root.join("usr/share/doc/klaviyo-connector/copyright")).unwrap();
        assert!(copyright.contains("Apache License") && copyright.ends_with("of all"));
    }
}
