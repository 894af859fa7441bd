//! What a user can write on the command line.

use crate::failure::Failure;
use clap::{ArgGroup, Args, Parser, Subcommand};
use clap_complete::Shell;
use klaviyo_host::types::Channel;
use klaviyo_host::{Egress, Revision};
use klaviyo_service::id::Id;
use klaviyo_sync::{BATCH, ColumnMapping, ConsentColumn, DateFormat, Format, UnknownColumns, Zone};
use phonenumber::country;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use url::{Host, Url};

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

#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Account {
    /// A file with the private key and nothing else, instead of the variable KLAVIYO_API_KEY [variable:
    /// KLAVIYO_API_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// An origin to talk to instead of https://a.klaviyo.com, such as that of `klaviyo-connector mock` [variable:
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

impl Endpoint {
    /// Whether what is sent there leaves this machine without encryption, the key included.
    pub(crate) fn is_in_clear(&self) -> bool {
        let is_local = |url: &Url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            None => false,
        };
        Url::parse(&self.url).is_ok_and(|url| url.scheme() == "http" && !is_local(&url))
    }
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

#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("identifier").required(true).args(["email", "phone", "external_id", "id"]))]
pub(crate) struct Who {
    /// An email address, also as in 'Priya <priya@example.com>'
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
    /// The email address, also as in 'Priya <priya@example.com>'
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

fn whatsapp_word(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("name a word; this one is empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn region(text: &str) -> Result<country::Id, String> {
    text.to_ascii_uppercase()
        .parse()
        .map_err(|_| "write a country as its two letters, such as IN, GB or US".to_owned())
}

#[derive(Args)]
#[group(skip)]
#[command(after_long_help = crate::sync::HELP)]
#[command(group = ArgGroup::new("consents").multiple(true).args(["consent", "consent_column"]))]
pub(crate) struct Sync {
    /// The file to read; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What it is written in [default: as its name says, else as it begins]
    #[arg(long, value_parser = crate::sync::formats())]
    pub(crate) format: Option<Format>,
    /// What stands between the values of CSV: a character, or tab [default: what stands in the header most, of comma,
    /// semicolon, tab and bar]
    #[arg(long, value_name = "CHARACTER", value_parser = klaviyo_sync::separator)]
    pub(crate) separator: Option<u8>,
    /// In which encoding it is, such as windows-1252 [default: UTF-8, or UTF-16 if it looks like that]
    #[arg(long, value_name = "ENCODING", value_parser = klaviyo_sync::encoding)]
    pub(crate) encoding: Option<&'static encoding_rs::Encoding>,
    /// What a column is, by its name or its position: a field, property:NAME, json:NAME (a property that is a number,
    /// say) or ignore; may be repeated
    #[arg(long, value_name = "COLUMN=FIELD")]
    pub(crate) map: Vec<ColumnMapping>,
    /// What to do with columns that are no fields
    #[arg(long, value_name = "WHAT", value_parser = crate::sync::unknown_columns(), default_value = "refuse")]
    pub(crate) unknown_columns: UnknownColumns,
    /// The country of phone numbers without a country code, such as IN
    #[arg(long, value_name = "COUNTRY", value_parser = region)]
    pub(crate) region: Option<country::Id>,
    /// Refuse a row for what could be left out of it, such as a phone number that is none beside a good email
    #[arg(long)]
    pub(crate) strict: bool,
    /// The list's id, or its exact name
    #[arg(long)]
    pub(crate) list: Option<String>,
    /// The channels that everybody in the input has consented to; --consent-column is for those of whom the input says it
    #[arg(long, value_name = "CHANNEL,…", value_parser = crate::sync::channels(), value_delimiter = ',', conflicts_with = "one_by_one")]
    pub(crate) consent: Vec<Channel>,
    /// The column that says who has consented to a channel, such as 'email=Accepts Email Marketing'; 'email=!COLUMN'
    /// for one that says who has opted out; may be repeated
    #[arg(long, value_name = "CHANNEL=COLUMN", conflicts_with = "one_by_one")]
    pub(crate) consent_column: Vec<ConsentColumn>,
    /// One more word of such a column that is consent; may be repeated
    #[arg(long, value_name = "WORD", requires = "consent_column")]
    pub(crate) consent_yes: Vec<String>,
    /// One more word that is no consent; may be repeated
    #[arg(long, value_name = "WORD", requires = "consent_column")]
    pub(crate) consent_no: Vec<String>,
    /// What Klaviyo keeps as the source of the consent, such as 'WhatsApp bot', where a row does not say it
    #[arg(long, value_name = "TEXT", requires = "consents")]
    pub(crate) consent_source: Option<String>,
    /// The consent was collected before: the column consented-at says when, and nobody is asked to confirm
    #[arg(long, requires = "consents")]
    pub(crate) historical: bool,
    /// The time zone of times of consent that have none, such as Europe/Berlin, UTC or +02:00
    #[arg(long, value_name = "ZONE", requires = "historical", allow_hyphen_values = true)]
    pub(crate) time_zone: Option<Zone>,
    /// How times of consent are written, if not as 2025-03-01 12:00:00: a format of strftime such as %d/%m/%Y, or unix or
    /// unix-ms, for seconds or milliseconds since 1970
    #[arg(long, value_name = "FORMAT", requires = "historical")]
    pub(crate) date_format: Option<DateFormat>,
    /// Look each contact up, create it if there is none, add it to the list
    #[arg(long, requires = "list")]
    pub(crate) one_by_one: bool,
    /// Print exactly what would be sent (with --json: how much), and how long it takes at Klaviyo's rates; send nothing
    #[arg(long, conflicts_with_all = ["report", "state"])]
    pub(crate) dry_run: bool,
    /// A CSV file to write what became of each row; one that is there is overwritten
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// A file that keeps how far the sync is, so that the same command goes on after an interruption
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// How long to go on trying when Klaviyo is not available
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub(crate) patience: Duration,
    /// The most contacts of one import
    #[arg(long, hide = true, default_value_t = BATCH, value_parser = batch)]
    pub(crate) batch: usize,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a time such as 30s or 10m".to_owned())
}

fn batch(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|most| (1..=BATCH).contains(most))
        .ok_or_else(|| format!("write a number from 1 to {}", BATCH))
}

#[derive(Args)]
#[command(next_help_heading = "The simulator")]
pub(crate) struct Mock {
    /// The port on the loopback interface; 0 is any free one
    #[arg(long, default_value_t = 4010)]
    pub(crate) port: u16,
    /// One more key, pk_NAME, that has only these scopes, such as readonly=lists:read,profiles:read; may be repeated
    #[arg(long = "key", value_name = "NAME=SCOPE,…", value_parser = crate::commands::mock::key)]
    pub(crate) keys: Vec<crate::commands::mock::Key>,
    /// The rates to hold clients to: off, klaviyo (those that are published), or a number: so many times those
    #[arg(long, default_value = "klaviyo", value_parser = crate::commands::mock::rates)]
    pub(crate) rates: klaviyo_mock::Rates,
    /// What goes wrong, such as 'GET /api/lists: #1-2 status 503'; may be repeated
    #[arg(long = "fault", value_name = "RULE", value_parser = crate::commands::mock::fault)]
    pub(crate) faults: Vec<klaviyo_mock::Rule>,
    /// Decides which requests a percentage in a rule hits
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Args)]
#[command(after_long_help = crate::commands::serve::HELP)]
pub(crate) struct Serve {
    /// The address to listen at; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where to answer /healthz, /readyz and /metrics, which strangers should not reach; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8082")]
    pub(crate) health_listen: SocketAddr,
    #[command(flatten)]
    pub(crate) secrets: Secrets,
    #[command(flatten)]
    pub(crate) nats: Nats,
    /// The WhatsApp message that opts its sender in, in any case; may be repeated
    #[arg(long, value_name = "WORD", default_value = "SUBSCRIBE", value_parser = whatsapp_word)]
    pub(crate) whatsapp_word: Vec<String>,
    /// Opt nobody in by WhatsApp whose phone number it does not tell; without this they are known by WhatsApp's own id
    #[arg(long)]
    pub(crate) whatsapp_numbers_only: bool,
    /// How many opt-ins of one account are taken in a second; more are answered 503
    #[arg(long, value_name = "NUMBER", default_value = "1000")]
    pub(crate) rate: NonZeroU32,
    /// How many requests are worked on at once, at most half of them of one account, a third each of two, and so on; more are
    /// answered 503
    #[arg(long, value_name = "NUMBER", default_value = "256")]
    pub(crate) concurrency: NonZeroU32,
}

