//! `klaviyo-connector connect`: lets an app into one account, by way of a person's browser.

mod callback;
mod pkce;

use crate::account::Account as Options;
use crate::commands::doctor::SCOPES;
use crate::context::Context;
use crate::failure::Failure;
use crate::key;
use crate::output::{self, Output};
use crate::text::{TITLE, good};
use crate::{interrupt, runtime, session};
use callback::Callback;
use clap::Args;
use klaviyo_host::oauth::{Client, Grant, GrantError, Installation, InstallationError, TokenEndpoint};
use klaviyo_host::types::Code;
use klaviyo_host::{AttemptError, Limits, Secret};
use klaviyo_service::account::Account;
use klaviyo_service::secrets::SecretKind;
use pkce::Pkce;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use url::Url;
use zeroize::Zeroizing;

const HELP: &str = "\
The app is one that you made in Klaviyo, with the redirect URL http://127.0.0.1:4180/callback
(another port with --port). Its client id and client secret are in the variables
KLAVIYO_CLIENT_ID and KLAVIYO_CLIENT_SECRET, in files (--client-id-file and
--client-secret-file), or in the file of an account that is connected anew.

The command prints an address. Whoever opens it in a browser on this machine, signs in to the
account and agrees, lets the app in; the browser then comes back to this command, which writes
FOLDER/ACCOUNT.oauth for `serve` and `worker`: a secret, which its owner alone can read. It
replaces the one that was there, and goes before ACCOUNT.api-key.

New tokens are kept in NATS, sealed with a key made of the client secret, or without --nats in
the hidden file .ACCOUNT.oauth-tokens beside it. Klaviyo may end a refresh token when it gives a
new one, so one installation has one such place: with --nats, do not use the file with
--oauth-file too.

With --json, VALUE is {account, file, scopes}.";

/// Let an app into one account (OAuth, PKCE), instead of a private key, and write what `serve` and `worker` need
#[derive(Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Connect {
    /// The name of the account, such as shop-1
    #[arg(long, value_name = "NAME", value_parser = account)]
    account: Account,
    /// The folder that the file is written into
    #[arg(long, value_name = "FOLDER")]
    secrets: PathBuf,
    /// The port on the loopback interface that the browser comes back to; 0 is any free one
    #[arg(long, default_value_t = 4180)]
    port: u16,
    /// A scope to ask for, such as lists:read; may be repeated. Without it, all that the connector has a use for
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// A file with the client id and nothing else [variable: KLAVIYO_CLIENT_ID]
    #[arg(long, value_name = "FILE")]
    client_id_file: Option<PathBuf>,
    /// A file with the client secret and nothing else [variable: KLAVIYO_CLIENT_SECRET]
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

fn account(text: &str) -> Result<Account, String> {
    text.parse().map_err(|error| format!("{error}"))
}

