//! What `klaviyo-connector sync --help` ends with.

/// The end of `klaviyo-connector sync --help`.
pub(crate) const HELP: &str = "\
The input:
  CSV with a header, JSON Lines (an object on each line), or a JSON array of objects; an object may
  have a nested object `properties`. Which of them, what stands between the values, and UTF-16 are
  found out, and told where they are not what one would think; a first line `sep=;` says the
  separator. A row without any value is none; what is missing at the end of a row is empty.
  Fields: email, phone-number, external-id, first-name, last-name, name (both in one),
  organization, title, address1, address2, city, region, country, zip (these eight as properties of
  these names), consented-at, consent-source, consent-method. An empty value is not sent, so nothing
  is cleared. A row that cannot be read, or that Klaviyo would refuse, is refused alone, with its
  line and the reason.

Columns:
  They are known by name, as `Phone Number` or `phone_number`, and by the headings of the customers
  and contacts that Shopify, Mailchimp, HubSpot, WooCommerce, Google and Klaviyo itself export.
  --map says what others are: by name, or by position where no column has the position for its name
  ('3=phone-number'). A second phone or email of these exports is not known, nor is what only their
  makers use (LEID, Tax Exempt): --unknown-columns decides about such columns. Columns that are
  known and of no use here, such as Klaviyo ID, Date Added, or a time of consent without
  --historical, are left out and told, unless unknown ones become properties. A name counts where a
  row has neither a first nor a last name, and what stands on a bill where nothing else is given.

Values that cannot be:
  N/A, -, none, unknown, 0 and the like in a column of emails or phone numbers say that there is
  none. An email or a number that cannot be one, beside another identifier, is left out, and so are
  all but the first of several values (Google writes ` ::: ` between them). The row is done then,
  and the reason is in the report. With --strict it is refused. The apostrophe that a spreadsheet
  puts before a number is no part of a value of CSV.
  Two rows with one identifier and two others are one profile at Klaviyo: the second is refused.

What happens to people:
  Without consent: profiles are created or updated, and become members of --list. That is
  membership, not consent: Klaviyo sends them no marketing.
  With --consent everybody in the input is subscribed, with --consent-column those of whom the
  column says so; who does not consent is a member, and nothing is taken back. It lifts
  suppressions: who unsubscribed, or complained about spam, gets messages again. Only for people
  who gave you this consent. A channel whose address a row does not have is left out and told; a
  row that has the address of none is refused. Where the list has double opt-in people are asked to
  confirm, and may be asked twice when a sync was interrupted. What the input says beside addresses
  is imported before.
  With --one-by-one: the three steps of `opt-in` for each contact, which takes three requests each.

Consent by column:
  The column answers yes or no (true, 1, x, subscribed, opted in and the like; also in German,
  French, Spanish, Italian, Portuguese and other languages). Empty is no. An answer that is not
  known refuses its row; --consent-yes and --consent-no teach it. 'email=!COLUMN' is for a column
  that says who has opted out: yes is no consent there, and empty is not opted out. Where the row
  has no such value at all, nobody knows: no consent is given, and the report says so. Headings
  such as `Unsubscribed from all email`, `Opted out of email: …` and `Email Suppressions` are read
  so anyway; where another column decides about the channel they take its consent away.
  With --consent, and a column whose heading speaks of consent, nothing is sent: --consent-column
  lets the column decide, and --map 'COLUMN=ignore' sets it aside.
  Klaviyo keeps one text about a consent: consent-source and consent-method of the row, or
  --consent-source.

Times of consent:
  RFC 3339, also with a space for the T, with +0000, or with another space before it. A date, or a
  time without a zone, needs --time-zone; a date alone is its first moment. Of a time that a clock
  showed twice the earlier one is taken; one that it left out is as much later as it left out.
  Other ways to write them need --date-format. Only who consents needs one. Of Mailchimp's two times
  CONFIRM_TIME counts, and OPTIN_TIME where that is empty. A time of another channel does not count;
  who consents to two channels at two times has the later one.

Outcomes:
  Each row ends in exactly one of these, and is in the --report with its line, in the order of the
  input (line,outcome,field,reason):
    done     Klaviyo has it; the reason says what was left out, if anything
    refused  it was not taken for what it is; correct it
    failed   it was taken and could not be imported, or did not get to Klaviyo
  A sync that reached its end is 0 when all rows are done, and 1 when there are others. One that
  stopped has the exit code of the reason, and 130 after Ctrl-C or SIGTERM.
  What a spreadsheet would take for a formula has an apostrophe before it in the report.

Interruptions:
  With --state FILE a sync that was stopped, in whatever way, goes on where it was when the same
  command is run again. No batch that ended is submitted twice; whether one whose answer was lost
  was taken is looked up among the account's jobs. The input is read again, and has to be the same.
  An input file that becomes shorter while it is read stops the sync.
  The state has no contact in it, only numbers and Klaviyo's reasons. Temporary problems are waited
  for, as long as --patience.

--json:
  VALUE is {rows, done, refused, failed, warned, seconds, rows-per-second, requests, attempts,
  was-complete, report, input: {format, separator, encoding}}; with --dry-run {rows, good, refused,
  warned, requests, by-operation, imports, seconds, input}.

Examples:
  klaviyo-connector sync contacts.csv --list Newsletter --dry-run
  klaviyo-connector sync contacts.csv --list Newsletter --report report.csv --state sync.state
  klaviyo-connector sync contacts.csv --list Y6nRLr --map 'Mobile=phone-number' --region IN \\
    --unknown-columns properties --consent whatsapp --consent-source 'WhatsApp bot'
  klaviyo-connector sync shopify.csv --list Newsletter --unknown-columns ignore \\
    --consent-column 'email=Accepts Email Marketing' --consent-column 'sms=Accepts SMS Marketing'
  klaviyo-connector sync mailchimp.csv --list Newsletter --unknown-columns ignore --consent email \\
    --historical --time-zone America/New_York
  klaviyo-connector sync hubspot.csv --list Newsletter --unknown-columns ignore \\
    --consent-column 'email=Unsubscribed from all email'
  generate | klaviyo-connector sync - --format jsonl --list Y6nRLr";
