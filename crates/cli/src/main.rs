//! `klaviyo-connector`: Klaviyo from the command line, by way of the connector in its sandbox.
//!
//! `klaviyo-connector --help` documents the exit codes and the shape of `--json`. [`args`] is what a user can write; each
//! command has a module that makes its calls and returns a [`done::Done`]; [`view`] and [`report`] put that, or the
//! [`failure::Failure`], into words or JSON.

mod account;
mod args;
mod argv_key_guard;
mod commands;
mod component;
mod contact;
mod done;
mod exchange;
mod failure;
mod files;
mod interrupt;
mod key;
mod log;
mod output;
mod service;
mod session;
mod sync;
mod text;
mod verbose;
mod view;

use account::Account;
use args::{Arguments, Command};
use clap::{CommandFactory, Parser};
use commands::{dead, doctor, lists, members, mock, profiles, secret, serve, worker};
use done::Done;
use failure::Failure;
use klaviyo_host::Usage;
use session::Session;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    // Told before anything is parsed, since a complaint about an argument repeats it.
    if argv_key_guard::has_key(&words) {
        return output::end(
            argv_key_guard::wants_json(&words),
            Err(argv_key_guard::refusal()),
            Usage::default(),
        );
    }
    let arguments = match Arguments::try_parse_from(&words) {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && argv_key_guard::wants_json(&words) => {
            return output::end(true, Err(Failure::usage(&error)), Usage::default());
        }
        // It repeats an argument, which may come from somebody else.
        Err(error)
            if error.use_stderr() && words.iter().any(|word| !text::is_clean(&word.to_string_lossy())) =>
        {
            return output::usage(&error);
        }
        Err(error) => error.exit(),
    };
    let json = arguments.account.json;
    let mut runtime = match arguments.command {
        Command::Serve(_) | Command::Worker(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    match runtime.enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(run(arguments));
            // A file system that hangs keeps a thread busy, which nobody waits for.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            let failure = Failure::other(format!("cannot start: {error}"));
            output::end(json, Err(failure), Usage::default())
        }
    }
}

async fn run(arguments: Arguments) -> ExitCode {
    let Arguments { account, command } = arguments;
    let json = account.json;
    match command {
        Command::Mock(options) => output::end(json, mock::run(&options, json).await, Usage::default()),
        Command::Secret => output::end(json, secret::run(), Usage::default()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "klaviyo-connector", &mut script);
            output::script(&script)
        }
        command => {
            let (outcome, usage) = match account.with_environment() {
                Ok(account) => in_account(&account, command).await,
                Err(failure) => (Err(failure), Usage::default()),
            };
            output::end(json, outcome, usage)
        }
    }
}

async fn in_account(account: &Account, command: Command) -> (Result<Done, Failure>, Usage) {
    let command = match command {
        Command::Doctor => return doctor::run(account).await,
        Command::Serve(options) => return serve::run(account, &options).await,
        Command::Worker(options) => return worker::run(account, &options).await,
        Command::Dead(options) => return (dead::run(&options).await, Usage::default()),
        Command::Sync(options) => {
            let (outcome, usage) = sync::run(account, &options).await;
            return (outcome.map_err(|failure| failure.about(account)), usage);
        }
        command => command,
    };
    match Session::open(account) {
        Ok(mut session) => {
            let outcome = call(&mut session, command).await;
            (outcome.map_err(|failure| failure.about(account)), session.usage())
        }
        Err(failure) => (Err(failure), Usage::default()),
    }
}

/// The commands that make calls in the account.
async fn call(session: &mut Session, command: Command) -> Result<Done, Failure> {
    match command {
        Command::Lists { name: None } => lists::all(session).await,
        Command::Lists { name: Some(name) } => lists::find(session, &name).await,
        Command::Lookup(who) => profiles::lookup(session, &who).await,
        Command::Create(contact) => profiles::create(session, &contact).await,
        Command::Upsert(contact) => profiles::upsert(session, &contact).await,
        Command::Subscribe { list, profiles } => members::subscribe(session, &list, &profiles).await,
        Command::OptIn { list, contact } => members::opt_in(session, &list, &contact).await,
        Command::Doctor
        | Command::Sync(_)
        | Command::Serve(_)
        | Command::Worker(_)
        | Command::Dead(_)
        | Command::Secret
        | Command::Mock(_)
        | Command::Completions { .. } => {
            Err(Failure::other("this command makes its calls elsewhere".to_owned()))
        }
    }
}
