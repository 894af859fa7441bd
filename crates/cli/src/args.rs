//! The command line: the global options, the table of the commands, and the reference that `--help` ends with.

use crate::account::Account;
use crate::commands;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::{Parser, Subcommand};

/// What scripts rely on.
const REFERENCE: &str = "\
The key:
  The account's private key is in the variable KLAVIYO_API_KEY, or in the file that --key-file or
  KLAVIYO_API_KEY_FILE names; the file goes before the variable. The key is never an argument:
  others on the machine can read arguments, and the shell keeps them. Instead of a key,
  --oauth-file or KLAVIYO_OAUTH_FILE may name a file that `klaviyo-connector connect` wrote. The
  key needs the scopes profiles:read, profiles:write, lists:read and lists:write; the help of a
  command that needs others names them. Standard error has a warning if others can read the key's
  file, and if --endpoint sends the key to another machine without https.

The component:
  --component takes a file, or a reference to a registry with the digest that `wkg oci push` prints:
  registry.example.com/klaviyo/connector@sha256:…; a tag alone is refused. It is pulled once, and
  kept in the folder of caches. Where the registry asks for a login, KLAVIYO_REGISTRY_LOGIN, or a
  file that KLAVIYO_REGISTRY_LOGIN_FILE names, has USER:PASSWORD. With --component-key it has to be
  signed by that public key, as `wasmsign2 sign` does it.

Exit codes:
  0    done
  1    failed: a conflict, a refusal, a removed endpoint, or anything else
  2    the command line, an argument or the key's variable is wrong; nothing was changed
  3    not found: the list, the segment or the profile does not exist
  4    rate limited: repeat later
  5    the key was refused, or lacks a scope
  6    temporary: no connection, no answer in time, or Klaviyo or something before it has a problem
  130  interrupted by Ctrl-C or SIGTERM: `sync` by the first one, `serve` and `worker` by the second
  `doctor` exits with the code of the first check that failed.

--json:
  One document on standard output, also when the command line is wrong:
    {\"ok\": VALUE, \"usage\": USAGE}   or   {\"err\": ERROR, \"usage\": USAGE}
  VALUE is what the function of the contract (wit/) returns, with the contract's names; `history`
  and `merge` make theirs of several. If a search finds nothing, it is null, and the exit code is 3.
  The help of each command, such as `klaviyo-connector lists --help`, says what its VALUE is.
  ERROR is the contract's error: {code, message, status, retry-after, details, duplicate,
  request-id, body, done}.
  USAGE is what the calls used: {requests, attempts, sent-bytes, received-bytes, waited-ms}.";

/// Klaviyo from the command line: lists, profiles, opt-ins and whole files of contacts, a service that takes opt-ins,
/// a simulator to try them on, and a doctor for the account
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

/// Makes the command line and the dispatch of a table: how a command is called, and the type that has its arguments,
/// its help and its `run`.
macro_rules! commands {
    ($($name:ident($command:ty),)*) => {
        #[derive(Subcommand)]
        pub(crate) enum Command {
            $($name($command),)*
        }

        impl Command {
            /// Runs the command that was asked for.
            pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
                match self {
                    $(Self::$name(command) => command.run(context),)*
                }
            }
        }
    };
}

// In the order of `klaviyo-connector --help`.
commands! {
    Lists(commands::lists::Lists),
    Segments(commands::segments::Segments),
    Members(commands::members::Members),
    Lookup(commands::lookup::Lookup),
    History(commands::history::History),
    Changes(commands::changes::Changes),
    Create(commands::create::Create),
    Upsert(commands::upsert::Upsert),
    Update(commands::update::Update),
    Merge(commands::merge::Merge),
    Subscribe(commands::subscribe::Subscribe),
    Remove(commands::remove::Remove),
    OptIn(commands::opt_in::OptIn),
    Consent(commands::consent::Consent),
    Track(commands::track::Track),
    Sync(Box<commands::sync::Sync>),
    Serve(Box<commands::serve::Serve>),
    Worker(commands::worker::Worker),
    Dead(commands::dead::Dead),
    Forget(commands::forget::Forget),
    Status(commands::status::Status),
    Secret(commands::secret::NewSecret),
    Connect(commands::connect::Connect),
    Mock(commands::mock::Mock),
    Whatsapp(commands::whatsapp::WhatsApp),
    Account(commands::account::ShowAccount),
    Actions(commands::actions::ShowActions),
    Api(commands::api::Api),
    Mcp(commands::mcp::Mcp),
    Doctor(commands::doctor::Doctor),
    Completions(commands::completions::Completions),
    Man(commands::man::Man),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// clap wraps a longer line, which tears tables and paragraphs apart.
    #[test]
    fn the_lines_of_every_help_fit() {
        let grammar = Arguments::command();
        let commands: Vec<_> = [&grammar].into_iter().chain(grammar.get_subcommands()).collect();
        let texts =
            commands.iter().flat_map(|command| [command.get_after_help(), command.get_after_long_help()]);
        let help: Vec<String> = texts.flatten().map(ToString::to_string).collect();
        let long: Vec<&str> =
            help.iter().flat_map(|text| text.lines()).filter(|line| line.chars().count() > 100).collect();
        assert!(help.len() >= commands.len() && long.is_empty(), "{long:#?}");
    }
}
