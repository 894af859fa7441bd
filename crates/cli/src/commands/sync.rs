//! `klaviyo-connector sync`: the contacts of a file, in Klaviyo. klaviyo-sync does it; here it gets its settings, and
//! what it reports is shown.

mod args;
mod dry_run;
mod help;
mod settings;

pub(crate) use args::Sync;

use crate::account::Account;
use crate::context::Context;
use crate::credential::Credential;
use crate::failure::Failure;
use crate::find_list;
use crate::interrupt;
use crate::notices;
use crate::output::Output;
use crate::rows::progress::Terminal;
use crate::rows::summary::summary;
use crate::rows::{self, tell_form};
use crate::runtime;
use crate::session;
use klaviyo_host::Meter;
use klaviyo_host::types::Code;
use klaviyo_sync::{Error, Settings, SyncRun};
use std::time::Instant;

impl Sync {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let account = context.account()?;
        runtime::on_this_thread(async {
            if self.dry_run {
                dry_run::run(&account, self).await
            } else {
                sync(&account, self, &context.meter).await
            }
        })
        .map_err(|failure| account.explain(failure))
    }
}

async fn sync(account: &Account, options: &Sync, meter: &Meter) -> Result<Output, Failure> {
    let started = Instant::now();
    let settings = settings::of(options, account);
    let input = settings::input(options, &settings, account)?;
    let credential = Credential::read(account)?;
    let interrupt = interrupt::listen()?;
    // Before the state or Klaviyo hears of the sync.
    let input = tokio::select! {
        input = input.open() => input?,
        () = interrupt.asked() => return Err(Failure::interrupted()),
    };
    let (form, length) = (input.form.clone(), input.length);
    let run = SyncRun::open(input, settings.clone())?;
    tell_form(&form);
    notices::print();
    let tenant = session::open(account, credential, settings.limits(), None)?.metered(meter.clone());
    let mut terminal = Terminal::new(length);
    let find_list = async |name: &str| {
        find_list::id_of(&tenant, name).await.map_err(|failure| Error::from(failure.error))
    };
    let ran = run.run(tenant.clone(), find_list, interrupt, &mut terminal).await;
    tenant.settled().await;
    match ran {
        Ok(done) => {
            let report = options.report.as_deref();
            Ok(summary(&done, &form, report, started.elapsed(), meter.usage(), &terminal.first_reasons()))
        }
        Err(error) => Err(stopped(error, &settings, &terminal)),
    }
}

/// Says how far a sync was that stopped, and what the user can do about it.
fn stopped(error: Error, settings: &Settings, terminal: &Terminal) -> Failure {
    let has_begun = error.stopped.is_some();
    let failure = rows::stopped(error, terminal);
    match (&settings.state, failure.error.code) {
        _ if !has_begun => failure,
        // The same sync would stop in the same way.
        (_, Code::InvalidInput) => failure,
        (Some(state), _) => failure.hint(format!(
            "nothing is lost: the same command again, with --state {}, goes on from here",
            state.display()
        )),
        (None, _) if settings.report.is_some() => failure.hint(
            "the report says which rows have not got to Klaviyo; with --state FILE the same command could have gone on",
        ),
        (None, _) => failure.hint("with --state FILE the same command could have gone on from here"),
    }
}
