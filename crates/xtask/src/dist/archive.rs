//! A tar archive, compressed, whose bytes depend on nothing but its files and their date.

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeSet;
use std::io::Write;
use tar::{Builder, EntryType, Header};

/// What may run a file, and what may only read it. A folder is as the former.
pub(super) const PROGRAM: u32 = 0o755;
pub(super) const TEXT: u32 = 0o644;

/// An archive that is being written, dated by seconds since 1970. Whose its files are, it does not say.
pub(super) struct Archive {
    tar: Builder<GzEncoder<Vec<u8>>>,
    folders: BTreeSet<String>,
    date: u64,
}

impl Archive {
    pub(super) fn new(date: &str) -> Result<Self> {
        let compressed = GzEncoder::new(Vec::new(), Compression::best());
        Ok(Self { tar: Builder::new(compressed), folders: BTreeSet::new(), date: date.parse()? })
    }

    /// Adds a file, and the folders that it is in.
    pub(super) fn add(&mut self, path: &str, mode: u32, contents: &[u8]) -> Result<()> {
        let folders: Vec<_> = path.match_indices('/').filter_map(|(end, _)| path.get(..end)).collect();
        for folder in folders {
            if self.folders.insert(folder.to_owned()) {
                self.append(EntryType::Directory, &format!("{folder}/"), PROGRAM, &[])?;
            }
        }
        self.append(EntryType::Regular, path, mode, contents)
    }

    fn append(&mut self, kind: EntryType, path: &str, mode: u32, contents: &[u8]) -> Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(self.date);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(u64::try_from(contents.len())?);
        Ok(self.tar.append_data(&mut header, path, contents)?)
    }

    /// The bytes of the archive.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.tar.into_inner()?.finish()?)
    }
}

/// A file, compressed without a name or a date.
pub(super) fn gzip(contents: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::best());
    compressed.write_all(contents)?;
    Ok(compressed.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{output, program};

    #[test]
    fn an_archive_is_read_by_tar() {
        let mut archive = Archive::new("1700000000").unwrap();
        archive.add("usr/bin/one", PROGRAM, b"first").unwrap();
        archive.add("usr/bin/two", TEXT, b"second").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("all.tar.gz");
        std::fs::write(&file, archive.finish().unwrap()).unwrap();
        let mut list = program("tar");
        list.args(["--list", "--gzip", "--verbose", "--utc", "--file"]).arg(&file).env("LC_ALL", "C");
        let listed = output(&mut list).unwrap();
        let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let lines: Vec<_> = listed.lines().map(columns).map(|line| line.join(" ")).collect();
        assert_eq!(
            lines,
            [
                "drwxr-xr-x 0/0 0 2023-11-14 22:13 usr/",
                "drwxr-xr-x 0/0 0 2023-11-14 22:13 usr/bin/",
                "-rwxr-xr-x 0/0 5 2023-11-14 22:13 usr/bin/one",
                "-rw-r--r-- 0/0 6 2023-11-14 22:13 usr/bin/two",
            ]
        );
    }
}
