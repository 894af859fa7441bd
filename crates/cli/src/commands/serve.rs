//! `klaviyo-connector serve`: the front door, which takes opt-ins over HTTP.

mod missing;

use crate::account::Account;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::service::{CloudArgs, LogArgs, NatsArgs, SecretsArgs};
use crate::text::TITLE;
use crate::traces::{Traces, TracesArgs};
use crate::{interrupt, runtime, service};
use clap::Args;
use klaviyo_service::door::{Door, DoorLimits, DoorSettings, routes};
use klaviyo_service::metrics::{self, ApiMetrics};
use klaviyo_service::ops;
use klaviyo_service::queue::Role;
use klaviyo_service::secrets::SecretKind;
use serde_json::json;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

const HELP: &str = "\
Routes:
  POST /v1/opt-ins            one opt-in, or an array of at most 100 (with --nats 1,000)
  GET  /v1/opt-ins/{id}       with --nats: the outcome of an opt-in
  POST /v1/opt-outs           one opt-out, or an array of as many
  GET  /v1/opt-outs/{id}      with --nats: the outcome of an opt-out
  GET  /v1/whatsapp/{account} Meta asks here whether the webhook is wanted
  POST /v1/whatsapp/{account} Meta sends its notifications here
  POST /v1/klaviyo/{account}  with --nats: Klaviyo's own webhooks, after which a worker looks for
                              changes at once

At --health-listen, for monitoring; nobody else should reach it:
  GET  /healthz, /readyz, /metrics

Without --nats the door does an opt-in at once and answers 200, with the receipt and the reply for
the customer. With --nats it answers 202 when JetStream has written the opt-in, with an id; for a
week that id gets the outcome.

