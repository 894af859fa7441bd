//! Who made a component: the signature in its first section, as `wasmsign2` writes it.

use std::fmt;
use std::io::Read;
use wasmparser::{BinaryReader, Parser, Payload};

/// The name of the section.
const SECTION: &str = "signature";
/// Bytes before the first section. Their two kinds have the same sections behind them, and `wasmsign2` signs the sections.
const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";
/// Ed25519, as a signature names it.
const ED25519: u8 = 1;

/// A public key (Ed25519) that signs components.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(wasmsign2::PublicKey);

/// Why a component is not taken as signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key is none.
    #[error("this is no public key of Ed25519 in the form of wasmsign2, DER or PEM")]
    Key,
    /// It has no signature.
    #[error("the component is not signed; `wasmsign2 sign` signs one")]
    Missing,
    /// It has none by this key, or was changed since.
    #[error("the component is not signed by this key, or was changed since")]
    Wrong,
}

impl PublicKey {
    /// Reads a key: what `wasmsign2 keygen` writes, DER, or PEM.
    ///
    /// # Errors
    /// When it is another kind of key, or none.
    pub fn parse(key: &[u8]) -> Result<Self, SignatureError> {
        wasmsign2::PublicKey::from_any(key).map(Self).map_err(|_| SignatureError::Key)
    }

    /// Whether the owner of this key has signed the component, all of it.
    ///
    /// # Errors
    /// When it is not signed, or by another key, or was changed since.
    pub fn verify(&self, component: &[u8]) -> Result<(), SignatureError> {
        let (signature, signed) = split(component).ok_or(SignatureError::Missing)?;
        is_whole(BinaryReader::new(signature, 0)).map_err(|_| SignatureError::Wrong)?;
        let mut sections = MODULE.chain(signed);
        self.0.verify(&mut sections, Some(signature)).map_err(|_| SignatureError::Wrong)
    }
}

/// The signature, and what is behind its section. wasmtime's parser divides the two, so that nothing is run that was not
/// signed, however the bytes may be read.
fn split(component: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut payloads = Parser::new(0).parse_all(component);
    let Payload::Version { .. } = payloads.next()?.ok()? else { return None };
    match payloads.next()?.ok()? {
        Payload::CustomSection(section) if section.name() == SECTION => {
            Some((section.data(), component.get(section.range().end..)?))
        }
        _ => None,
    }
}

/// Fails where a length in the signature is of more bytes than there are. `wasmsign2` takes memory for as many as a length
/// says, up to 4 GB, before it reads them.
fn is_whole(mut signature: BinaryReader<'_>) -> wasmparser::Result<()> {
    let _version_content_and_hash = signature.read_bytes(3)?;
    for _ in 0..signature.read_var_u32()? {
        let mut signed = signature.read_reader()?;
        for _ in 0..signed.read_var_u32()? {
            signed.read_bytes(32)?;
        }
        for _ in 0..signed.read_var_u32()? {
            let mut by_key = signed.read_reader()?;
            by_key.read_reader()?;
            if by_key.read_u8()? == ED25519 {
                by_key.read_reader()?;
            }
        }
    }
    Ok(())
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmsign2::{KeyPair, Module};

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\0\x05\x04test";

    /// Signed by the crate as its command does.
    fn signed(key: &KeyPair) -> Vec<u8> {
        let module = Module::deserialize(&mut &*COMPONENT).unwrap();
        let mut signed = Vec::new();
        key.sk.sign(module, None).unwrap().serialize(&mut signed).unwrap();
        signed
    }

    fn public(key: &KeyPair) -> PublicKey {
        PublicKey::parse(&key.pk.to_bytes()).unwrap()
    }

    #[test]
    fn a_signed_component_is_taken_by_its_key_and_by_no_other() {
        let (key, other) = (KeyPair::generate(), KeyPair::generate());
        let component = signed(&key);
        assert_eq!(public(&key).verify(&component), Ok(()));
        assert_eq!(public(&other).verify(&component), Err(SignatureError::Wrong));
        assert_eq!(public(&key).verify(COMPONENT), Err(SignatureError::Missing));
        assert_eq!(public(&key).verify(b""), Err(SignatureError::Missing));
    }

    #[test]
    fn a_signed_component_with_any_byte_changed_is_refused() {
        let key = KeyPair::generate();
        let component = signed(&key);
        for at in 0..component.len() {
            let mut changed = component.clone();
            changed[at] ^= 1;
            assert!(public(&key).verify(&changed).is_err(), "{at}");
        }
        for more in [&b"\0\x05\x04more"[..], b"\0"] {
            let after = [&component, more].concat();
            assert_eq!(public(&key).verify(&after), Err(SignatureError::Wrong));
            let before = [&component[..8], more, &component[8..]].concat();
            assert!(public(&key).verify(&before).is_err());
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_found_before_memory_is_taken_for_it() {
        const BEYOND: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x0f];
        let part = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let section = |hashes: &[u8]| [&[1, 1, 1, 1], hashes].concat();
        let of = |signature: &[u8]| section(&part(&[&[0, 1], signature].concat()));
        let is_whole = |signature: &[u8]| is_whole(BinaryReader::new(signature, 0)).is_ok();

        assert!(is_whole(&of(&part(&[0, ED25519, 1, 0x22]))));
        // That of another algorithm is not read any further.
        assert!(is_whole(&of(&part(&[&[0, 2], BEYOND].concat()))));
        for signature in [BEYOND, &part(BEYOND), &part(&[&[0, ED25519], BEYOND].concat())] {
            assert!(!is_whole(&of(signature)), "{signature:x?}");
        }
        for hashes in [BEYOND, &part(BEYOND), &part(&[&[0], BEYOND].concat())] {
            assert!(!is_whole(&section(hashes)), "{hashes:x?}");
        }
        assert!(!is_whole(&[&[1, 1, 1], BEYOND].concat()));
    }

    #[test]
    fn a_key_is_read_in_each_form_that_it_is_written_in() {
        let key = KeyPair::generate();
        let component = signed(&key);
        for form in [key.pk.to_bytes(), key.pk.to_der(), key.pk.to_pem().into_bytes()] {
            assert_eq!(PublicKey::parse(&form).unwrap().verify(&component), Ok(()));
        }
        for form in [&b""[..], b"pk_1234", b"ssh-rsa AAAA", &key.sk.to_bytes()] {
            assert_eq!(PublicKey::parse(form), Err(SignatureError::Key));
        }
    }
}