#[derive(Args)]
pub(crate) struct Secrets {
    /// A folder with a file for each secret of each account, such as shop-1.api-key; without it they are variables, of the
    /// account `default`
    #[arg(long = "secrets", value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Nats {
    /// The NATS server with the queue, such as nats://127.0.0.1:4222; its JetStream is on. tls://USER:PASSWORD@HOST insists on
    /// TLS, which nats:// leaves to the server [variable: NATS_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) nats: Option<String>,
    /// A file with the credentials for NATS [variable: NATS_CREDS]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) nats_creds: Option<PathBuf>,
    /// A file with the certificates (PEM) that NATS' is checked with; without it they are the system's [variable: NATS_CA]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) nats_ca: Option<PathBuf>,
    /// What opt-ins that wait may take of JetStream's store, where their stream is made; the store needs as much again
    /// for outcomes and the rest
    #[arg(long, global = true, value_name = "BYTES", default_value_t = klaviyo_service::queue::OPT_INS_BYTES)]
    pub(crate) queue_bytes: u64,
}

#[derive(Args)]
#[command(after_long_help = crate::commands::worker::HELP)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) nats: Nats,
    #[command(flatten)]
    pub(crate) secrets: Secrets,
    /// Where to answer /healthz, /readyz and /metrics; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub(crate) listen: SocketAddr,
    /// How often an opt-in is tried before it becomes a dead letter
    #[arg(long, value_name = "NUMBER", default_value = "25")]
    pub(crate) attempts: NonZeroU32,
}

