//! The text of a secret, and why a text is none.

use klaviyo_host::oauth::InstallationError;
use zeroize::Zeroizing;

/// The text of a secret, without the white space around it. Its memory is overwritten when it is dropped.
pub type SecretText = Zeroizing<String>;

/// Why a text is no secret of its kind. The sentences repeat no part of a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// There is nothing but white space.
    #[error("it is empty")]
    Empty,
    /// It has quotation marks around it.
    #[error("it has quotation marks around it; remove them")]
    Quoted,
    /// It begins with a byte order mark.
    #[error("it begins with a byte order mark; save it as UTF-8 without one")]
    ByteOrderMark,
    /// It is not UTF-8.
    #[error("it is not text")]
    NotText,
    /// It has characters that such a secret never has.
    #[error("it has characters that such a secret never has; copy it again, all of it and nothing else")]
    Characters,
    /// It has three lines or more.
    #[error("it has more than two lines; while a secret is replaced its file has two, the newer one first")]
    Lines,
    /// The part behind `whsec_` is not base64.
    #[error("it is not base64; `klaviyo-connector secret` makes one that can be used")]
    NotBase64,
    /// It decodes to too few bytes, or too many, for a signing secret.
    #[error(
        "it has {0} bytes, and a signing secret has 24 to 64; `klaviyo-connector secret` makes one that can be used"
    )]
    Bytes(usize),
    /// A signing secret that is one byte over and over. With zeros it would sign like an empty secret.
    #[error("it is the same byte over and over; `klaviyo-connector secret` makes one that can be used")]
    Same,
    /// It is too short.
    #[error("it has {0} characters, which is too few; at least {1} are needed")]
    Short(usize, usize),
    /// It is not the id of a phone number.
    #[error(
        "it is not the id of a phone number, which has digits only; Meta shows it beside the number, under \
         WhatsApp > API setup"
    )]
    NotAnId,
    /// It is no installation of an app.
    #[error(transparent)]
    NotAnInstallation(#[from] InstallationError),
    /// The settings of an account cannot be read: why, with the path in them.
    #[error("{0}")]
    Settings(String),
    /// It is not a file that can be read to its end.
    #[error("it is not a regular file")]
    NotAFile,
    /// The file is larger than any secret.
    #[error("it has more than {0} bytes, which no secret has")]
    Large(u64),
}

impl InvalidSecret {
    /// The characters of [`InvalidSecret::Quoted`].
    pub(super) const QUOTES: [char; 4] = ['"', '\'', '“', '‘'];
}

/// Fails if a text has fewer characters than this.
pub(super) fn at_least(text: &str, least: usize) -> Result<(), InvalidSecret> {
    let count = text.chars().count();
    if count < least { Err(InvalidSecret::Short(count, least)) } else { Ok(()) }
}
