//! What a user can write on the command line.

use crate::account::Account;
use crate::commands::{dead::Dead, mock::Mock, serve::Serve, sync::Sync, worker::Worker};
use crate::contact::{Contact, Who};
use clap::{Parser, Subcommand};
use clap_complete::Shell;

/// The end of `klaviyo-connector --help`: what scripts rely on.
const REFERENCE: &str = "\
The key:
  The account's private key is in the variable KLAVIYO_API_KEY, or in the file that --key-file or
  KLAVIYO_API_KEY_FILE names, which goes first. It is never an argument: others on the machine
  can read those, and the shell keeps them. It needs the scopes profiles:read, profiles:write,
  lists:read and lists:write. Standard error has a warning when others can read the key's file, and
  when --endpoint sends the key to another machine without https.

Exit codes:
  0    done
  1    failed: a conflict, a refusal, a retired revision, or anything else
  2    the command line, an argument or the key's variable is wrong; nothing was changed
  3    not found: the list or the profile does not exist
  4    rate limited: repeat later
  5    the key was refused, or lacks a scope
  6    temporary: no connection, no answer in time, Klaviyo or something before it has a problem
  130  interrupted, by Ctrl-C or SIGTERM: `sync`, and `serve` and `worker` by a second one
  `doctor` exits with the code of the first check that failed.

--json:
  One document on standard output, also when the command line is wrong:
    {\"ok\": VALUE, \"usage\": USAGE}   or   {\"err\": ERROR, \"usage\": USAGE}
  VALUE is what the function of the contract (wit/) returns, with the contract's names; where a
  search finds nothing it is null, and the exit code is 3.
    lists      [{id, name, created, updated, opt-in}, …]; with --name the list, or null
    lookup     {id, email, phone-number, external-id, first-name, last-name, created, updated,
                properties, warnings}, or null
    create     {\"created\": PROFILE} or {\"existing\": ID}
    upsert     {profile, created}
    subscribe  how many profiles were sent
    opt-in     {profile-id, profile-name, list-id, created, warnings}
    sync       {rows, done, refused, failed, warned, seconds, rows-per-second, was-complete,
               report, input: {format, separator, encoding}}; with --dry-run {rows, good,
               refused, warned, requests, by-operation, imports, seconds, input}
    doctor     {healthy, checks: [{check, state, found, fix}, …]}, with the states good, warning,
                bad and unknown
    serve      {url, health_url, queue, accounts}, before it serves
    worker     {url, accounts}, before it works
    dead       list: [{id, opt_in, error: {code, message, details}, attempts, since}, …]; show: one of
               them; retry and drop: how many
    secret     the signing secret
    mock       {url, keys: [{key, scopes}, …], lists: [{id, name}, …]}, before it serves
  ERROR is the contract's error: {code, message, status, retry-after, details, duplicate,
  request-id, body, done}.
  USAGE is what it took: {requests, attempts, sent-bytes, received-bytes, waited-ms}.";

/// Klaviyo from the command line: lists, profiles, opt-ins and whole files of contacts, a simulator to try them on,
/// and a doctor for the account
#[derive(Parser)]
#[command(
    name = "klaviyo-connector",
    bin_name = "klaviyo-connector",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_long_help = REFERENCE,
    after_help = "`klaviyo-connector --help` also documents the key, the exit codes and the shape of --json."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the lists of the account
    Lists {
        /// Only the list with this id or exact name
        #[arg(long)]
        name: Option<String>,
    },
    /// Show the profile that has an identifier
    Lookup(Who),
    /// Create a profile, unless one with an identifier of it exists
    Create(Contact),
    /// Create a profile, or update the one with the same identifiers
    Upsert(Contact),
    /// Add profiles to a list; this is membership, not consent
    Subscribe {
        /// The list's id, or its exact name
        #[arg(long)]
        list: String,
        /// The ids of the profiles
        #[arg(required = true, value_name = "PROFILE_ID")]
        profiles: Vec<String>,
    },
    /// Look a contact up, create it if there is none, and add it to a list; this is membership, not consent
    OptIn {
        /// The list's id, or its exact name
        #[arg(long)]
        list: String,
        #[command(flatten)]
        contact: Contact,
    },
    /// Sync the contacts of a file, CSV or JSON: as members of a list, with consent, or one by one
    Sync(Box<Sync>),
    /// Take opt-ins over HTTP, from callers who sign them and from WhatsApp's webhook, until Ctrl-C
    Serve(Box<Serve>),
    /// Bring the opt-ins that wait on NATS JetStream to Klaviyo, at the pace of each account, until Ctrl-C
    Worker(Worker),
    /// Look at the opt-ins that could not be done, try them again, or give them up
    Dead(Dead),
    /// Print a new secret to sign opt-ins with, for `serve`; it is kept nowhere
    #[command(after_long_help = crate::commands::secret::HELP)]
    Secret,
    /// Run a Klaviyo on this machine to try things on, until Ctrl-C
    Mock(Mock),
    /// Check the key, its scopes, the revision, the clock and the rates, and say what to fix; changes nothing
    Doctor,
    /// Print a script that completes this command in a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}
