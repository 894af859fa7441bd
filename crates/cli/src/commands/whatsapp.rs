//! `klaviyo-connector whatsapp`: a simulated WhatsApp on a loopback port, until Ctrl-C.

use crate::commands::mock::fault;
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{self, Output};
use crate::runtime;
use crate::text::{FAINT, TITLE, clean};
use clap::Args;
use klaviyo_mock::{Faults, Rule, When};
use klaviyo_whatsapp_mock::{Business, Limits, Server, Statuses};
use serde_json::json;
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

const HELP: &str = "\
People act by HTTP, below the address that is printed; {number} may also be the person's id or
username, and a number that nobody has makes somebody:
  POST /_whatsapp/people/{number}/messages      one of {\"text\": \"SUBSCRIBE\"},
       {\"button\": {\"text\", \"payload\"}}, {\"button_reply\": {\"id\", \"title\"}},
       {\"list_reply\": {\"id\", \"title\", \"description\"}}, {\"flow\": {\"email\": …}}, {\"reaction\": \"👍\"},
       {\"image\": \"its text\"}, {\"order\": true}, {\"unsupported\": true}, and {\"number\": true}, which
       answers a message that asks for the number
  POST /_whatsapp/people/{number}/preferences   {\"value\": \"stop\"} or {\"value\": \"resume\"}
  POST /_whatsapp/people/{number}/number        {\"number\": \"919820000002\"}: another number and id
  PUT  /_whatsapp/people/{number}               {\"name\", \"username\" (webhooks then tell no number),
       \"user_id\", \"parent_user_id\", \"shows_number\", \"written\": \"digits\", \"plus\" or \"number\",
       \"fails_with\": 131026}, all optional
  POST /_whatsapp/together                      {\"packing\": \"values\", \"changes\" or \"entries\",
       \"messages\": [{\"person\": \"919820000001\", \"text\": \"SUBSCRIBE\"}, …]}: one webhook
  POST /_whatsapp/clock                         {\"advance\": \"25h\"}
  PUT  /_whatsapp/webhook                       {\"url\": \"http://…\"}
  POST /_whatsapp/verify                        asks the webhook whether it is wanted
  GET  /_whatsapp/state                         people, messages and webhooks, with their answers
  GET, PUT /_whatsapp/faults                    {\"seed\": 7, \"rules\": [RULE, …]}

The business sends with POST /v25.0/{phone-number-id}/messages. A webhook that is not answered with
200 comes again after 1 s, 5 s, 30 s and so on, for seven days. Standard error has a line for
everything that is sent and everything that arrives.

With --json, VALUE is {url, number_id, token, app_secret, verify_token, webhook}. It is printed
before webhooks are sent.";

/// Run a WhatsApp on this machine: people who write, webhooks about them, and messages to them, until Ctrl-C
#[derive(Args)]
#[command(next_help_heading = "The simulator")]
#[command(after_long_help = HELP)]
pub(crate) struct WhatsApp {
    /// The port on the loopback interface; 0 is any free one
    #[arg(long, default_value_t = 4020)]
    port: u16,
    /// Where webhooks go, such as http://127.0.0.1:8080/v1/whatsapp/default; without it they wait
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// The limits that messages have to keep: off, meta (80 a second, one every 6 seconds to a person), or a number,
    /// which multiplies those
    #[arg(long, default_value = "meta", value_parser = limits)]
    limits: Limits,
    /// What goes wrong with messages, such as 'POST /*: #1-2 status 500'; may be repeated
    #[arg(long = "fault", value_name = "RULE", value_parser = fault)]
    faults: Vec<Rule>,
    /// Which messages are taken and fail later, and with which code of Meta's, such as '10% 131026' or '#2 131050'
    #[arg(long, value_name = "WHEN CODE", value_parser = failing)]
    failing: Option<(When, u32)>,
    /// Messages that cannot be delivered, such as those after 24 hours, are taken and fail later instead of being
    /// refused
    #[arg(long)]
    refuse_later: bool,
    /// Which webhooks are sent twice, such as 10% or #2-4
    #[arg(long, value_name = "WHEN", value_parser = when)]
    twice: Option<When>,
    /// Each webhook is late by up to this many seconds, so that they come out of order
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    late: u32,
    /// How many times as fast as the real time the simulator's clock runs
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    speed: u32,
    /// Decides what a percentage hits, how late each webhook is, and the ids, which a service takes for repeats when
    /// they come again; without it, it is another one each time
    #[arg(long)]
    seed: Option<u64>,
}

/// Reads `off`, `meta` or a number.
fn limits(text: &str) -> Result<Limits, String> {
    match (text, text.parse::<u32>()) {
        ("off", _) => Ok(Limits::off()),
        ("meta", _) => Ok(Limits::meta()),
        (_, Ok(times)) if times > 0 => Ok(Limits::times(times)),
        _ => Err("write off, meta, or a number such as 100".to_owned()),
    }
}

/// Reads `always`, `10%` or `#2-4,7`.
fn when(text: &str) -> Result<When, String> {
    text.parse().map_err(|_| "write always, a percentage such as 10%, or numbers such as #2-4,7".to_owned())
}

/// Reads `10% 131026`.
fn failing(text: &str) -> Result<(When, u32), String> {
    let parts = text.split_once(' ');
    let (which, code) = parts.ok_or("write which messages and the code, such as '10% 131026'")?;
    let code = code.trim().parse().map_err(|_| "the code is a number, such as 131026".to_owned())?;
    Ok((when(which)?, code))
}

impl WhatsApp {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        runtime::on_this_thread(self.serve(context.options.json))
    }

    fn business(&self) -> Result<Business, Failure> {
        let late = Duration::from_secs(self.late.into());
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seed = self.seed.unwrap_or(since.as_secs());
        let statuses = Statuses::usual().late(late);
        let statuses = match &self.failing {
            Some((when, code)) => statuses.failing(when.clone(), *code),
            None => statuses,
        };
        let business = Business::new()
            .limits(self.limits)
            .faults(self.faults.iter().cloned().fold(Faults::seeded(seed), Faults::rule))
            .statuses(statuses)
            .late(late)
            .speed(self.speed)
            .seed(seed)
            .report(|line| output::eprint(&format!("{}\n", clean(line))));
        let business = self.twice.iter().cloned().fold(business, Business::twice);
        let business = if self.refuse_later { business.refuse_later() } else { business };
        match &self.webhook {
            Some(url) => business.webhook(url).map_err(|error| Failure::invalid(None, &format!("{error:#}"))),
            None => Ok(business),
        }
    }

    async fn serve(&self, json: bool) -> Result<Output, Failure> {
        let address = (Ipv4Addr::LOCALHOST, self.port).into();
        let server = Server::start_at(address, self.business()?).map_err(|error| {
            Failure::other(format!("{error:#}"))
                .hint("--port chooses another port, and --port 0 any free one")
        })?;
        // Before anybody learns that it runs, and stops it.
        let interrupt = interrupt::listen()?;
        self.introduce(json, &server.url());
        if self.webhook.is_some() {
            let whatsapp = server.clone();
            // Beside the wait for Ctrl-C, because the webhook may take its time.
            tokio::task::spawn_blocking(move || {
                if let Err(error) = whatsapp.verify() {
                    output::warn(&format!("{error:#}; POST /_whatsapp/verify asks again"));
                }
            });
        }
        interrupt.asked().await;
        if !json {
            let (messages, webhooks) = (server.messages().len(), server.webhooks().len());
            output::eprint(&format!("\nstopped after {messages} messages and {webhooks} webhooks\n"));
        }
        Ok(Output::printed())
    }

    /// Says what there is, and what to try.
    fn introduce(&self, json: bool, url: &str) {
        let webhook = self.webhook.as_deref();
        let mut out = format!("A WhatsApp on this machine: {TITLE}{url}{TITLE:#} (Ctrl-C stops it)\n\n");
        let rows = [
            ("messages", format!("POST {url}/v25.0/{}/messages", Business::NUMBER_ID)),
            ("token", Business::TOKEN.to_owned()),
            ("webhooks", webhook.map_or("wait; --webhook says where they go".to_owned(), str::to_owned)),
        ];
        for (label, text) in rows {
            out.push_str(&format!("  {label:<10}{text}\n"));
        }
        for rule in &self.faults {
            out.push_str(&format!("  {:<10}{rule}\n", "fault"));
        }
        out.push_str(&format!(
            "\nFor the service, which takes the webhooks:\n\n\
             \x20 export KLAVIYO_WHATSAPP_APP_SECRET={}\n\
             \x20 export KLAVIYO_WHATSAPP_VERIFY_TOKEN={}\n\
             \x20 export KLAVIYO_WHATSAPP_PHONE_NUMBER_ID={}\n\
             \x20 export KLAVIYO_WHATSAPP_LIST=Y6nRLr\n\
             \x20 export KLAVIYO_WHATSAPP_TOKEN={}\n\
             \x20 klaviyo-connector serve --whatsapp-endpoint {url}\n\
             \nIn another terminal, somebody who writes {FAINT}(--help has all that people do){FAINT:#}:\n\n\
             \x20 curl {url}/_whatsapp/people/919820000001/messages --data '{{\"text\":\"SUBSCRIBE\"}}'\n\n",
            Business::APP_SECRET,
            Business::VERIFY_TOKEN,
            Business::NUMBER_ID,
            Business::TOKEN
        ));
        let value = json!({
            "url": url,
            "number_id": Business::NUMBER_ID,
            "token": Business::TOKEN,
            "app_secret": Business::APP_SECRET,
            "verify_token": Business::VERIFY_TOKEN,
            "webhook": webhook,
        });
        output::announce(json, value, &out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_off_metas_or_multiplied() {
        assert_eq!(limits("off"), Ok(Limits::off()));
        assert_eq!(limits("meta"), Ok(Limits::meta()));
        assert_eq!(limits("100"), Ok(Limits::times(100)));
        assert!(limits("0").is_err() && limits("klaviyo").is_err());
    }

    #[test]
    fn messages_fail_by_which_and_a_code() {
        assert_eq!(failing("10% 131026"), Ok((When::Percent(10.0), 131_026)));
        assert_eq!(failing("#2-4 131050"), Ok((When::Numbers(vec![(2, 4)]), 131_050)));
        for wrong in ["", "131026", "10%", "sometimes 131026", "10% x"] {
            assert!(failing(wrong).is_err(), "{wrong}");
        }
        assert!(when("always").is_ok() && when("never").is_err());
    }
}