impl Connect {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let options = context.account()?;
        runtime::on_this_thread(self.connect(&options))
    }

    async fn connect(&self, options: &Options) -> Result<Output, Failure> {
        let file = self.secrets.join(format!("{}.{}", self.account, SecretKind::Oauth.file()));
        let client = self.client(&file)?;
        // Made first: a folder that cannot be written to is found before a person is asked for anything.
        let room = NamedTempFile::with_prefix_in(".connect-", &self.secrets)
            .map_err(|error| cannot_write(&self.secrets, &error))?;
        let limits = Limits::default();
        let transport = session::transport(options, &limits)?;
        let endpoint = TokenEndpoint::new(transport, session::egress(options), &limits);
        let interrupt = interrupt::listen()?;
        let pkce = Pkce::new()?;
        let callback = Callback::bind(self.port).await?;
        let scopes = self.scopes();
        let url = self.authorization(options, &client, &pkce, callback.redirect(), &scopes)?;
        output::eprint(&format!(
            "Open this address in a browser on this machine, and let the app into the account {} (Ctrl-C cancels):\n\n  \
             {TITLE}{url}{TITLE:#}\n\n",
            self.account
        ));
        let redirect = callback.redirect().to_owned();
        let code = tokio::select! {
            code = callback.code(pkce.state()) => code?,
            () = interrupt.asked() => return Err(Failure::interrupted()),
        };
        // From here on the code is used up: the rest is done, and Ctrl-C waits.
        let granted = endpoint.exchange(&client, &code, pkce.verifier(), &redirect).await;
        let Grant { refresh_token, .. } = granted.map_err(refused)?;
        let refresh_token = refresh_token.ok_or_else(|| {
            Failure::new(Code::Malformed, "Klaviyo's answer has no refresh token in it".to_owned())
        })?;
        keep(room, &Installation { client, refresh_token }, &file)
            .map_err(|error| cannot_write(&file, &error))?;
        Ok(self.done(&file, &scopes))
    }

    fn scopes(&self) -> Vec<String> {
        if self.scopes.is_empty() { SCOPES.map(str::to_owned).to_vec() } else { self.scopes.clone() }
    }

    /// The app: by the options, the variables, or the file that is there already.
    fn client(&self, file: &Path) -> Result<Client, Failure> {
        let id = text(self.client_id_file.as_deref(), "KLAVIYO_CLIENT_ID")?;
        let secret = text(self.client_secret_file.as_deref(), "KLAVIYO_CLIENT_SECRET")?;
        let (id, secret) = match (id, secret) {
            (Some(id), Some(secret)) => (id, secret),
            (None, None) if file.exists() => {
                let wrong = |reason: String| {
                    Failure::invalid(None, &format!("no app can be read from {}: {reason}", file.display()))
                };
                let (text, _) = key::contents(file).map_err(|error| wrong(error.to_string()))?;
                let before = Installation::from_json(&Zeroizing::new(text));
                return Ok(before.map_err(|error| wrong(error.to_string()))?.client);
            }
            _ => {
                let missing = "the app's client id or client secret is missing; put them into the variables \
                               KLAVIYO_CLIENT_ID and KLAVIYO_CLIENT_SECRET";
                return Err(Failure::invalid(None, missing)
                    .hint("--client-id-file and --client-secret-file take files instead")
                    .hint("`klaviyo-connector mock` has an app to try it on, and prints both"));
            }
        };
        Client::new(&id, &secret).map_err(|error| {
            let member = match error {
                InstallationError::Member("client_id") => "client id",
                _ => "client secret",
            };
            Failure::invalid(None, &format!("the {member} has characters that it cannot have; copy it again"))
        })
    }

    /// The address to open.
    fn authorization(
        &self,
        options: &Options,
        client: &Client,
        pkce: &Pkce,
        redirect: &str,
        scopes: &[String],
    ) -> Result<Url, Failure> {
        const KLAVIYO: &str = "https://www.klaviyo.com";
        let origin = options.endpoint.as_ref().map_or(KLAVIYO, |endpoint| endpoint.url.as_str());
        let failed = |error| Failure::other(format!("{origin} has no address for authorization: {error}"));
        let mut url = Url::parse(origin).and_then(|url| url.join("/oauth/authorize")).map_err(failed)?;
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", client.id.as_str()),
            ("redirect_uri", redirect),
            ("scope", scopes.join(" ").as_str()),
            ("state", pkce.state()),
            ("code_challenge_method", "S256"),
            ("code_challenge", pkce.challenge()),
        ]);
        Ok(url)
    }

    fn done(&self, file: &Path, scopes: &[String]) -> Output {
        let account = &self.account;
        let value = json!({ "account": account, "file": file, "scopes": scopes });
        let mut notes =
            format!("`serve` and `worker` with --secrets {} use it within seconds\n", self.secrets.display());
        let key = format!("{account}.{}", SecretKind::ApiKey.file());
        if self.secrets.join(&key).exists() {
            notes.push_str(&format!("it goes before {key}, which can be removed\n"));
        }
        let text = good(&format!("account {account} is connected: {}", file.display()));
        Output::new(value, text).with_notes(notes)
    }
}

/// The text of a file or a variable; none: there is neither.
fn text(file: Option<&Path>, variable: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    let text = match file {
        Some(file) => {
            let failed = |error| Failure::invalid(None, &format!("cannot read {}: {error}", file.display()));
            key::contents(file).map_err(failed)?.0
        }
        None => std::env::var(variable).unwrap_or_default(),
    };
    Ok(Some(Zeroizing::new(text.trim().to_owned())).filter(|text| !text.is_empty()))
}

/// Writes the installation. It is there as a whole, or not at all, and only its owner can read it.
fn keep(mut room: NamedTempFile, installation: &Installation, file: &Path) -> std::io::Result<()> {
    room.write_all(installation.to_json().as_bytes())?;
    room.as_file().sync_all()?;
    room.persist(file).map_err(|error| error.error)?;
    #[cfg(unix)]
    if let Some(folder) = file.parent().filter(|folder| *folder != Path::new("")) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::invalid(None, &format!("cannot write {}: {error}", path.display()))
        .hint("--secrets names a folder that exists and can be written to")
}

fn refused(error: GrantError) -> Failure {
    let code = match &error {
        GrantError::Invalid | GrantError::Client => Code::Unauthenticated,
        GrantError::Unavailable { .. } => Code::Unavailable,
        GrantError::Attempt(AttemptError::Timeout(_)) => Code::Timeout,
        GrantError::Attempt(AttemptError::Denied(_)) => Code::Denied,
        GrantError::Attempt(_) => Code::Connection,
    };
    let is_app = matches!(error, GrantError::Client);
    let failure = Failure::new(code, format!("the account is not connected: {error}"));
    failure.hint(if is_app {
        "see that the client id and the client secret are those of one app"
    } else {
        "run the same command again; a code can be used once, within five minutes"
    })
}

/// A random text of 43 characters.
fn random() -> Result<String, Failure> {
    use base64::Engine;
    let mut bytes = Zeroizing::new([0; 32]);
    let failed = |error| Failure::other(format!("the system has no random numbers to give: {error}"));
    getrandom::fill(bytes.as_mut_slice()).map_err(failed)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

/// A text of this command's own making, as a secret.
fn secret(text: &str) -> Result<Secret, Failure> {
    Secret::new(text).map_err(|error| Failure::other(error.to_string()))
}
