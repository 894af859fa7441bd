//! `klaviyo-connector lists`: the lists of the account, or one of them.

use crate::context::Context;
use crate::failure::{Failure, exit_code};
use crate::find_list;
use crate::output::Output;
use crate::session;
use crate::text::{self, clean, fields};
use clap::Args;
use klaviyo_host::json::of_record;
use klaviyo_host::types::{Audience, Code};

const FIELDS: [&str; 5] = ["id", "name", "opt-in", "created", "updated"];

/// Show the lists of the account
#[derive(Args)]
#[command(after_help = "\
With --json, VALUE is [{id, name, created, updated, opt-in}, …]; with --name the list, or null.")]
pub(crate) struct Lists {
    /// Only the list with this id or exact name
    #[arg(long)]
    name: Option<String>,
}

impl Lists {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let Some(name) = &self.name else {
                let lists = tenant.lists().await?.value;
                return Ok(Output::new(lists.iter().map(of_record).collect(), table(&lists)));
            };
            if let Some(list) = tenant.find_list(name).await?.value {
                let (list, mut text) = (of_record(&list), String::new());
                fields(&mut text, &list, &FIELDS);
                return Ok(Output::new(list, text));
            }
            Ok(Output::nothing(&find_list::missing(tenant, name).await?, exit_code(Code::NotFound)))
        })
    }
}

fn table(lists: &[Audience]) -> String {
    if lists.is_empty() {
        return "the account has no lists; create one in Klaviyo, under Audience\n".to_owned();
    }
    let or_dash = |text: &Option<String>| clean(text.as_deref().unwrap_or("-")).into_owned();
    let row = |list: &Audience| {
        let day = or_dash(&list.created).chars().take(10).collect();
        [clean(&list.id).into_owned(), or_dash(&list.opt_in), day, clean(&list.name).into_owned()]
    };
    text::table(["ID", "OPT-IN", "CREATED", "NAME"], &lists.iter().map(row).collect::<Vec<_>>())
}
