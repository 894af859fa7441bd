//! What a user can write on the command line.

use crate::failure::Failure;
use clap::{ArgGroup, Args, Parser, Subcommand};
use clap_complete::Shell;
use klaviyo_host::{Egress, Revision};
use phonenumber::country;
use std::path::PathBuf;

/// The end of `klaviyo --help`: what scripts rely on.
const REFERENCE: &str = "\
The key:
  The account's private key is in the variable KLAVIYO_API_KEY, or in the file that --key-file or
  KLAVIYO_API_KEY_FILE names, which goes first. It is never an argument: others on the machine
  can read those, and the shell keeps them. It needs the scopes profiles:read, profiles:write,
  lists:read and lists:write.

Exit codes:
  0    done
  1    failed: a conflict, a refusal, a retired revision, or anything else
  2    the command line, an argument or the key's variable is wrong; nothing was changed
  3    not found: the list or the profile does not exist
  4    rate limited: repeat later
  5    the key was refused, or lacks a scope
  6    temporary: no connection, no answer in time, Klaviyo or something before it has a problem
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
    doctor     {healthy, checks: [{check, state, found, fix}, …]}, with the states good, warning,
                bad and unknown
    mock       {url, keys: [{key, scopes}, …], lists: [{id, name}, …]}, before it serves
  ERROR is the contract's error: {code, message, status, retry-after, details, duplicate,
  request-id, body, done}.
  USAGE is what it took: {requests, attempts, sent-bytes, received-bytes, waited-ms}.";

/// Klaviyo from the command line: lists, profiles and opt-ins, a simulator to try them on, and a doctor for the
/// account
#[derive(Parser)]
#[command(
    name = "klaviyo",
    bin_name = "klaviyo",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_long_help = REFERENCE,
    after_help = "`klaviyo --help` also documents the key, the exit codes and the shape of --json."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Account {
    /// A file with the private key and nothing else, instead of the variable KLAVIYO_API_KEY [variable:
    /// KLAVIYO_API_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// An origin to talk to instead of https://a.klaviyo.com, such as that of `klaviyo mock` [variable:
    /// KLAVIYO_ENDPOINT]
    #[arg(long, global = true, value_name = "URL", value_parser = endpoint)]
    pub(crate) endpoint: Option<Endpoint>,
    /// The oldest API revision to ask for, such as 2025-01-15; a newer one that the connector asks for is kept
    #[arg(long, global = true, value_name = "DATE")]
    pub(crate) revision: Option<Revision>,
    /// A component to run instead of the one inside this program
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
    /// Print one JSON document, for failures too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show each exchange with Klaviyo on standard error, the key masked
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// Where requests go, and how that was written.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) egress: Egress,
}

fn endpoint(url: &str) -> Result<Endpoint, String> {
    let egress =
        Egress::endpoint(url).map_err(|_| "write an origin, such as http://127.0.0.1:4010".to_owned())?;
    Ok(Endpoint { url: url.to_owned(), egress })
}

impl Account {
    /// Takes what is not an argument from the environment. Not by clap: a variable that is wrong should not stop
    /// a command that does not need it.
    pub(crate) fn with_environment(mut self) -> Result<Self, Failure> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        if self.key_file.is_none() {
            self.key_file = variable("KLAVIYO_API_KEY_FILE").map(PathBuf::from);
        }
        if let (None, Some(url)) = (&self.endpoint, variable("KLAVIYO_ENDPOINT")) {
            // It is not repeated: what belongs into the variable beside it may have got into this one.
            let wrong = |reason| {
                Failure::invalid(None, &format!("the variable KLAVIYO_ENDPOINT is no origin; {reason}"))
            };
            self.endpoint = Some(endpoint(&url.to_string_lossy()).map_err(wrong)?);
        }
        Ok(self)
    }
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

#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("identifier").required(true).args(["email", "phone", "external_id", "id"]))]
pub(crate) struct Who {
    /// An email address
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// A phone number: with its country code, or as it is dialled in --region
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// Your own id for the person
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// Klaviyo's id of the profile
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// The country of a phone number without a country code, such as IN
    #[arg(long, value_name = "COUNTRY", value_parser = region, requires = "phone")]
    pub(crate) region: Option<country::Id>,
}

#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("identifiers").required(true).multiple(true).args(["email", "phone", "external_id"]))]
#[command(next_help_heading = "The contact")]
pub(crate) struct Contact {
    /// The email address
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// The phone number: with its country code, or as it is dialled in --region
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// The country of a phone number without a country code, such as IN
    #[arg(long, value_name = "COUNTRY", value_parser = region, requires = "phone")]
    pub(crate) region: Option<country::Id>,
    /// Your own id for the person
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// The whole name: its first word is the first name, the rest the last name
    #[arg(long, conflicts_with_all = ["first_name", "last_name"])]
    pub(crate) name: Option<String>,
    /// The first name
    #[arg(long, value_name = "NAME")]
    pub(crate) first_name: Option<String>,
    /// The last name
    #[arg(long, value_name = "NAME")]
    pub(crate) last_name: Option<String>,
    /// A custom property; may be repeated. A value that is a JSON number, boolean, string, array or object is taken
    /// as that, any other as text: plan=pro, visits=3, code='"007"'
    #[arg(long = "property", value_name = "NAME=VALUE")]
    pub(crate) properties: Vec<String>,
}

fn region(text: &str) -> Result<country::Id, String> {
    text.to_ascii_uppercase()
        .parse()
        .map_err(|_| "write a country as its two letters, such as IN, GB or US".to_owned())
}

#[derive(Args)]
#[command(next_help_heading = "The simulator")]
pub(crate) struct Mock {
    /// The port on the loopback interface; 0 is any free one
    #[arg(long, default_value_t = 4010)]
    pub(crate) port: u16,
    /// One more key, pk_NAME, that has only these scopes, such as readonly=lists:read,profiles:read; may be repeated
    #[arg(long = "key", value_name = "NAME=SCOPE,…", value_parser = crate::mock::key)]
    pub(crate) keys: Vec<crate::mock::Key>,
    /// The rates to hold clients to: off, klaviyo (those that are published), or a number: so many times those
    #[arg(long, default_value = "klaviyo", value_parser = crate::mock::rates)]
    pub(crate) rates: klaviyo_mock::Rates,
    /// What goes wrong, such as 'GET /api/lists: #1-2 status 503'; may be repeated
    #[arg(long = "fault", value_name = "RULE", value_parser = crate::mock::fault)]
    pub(crate) faults: Vec<klaviyo_mock::Rule>,
    /// Decides which requests a percentage in a rule hits
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}
