//! Any reference on the first line, and behind it a component that nobody has signed: a reference names one place and one
//! digest, and a signature is not taken for one, nor for more memory than its bytes.

use crate::Target;
use crate::oracle::memory;
use anyhow::{Context, Result, ensure};
use klaviyo_host::registry::{PublicKey, Reference};

/// The target.
pub const TARGET: Target = Target {
    name: "registry",
    about: "a reference is refused, or has one place and one digest; nothing is signed but by the key",
    run,
    seeds,
    inputs: 3_000,
};

/// A public key of Ed25519, in the form of wasmsign2: that of RFC 8410.
const KEY: [u8; 33] = [
    0x01, 0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96,
    0xc8, 0x50, 0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1,
];
/// Bytes that are held at most to verify a component of [`crate::MAX_BYTES`].
const BYTES: usize = 1 << 20;
const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn seeds() -> Result<Vec<Vec<u8>>> {
    let places = [
        "registry.example.com/klaviyo/connector",
        "oci://registry.example.com:5000/a/b-c/d_e:0.1.0",
        "127.0.0.1:5000/connector:latest",
        "[::1]:5000/connector",
        "priya:hunter2@registry.example.com/connector",
        "https://registry.example.com/../connector",
    ];
    let component = signed();
    Ok(places.map(|place| [format!("{place}@{DIGEST}\n").as_bytes(), component.as_slice()].concat()).into())
}

/// A component with a section as `wasmsign2 sign` writes it, and a signature that is none.
fn signed() -> Vec<u8> {
    let with_length = |bytes: Vec<u8>| {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        // Of two bytes where one does not do.
        let length = if length < 0x80 { vec![length] } else { vec![length, 1] };
        [length, bytes].concat()
    };
    let signature = [vec![0, 1], with_length(vec![0x22; 64])].concat();
    let hashes = [vec![1], vec![0x11; 32], vec![1], with_length(signature)].concat();
    let data = [vec![1, 1, 1, 1], with_length(hashes)].concat();
    let section = [b"\x09signature".to_vec(), data].concat();
    [b"\0asm\x0d\0\x01\0\0".to_vec(), with_length(section), b"\0\x05\x04test".to_vec()].concat()
}

fn run(input: &[u8]) -> Result<()> {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, component) = input.split_at_checked(end).unwrap_or_default();
    let component = component.strip_prefix(b"\n").unwrap_or(component);
    let key = PublicKey::parse(&KEY)?;
    let (verified, held) = memory::most(|| key.verify(component));
    ensure!(verified.is_err(), "it is taken as signed");
    ensure!(held <= BYTES, "it held {held} bytes for a component of {}", component.len());
    let Ok(text) = std::str::from_utf8(line) else { return Ok(()) };
    let Ok(reference) = text.parse::<Reference>() else { return Ok(()) };
    judge(text, &reference.to_string()).with_context(|| format!("the reference is {text:?}"))?;
    ensure!(text.ends_with(&reference.digest().to_string()), "the digest is another");
    Ok(())
}

/// Holds a reference, as it is written and as it was read, to what OCI's specification says.
fn judge(text: &str, read: &str) -> Result<()> {
    ensure!(text.strip_prefix("oci://").unwrap_or(text) == read, "it is read as {read:?}");
    let (place, _) = read.split_once('@').context("it has no digest")?;
    let (registry, path) = place.split_once('/').context("it has no name")?;
    ensure!(!registry.is_empty() && !registry.contains(['%', '?', '#', '\\']), "{registry:?} is no registry");
    let (name, tag) = path.split_once(':').unwrap_or((path, "tag"));
    let is_plain = |part: &str| {
        part.split(['.', '_', '-'])
            .all(|piece| piece.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
            && !part.is_empty()
            && !part.starts_with('.')
    };
    ensure!(name.split('/').all(is_plain), "{name:?} is no name of a repository");
    ensure!(!tag.is_empty() && !tag.contains(['/', ':', '@']), "{tag:?} is no tag");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_that_is_read_otherwise_is_found() {
        let good = format!("registry.example.com:5000/a/b:0.1.0@{DIGEST}");
        judge(&good, &good).unwrap();
        judge(&format!("oci://{good}"), &good).unwrap();
        assert!(judge(&good, &good.replace("example", "evil")).is_err());
        for odd in ["a.b/../c", "a.b/C", "a.b/c:", "a.b/c:d/e", "a.b", "/c", "a.b/c?d", "a?b/c"] {
            let odd = format!("{odd}@{DIGEST}");
            assert!(judge(&odd, &odd).is_err(), "{odd}");
        }
    }

    /// wasmsign2 reads the section to its end: with another key and other hashes it would be one.
    #[test]
    fn what_the_seeds_have_is_a_signature() {
        use klaviyo_host::registry::SignatureError;
        let key = PublicKey::parse(&KEY).unwrap();
        assert_eq!(key.verify(&signed()), Err(SignatureError::Wrong));
        assert_eq!(key.verify(&signed()[..20]), Err(SignatureError::Missing));
    }
}