#[derive(Args)]
pub(crate) struct Dead {
    #[command(subcommand)]
    pub(crate) command: DeadCommand,
    #[command(flatten)]
    pub(crate) nats: Nats,
}

#[derive(Subcommand)]
pub(crate) enum DeadCommand {
    /// Show the dead letters: id, code and reason
    List {
        /// Only those of this account
        #[arg(long)]
        account: Option<klaviyo_service::account::Account>,
    },
    /// Show one, with the opt-in itself
    Show {
        /// Its id, from `dead list` or the answer to the opt-in
        id: Id,
    },
    /// Put dead letters into the queue again
    Retry(Which),
    /// Give dead letters up
    Drop(Which),
}

/// Which dead letters.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "all"]))]
pub(crate) struct Which {
    /// Their ids, from `dead list` or the answers to the opt-ins
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<Id>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
    /// With --all: only those of this account
    #[arg(long, requires = "all")]
    pub(crate) account: Option<klaviyo_service::account::Account>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_sent_to_in_clear() {
        for (url, expected) in [
            ("http://192.0.2.1:4810", true),
            ("http://gateway.example", true),
            ("http://localhost.example:80", true),
            ("http://[2001:db8::1]", true),
            ("http://0.0.0.0:4010", true),
            ("https://192.0.2.1:4810", false),
            ("https://gateway.example/", false),
            ("http://127.0.0.1:4010", false),
            ("http://127.1.2.3", false),
            ("http://0x7f.1", false),
            ("http://localhost:4010/", false),
            ("http://LOCALHOST", false),
            ("http://mock.localhost", false),
            ("http://[::1]:4010", false),
            ("http://[::ffff:127.0.0.1]", false),
        ] {
            assert_eq!(endpoint(url).unwrap().is_in_clear(), expected, "{url}");
        }
    }
}
