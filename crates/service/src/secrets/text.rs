//! The text of a secret.

use zeroize::Zeroizing;

/// The text of a secret, without the white space around it. Its memory is overwritten when it is dropped.
pub type SecretText = Zeroizing<String>;
