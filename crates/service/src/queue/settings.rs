//! How to reach NATS.

use std::path::PathBuf;

/// The bytes of JetStream's store that waiting opt-ins may take if the stream is made here: two and a half
/// million opt-ins of 400 bytes. Without a bound they could take the room that outcomes and leases need, and
/// workers could not empty the stream.
pub const OPT_INS_BYTES: u64 = 1 << 30;

/// How to reach NATS.
#[derive(Clone, Debug)]
pub struct Nats {
    /// Such as `nats://127.0.0.1:4222` or `tls://USER:PASSWORD@nats:4222`; several have commas between them.
    /// Names and passwords are percent-encoded.
    pub url: String,
    /// A file with credentials.
    pub credentials: Option<PathBuf>,
    /// A file with certificates (PEM) against which the server's is checked; none for the system's
    /// certificates.
    pub ca: Option<PathBuf>,
    /// The role in which this process connects.
    pub role: Role,
    /// The bytes of JetStream's store that waiting opt-ins may take if their stream is made:
    /// [`OPT_INS_BYTES`], for example.
    pub opt_ins_bytes: u64,
}

/// A NATS without users on this machine.
impl Default for Nats {
    fn default() -> Self {
        let url = "nats://127.0.0.1:4222".to_owned();
        Self { url, credentials: None, ca: None, role: Role::Operator, opt_ins_bytes: OPT_INS_BYTES }
    }
}

/// The role of a process at the queue. NATS answers each role on subjects of its own. So an operator can give
/// each role a user that cannot read the answers to others, such as the opt-ins that workers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A front door; its answers are below `_INBOX.klaviyo-door`.
    Door,
    /// A worker; its answers are below `_INBOX.klaviyo-worker`.
    Worker,
    /// A person who looks after the queue; the answers are below `_INBOX.klaviyo-operator`.
    Operator,
}

impl Role {
    pub(super) const fn inbox(self) -> &'static str {
        match self {
            Self::Door => "_INBOX.klaviyo-door",
            Self::Worker => "_INBOX.klaviyo-worker",
            Self::Operator => "_INBOX.klaviyo-operator",
        }
    }
}
