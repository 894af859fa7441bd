//! The reference that `klaviyo-connector sync --help` ends with.

pub(super) const HELP: &str = "\
The input:
  CSV with a header, JSON Lines (an object on each line), or a JSON array of objects. An object
  may have a nested object `properties`. The format, the separator of CSV, and UTF-16 are
  detected; a message names them if they are not what a user would expect. A first line `sep=;`
  names the separator. A row without any value does not count. Values that are missing at the end
  of a row are empty.

  Fields: email, phone-number, external-id, first-name, last-name, name (both in one),
  organization, title, locale, image, address1, address2, city, region, country, zip, latitude,
  longitude, timezone, ip, consented-at, consent-source, consent-method.

  An empty value is not sent, so it clears nothing. A row that cannot be read, or that Klaviyo
  would refuse, is refused alone, with its line and the reason.

Columns:
  Columns are known by the names of fields, as `Phone Number` or `phone_number`, and by the
  headings of the customers and contacts that Shopify, Mailchimp, HubSpot, WooCommerce, Google and
  Klaviyo itself export. --map says what other columns are: by name, or by position if no column
  has the position for its name ('3=phone-number').

  Some columns of these exports are unknown: a second phone or email, and columns that only the
  other product uses (LEID, Tax Exempt). --unknown-columns decides about them. Columns that are
  known and of no use here, such as Klaviyo ID, Date Added, or a time of consent without
  --historical, are left out, and a message says so; with --unknown-columns properties they become
  properties. The field name counts in a row that has neither a first nor a last name, and a
  column about billing counts where no other column has the value.

Values that cannot be right:
  In a column of emails or phone numbers, N/A, -, none, unknown, 0 and the like say that there is
  none. In a row with another identifier, an email or a number that cannot be one is left out, and
  so are all but the first of several values (Google writes ` ::: ` between them). The row is done
  then, and the report has the reason. With --strict the row is refused. The apostrophe that a
  spreadsheet puts before a number is no part of a value of CSV.

  Two rows that share one identifier and differ in another are one profile at Klaviyo: the second
  row is refused.

What happens to people:
  Without consent, profiles are created or updated, and become members of --list. That is
  membership, not consent: Klaviyo sends them no marketing.

  With --consent everybody in the input is subscribed, with --consent-column those people for whom
  the column says so. People who do not consent become members, and no consent is taken back. To
  subscribe lifts suppressions: people who unsubscribed, or complained about spam, get messages
  again. Use it only for people who gave you this consent.

  A channel whose address a row does not have is left out, and the report says so. A row that has
  the address of no channel is refused. If the list has double opt-in, Klaviyo asks people to
  confirm, and may ask them twice when a sync was interrupted. What the input says beside
  addresses is imported before.

  With --one-by-one each contact takes the three steps of `opt-in`, which are three requests.

Consent by column:
  The column answers yes or no (true, 1, x, subscribed, opted in and the like; also in German,
  French, Spanish, Italian, Portuguese and other languages). An empty value is no. A row with an
  unknown answer is refused; --consent-yes and --consent-no teach more words.

  'email=!COLUMN' is for a column that says who has opted out: there, yes is no consent, and empty
  is not opted out. If a row has no such value at all, nobody knows: no consent is given, and the
  report says so. Headings such as `Unsubscribed from all email`, `Opted out of email: …` and
  `Email Suppressions` are read like that anyway; if another column decides about the channel,
  they take its consent away.

  With --consent, nothing is sent if the heading of a column speaks of consent: --consent-column
  lets that column decide, and --map 'COLUMN=ignore' sets it aside.

  Klaviyo keeps one text about a consent: consent-source and consent-method of the row, or
  --consent-source.

Times of consent:
  A time is RFC 3339, also with a space for the T, with +0000, or with a space before the zone. A
  date, or a time without a zone, needs --time-zone; a date alone is its first moment. Of a time
  that the clocks showed twice, the earlier one is taken. A time that the clocks skipped is moved
  on by as much as they skipped. Other ways to write times need --date-format.

  Only people who consent need a time. Of Mailchimp's two times CONFIRM_TIME counts, and
  OPTIN_TIME if that is empty. A time of another channel does not count. A person who consents to
  two channels at two times has the later one.

Outcomes:
  Each row ends in exactly one of these, and is in the --report with its line, in the order of the
  input (line,outcome,field,reason):
    done     Klaviyo has it; the reason says what was left out, if anything
    refused  it was not taken as it is; correct it
    failed   it was taken and could not be imported, or did not get to Klaviyo

  The exit code of a sync that reached its end is 0 if all rows are done, else 1. A sync that
  stopped has the exit code of the reason, and 130 after Ctrl-C or SIGTERM. In the report, a text
  that a spreadsheet would take for a formula has an apostrophe before it.

Interruptions:
  With --state FILE the same command, run again, goes on where a sync was stopped, in whatever
  way. No batch that ended is submitted twice. If the answer to a batch was lost, the sync looks
  among the account's jobs whether Klaviyo took it. The input is read again, and has to be the
  same. A sync stops if its input file becomes shorter while it is read.

  The state has no contact in it, only numbers and Klaviyo's reasons. The sync waits for temporary
  problems to end, as long as --patience.

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
