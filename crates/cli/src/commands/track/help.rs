//! The reference that `klaviyo-connector track --help` ends with.

pub(super) const HELP: &str = "\
Klaviyo keeps one event for one unique id of a metric and a person, so that tracking it again is
safe. It accepts the event and works on it later: `history` shows it after a while. A person without
a profile gets one, and a metric begins with its first event. A TIME is RFC 3339, a day, or a time
ago such as 10m, 2h or 7d. The key needs the scope events:write.

  klaviyo-connector track --email priya@example.com --metric 'Placed Order' --unique-id 1004 \\
    --value 29.90 --currency INR --properties '{\"Items\":[{\"ProductName\":\"Wool socks\"}]}'

With --json, VALUE is null; with --file it is that of `sync`.

A file of events:
  --file reads the same kinds of files as `sync`: CSV with a header, JSON Lines, or a JSON array of
  objects, which may have a nested object `properties`. Each row is one event.

  Fields: email, phone-number, external-id, profile-id, metric, unique-id, time, value,
  value-currency. Columns are known by these names, as `Unique ID` or `unique_id`; --map says what
  other columns are. --unknown-columns properties makes the rest properties of the event.

  Each row needs a unique-id, such as an order number, a person and a metric. Of the person's
  identifiers the first counts: profile-id, email, phone-number, external-id. --metric names the
  metric of rows that name none. A time is RFC 3339; one without a zone needs --time-zone. A row
  without a time happens when Klaviyo gets it.

  Up to 1,000 events go in one request. An event whose unique-id is in a request already waits for
  the next one. A row with the unique-id, the metric and the person of an earlier row is refused.

  Each row ends as done, refused or failed, as with `sync`, and is in the --report with its line
  (line,outcome,field,reason). Done means that Klaviyo accepted the event. The exit code is 0 if
  all rows are done, else 1; a run that stopped has the exit code of the reason, and 130 after
  Ctrl-C or SIGTERM. Then run the same command again: no event comes twice.

  klaviyo-connector track --file orders.csv --metric 'Placed Order' --map 'Order=unique-id' \\
    --unknown-columns properties --report report.csv
  export | klaviyo-connector track --file - --format jsonl";