An opt-in:
  {\"account\": \"default\", \"list\": \"WhatsApp Opt-Ins\", \"email\": \"priya@example.com\",
   \"phone_number\": \"+919820000001\", \"external_id\": \"7\", \"first_name\": \"Priya\",
   \"last_name\": \"Sharma\", \"properties\": {}, \"consent\": [\"email\", \"sms\", \"whatsapp\"],
   \"consent_source\": \"WhatsApp bot\", \"id\": \"your own id\", \"at\": \"2026-11-27T08:30:00Z\",
   \"strict\": false}
  It needs account, list, and one of email, phone_number and external_id. Without consent the
  person becomes a member of the list, no more. With --nats a second opt-in with the same id is
  not done again. Without --nats it is done again, and finds what the first one did. at says when
  the person opted in, if not now: with --nats, an opt-out of that time or later stands.

  Consent is to email, sms and whatsapp, and to no other channel: the door says at once whether an
  opt-in has the address that each channel needs, so it must know the channel. For any other
  channel there is `klaviyo-connector consent grant`.

  Emails, phone numbers and names may be as people write them. White space, invisible characters
  and separators are no part of them, nor is the text around an address, as in \"Priya <p@x.com>\".
  A phone_number needs its country code. Numbers in properties keep every digit. \"N/A\", \"none\",
  \"-\" and the like mean that there is no value.

  An email or phone_number that cannot be one is left out if the opt-in has another identifier,
  and so is consent that needs it. \"warnings\" in the answer has a sentence for each, which begins
  with the field; with --nats the 202 has it, and the outcome too. With strict such an opt-in is
  refused.

  If an opt-in can never be done, the answer is 422, with \"index\", \"field\" and \"message\" of each
  such opt-in, and the door takes none of the request.

An opt-out, of somebody who tells you by another way than WhatsApp:
  {\"account\": \"default\", \"email\": \"priya@example.com\", \"phone_number\": \"+919820000001\",
   \"external_id\": \"7\", \"channels\": [\"email\", \"sms\", \"whatsapp\"],
   \"lists\": [\"WhatsApp Opt-Ins\"], \"id\": \"your own id\", \"at\": \"2026-11-27T08:30:00Z\"}
  It needs account, one of email, phone_number and external_id, and a channel or a list. It takes
  the consent to the channels, and takes the person off the lists, 20 at most. at says when the
  person opted out, if not now: with --nats, an opt-in of a later time stands. Give all identifiers
  that you know: an opt-in that waits is stopped if it has one of them. Ids, limits and answers are
  those of opt-ins, and an opt-out may have the id of an opt-in.

Signatures, as https://www.standardwebhooks.com defines them, are in three headers:
  webhook-id          your id of the request, such as msg_1
  webhook-timestamp   seconds since 1970
  webhook-signature   \"v1,\" and the base64 of HMAC-SHA256 over \"ID.TIMESTAMP.BODY\"

  To ask for an outcome, webhook-id is the id of that opt-in. A signed request is taken once,
  within five minutes. After a 503 the same request may be sent again. To repeat any other
  request, sign it anew with the same webhook-id. With --nats all doors know which requests were
  taken. Without --nats each process knows only those that it took since it started.

WhatsApp:
  A notification has at most 4 MB, and a request with opt-ins 1 MB. A notification opts its sender
  in if the sender wrote a word of --whatsapp-word within the last week, whatever its case, its
  accents and the punctuation around it: as a text, by the button of a template (its payload or
  its text), by a button or a choice from a list (its id or its title), or in the answer to a Flow.

  The answer to a Flow opts in if a field consent, opt_in, subscribe, newsletter, marketing,
  marketing_consent, accepts_marketing, updates or the like says yes, or if any of its texts, its
  name or its flow_token is the word. A no in one of those fields overrules all of that. If none
  of them says yes, the answer opts nobody in if one of them is empty or says neither, or if a
  field with a similar name says no. Its fields email, name, first_name and last_name go into the
  opt-in. In the names of fields, upper case, hyphens, and the numbers of Meta's builder, as in
  screen_0_Email_1, do not count. The sender becomes a member of the list, which is no consent.

  WhatsApp may hide the phone number of a sender who has a username. The door opts such a sender
  in with WhatsApp's own id as external_id, and with the properties whatsapp_user_id and
  whatsapp_username. Consent to WhatsApp needs a number, which a warning says. A sender with a
  number is known by the number alone.

  What cannot be done is in the answer and in the log and, with --nats, becomes a dead letter
  (`klaviyo-connector dead`). All other notifications are counted by reason in the metric
  klaviyo_door_ignored_total.

  STOP and UNSUBSCRIBE, WhatsApp's own button, and a message that fails because the person has
  stopped marketing opt out: the person loses the consent to WhatsApp and leaves the lists of
  opt_out_lists; for that, the key needs the scope subscriptions:write. START gives back what an
  opt-out took, with --nats only. Of a person's words the last one by its time stands.

  ACCOUNT.whatsapp-settings is JSON with other words, in several languages: opt_in_words (else
  those of --whatsapp-word), opt_out_words, resume_words, languages, opt_out_lists, consent (the
  channels that an opt-in by WhatsApp consents to; else it joins the list, no more), and in
  delivery_events the metrics for sent, delivered, read and failed messages. docs/scale.md shows it.

  Replies: an account with a whatsapp-token answers each message over the Cloud API, once, as a
  reply to it: without --nats the door does it, with --nats the worker. The texts are in
  ACCOUNT.whatsapp-settings, as docs/whatsapp.md says.

Secrets are files in the folder of --secrets, which are read again when they change, or variables:
  ACCOUNT.signing-secret            KLAVIYO_SIGNING_SECRET            `klaviyo-connector secret`
  ACCOUNT.whatsapp-app-secret       KLAVIYO_WHATSAPP_APP_SECRET       what Meta signs with
  ACCOUNT.whatsapp-phone-number-id  KLAVIYO_WHATSAPP_PHONE_NUMBER_ID  Meta's id of the number
  ACCOUNT.whatsapp-verify-token     KLAVIYO_WHATSAPP_VERIFY_TOKEN     what you told Meta
  ACCOUNT.whatsapp-list             KLAVIYO_WHATSAPP_LIST             the list's id or exact name
  ACCOUNT.whatsapp-settings         KLAVIYO_WHATSAPP_SETTINGS         words and lists, no secret
  ACCOUNT.klaviyo-webhook-secret    KLAVIYO_WEBHOOK_SECRET            what Klaviyo signs with
  ACCOUNT.whatsapp-token            KLAVIYO_WHATSAPP_TOKEN            what replies are sent with;
                                                                      without --nats only
  ACCOUNT.api-key                   KLAVIYO_API_KEY                   without --nats only
  ACCOUNT.oauth                     `klaviyo-connector connect`       the same, instead of a key

  signing-secret, whatsapp-app-secret and klaviyo-webhook-secret may have two lines while one is
  replaced, the newer first: either is right. changes-secret of `worker` may, too: changes are then
  signed with both.

  The log names a secret that cannot be used, such as a signing secret of fewer than 24 bytes, and
  its account is not served. Accounts that share a WhatsApp app need their phone number ids: Meta
  signs for the app, and an account takes the notifications of its own number only.

With --json, VALUE is {url, health_url, queue, accounts}. It is printed before the door serves.";

/// Take opt-ins over HTTP until Ctrl-C: from callers who sign them, and from WhatsApp's webhook
#[derive(Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Serve {
    /// The address to listen at; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = service::address)]
    listen: SocketAddr,
    /// The address of /healthz, /readyz and /metrics, which strangers should not reach; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8082", value_parser = service::address)]
    health_listen: SocketAddr,
    #[command(flatten)]
    secrets: SecretsArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    traces: TracesArgs,
    #[command(flatten)]
    nats: NatsArgs,
    /// The WhatsApp message that opts its sender in, in any case; may be repeated
    #[arg(long, value_name = "WORD", default_value = "SUBSCRIBE", value_parser = whatsapp_word)]
    whatsapp_word: Vec<String>,
    #[command(flatten)]
    cloud: CloudArgs,
    /// Opt in only senders whose phone number WhatsApp tells; without this, other senders are known by WhatsApp's own id
    #[arg(long)]
    whatsapp_numbers_only: bool,
    /// How many opt-ins of one account are taken a second; the answer to more is 503
    #[arg(long, value_name = "NUMBER", default_value = "1000", value_parser = service::count)]
    rate: NonZeroU32,
    /// How many requests are worked on at once; the answer to more is 503. One account has at most half of them, two
    /// accounts a third each, and so on
    #[arg(long, value_name = "NUMBER", default_value = "256", value_parser = service::count)]
    concurrency: NonZeroU32,
}

fn whatsapp_word(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("name a word; this one is empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// The secrets by which a door knows its callers.
/// How long an opt-in that is done at once may wait for its turn: who sends it waits for the answer.
const TURN: Duration = Duration::from_secs(60);

const CALLERS: [SecretKind; 7] = [
    SecretKind::SigningSecret,
    SecretKind::WhatsappAppSecret,
    SecretKind::WhatsappVerifyToken,
    SecretKind::WhatsappList,
    SecretKind::WhatsappPhoneNumberId,
    SecretKind::KlaviyoWebhookSecret,
    SecretKind::WhatsappSettings,
];
impl Serve {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let account = context.account()?;
        runtime::on_all_cores(self.serve(&account))
    }

    async fn serve(&self, account: &Account) -> Result<Output, Failure> {
        // Held until the end: the last traces go to the collector then.
        let traces = Traces::begin(&self.traces, "klaviyo-serve")?;
        service::start_log(&self.log, account.verbose, traces.as_ref());
        let interrupt = interrupt::listen()?;
        let nats = service::nats(&self.nats, Role::Door);
        // A door without a queue does opt-ins itself, and replies.
        let own = [SecretKind::ApiKey, SecretKind::WhatsappToken].into_iter().filter(|_| nats.is_none());
        let kinds: Vec<SecretKind> = CALLERS.into_iter().chain(own).collect();
        let secrets = tokio::select! {
            secrets = service::secrets(&self.secrets, &kinds) => secrets?,
            () = interrupt.asked() => return Ok(Output::printed()),
        };
        let settings = DoorSettings {
            words: self.whatsapp_word.clone(),
            numbers_only: self.whatsapp_numbers_only,
            rate: self.rate,
            concurrency: self.concurrency,
            limits: DoorLimits::default(),
        };
        let mut registry = metrics::registry();
        let door = match &nats {
            Some(nats) => {
                let queue = service::queue(nats).await?;
                Door::to_queue(queue, Arc::clone(&secrets), settings, &mut registry)
            }
            None => {
                let limits = klaviyo_host::Limits {
                    concurrent_calls: self.concurrency.get(),
                    wait: TURN,
                    ..klaviyo_host::Limits::default()
                };
                let tenants =
                    service::tenants(account, &self.log, limits, &secrets, ApiMetrics::new(&mut registry))?;
                let cloud = service::cloud(&self.cloud)?;
                Door::direct(tenants, Arc::clone(&secrets), settings, cloud, &mut registry)
            }
        };
        let door = Arc::new(door);
        if self.secrets.folder.is_none() && door.accounts().is_empty() {
            return Err(missing::unserved(nats.is_some() || !secrets.authenticated().is_empty()));
        }
        if door.accounts().is_empty() {
            missing::tell_what_accounts_lack(&secrets, nats.is_some());
        }
        let (listener, url) = service::listen(self.listen, "--listen", service::door(self.concurrency))?;
        let listener = listener.counted(&mut registry);
        let (health, health_url) = service::listen(self.health_listen, "--health-listen", service::health())?;
        service::end_at_once(&interrupt);
        introduce(account.json, [&url, &health_url], &door, nats.is_some());
        if self.secrets.folder.is_none() {
            missing::tell_what_whatsapp_lacks(&secrets, nats.is_some());
        }
        let looked_after = ops::router(door.clone(), Arc::new(registry));
        tokio::select! {
            () = listener.serve(routes(&door), interrupt.asked()) => {}
            // It answers until the door has ended.
            () = health.serve(looked_after, std::future::pending()) => {}
            () = secrets.keep_fresh() => {}
            () = door.watch() => {}
        }
        door.settled().await;
        Ok(Output::printed())
    }
}

fn introduce(json: bool, [url, health_url]: [&str; 2], door: &Door, has_queue: bool) {
    let accounts = door.accounts();
    let names: Vec<&str> = accounts.iter().map(|account| account.as_str()).collect();
    let names = if names.is_empty() { "none yet".to_owned() } else { names.join(", ") };
    let does = if has_queue { "puts opt-ins into the queue" } else { "does opt-ins at once" };
    let text = format!(
        "The front door {does}: {TITLE}{url}/v1/opt-ins{TITLE:#} (Ctrl-C stops it)\n\
         \x20 accounts      {names}\n\
         \x20 health        {health_url}/readyz, /healthz and /metrics\n\
         `klaviyo-connector serve --help` says how to sign a request.\n"
    );
    let value = json!({ "url": url, "health_url": health_url, "queue": has_queue, "accounts": accounts });
    output::announce(json, value, &text);
}
