//! Which column of a header, or which member of an object, is which field.

mod advice;

use crate::consent::Rules;
use crate::field::{Field, UnknownColumns};
use crate::headings::{Heading, Product, speaks_of_consent};
use crate::mapping::Mapping;
use crate::outcome::Reason;
use crate::words::Sense;
use advice::Names;
use klaviyo_core::text::trimmed;
use klaviyo_host::types::Channel;
use std::collections::BTreeMap;

/// The columns, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    pub(crate) columns: Vec<Column>,
    /// What there is to say about them before anything is sent.
    pub(crate) notes: Vec<String>,
    /// The columns, by place, that are known and that this sync has no use for.
    pub(crate) unused: Vec<usize>,
    /// What an object does not say, of what was asked for.
    pub(crate) missing: Vec<(Channel, Sense)>,
}

/// What a column is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) field: Field,
    /// Of several times of a consent, that with the lowest number counts.
    pub(crate) rank: u8,
    /// The channel that such a time is about; none is any.
    pub(crate) channel: Option<Channel>,
    /// The channels that it says yes or no to.
    pub(crate) answers: Vec<(Channel, Sense)>,
}

impl Columns {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }
}

/// The columns of a CSV file.
///
/// # Errors
/// What to do about it first.
pub(crate) fn of_header<'a>(
    mapping: &Mapping,
    header: impl Iterator<Item = &'a str>,
) -> Result<Columns, String> {
    let names: Vec<&str> = header.map(trimmed).collect();
    let mut resolver = Resolver::new(mapping, &names, true);
    let columns = resolver.resolve().map_err(|why| why.reason)?;
    let has = |is: &dyn Fn(&Field) -> bool| columns.columns.iter().any(|column| is(&column.field));
    if !has(&|field| field.identifies()) {
        return Err("no column has an email, a phone-number or an external-id; say which does with --map \
                    'COLUMN=email' (the first row is the header)"
            .to_owned());
    }
    if resolver.rules().is_some_and(|rules| rules.historical) && !has(&|field| *field == Field::ConsentedAt) {
        return Err(
            "--historical needs a column consented-at: when each person gave consent; name it so, or with \
                    --map 'COLUMN=consented-at'"
                .to_owned(),
        );
    }
    Ok(columns)
}

/// The members of a JSON object.
///
/// # Errors
/// Why the object is refused.
pub(crate) fn of_members(mapping: &Mapping, names: &[&str]) -> Result<Columns, Reason> {
    Resolver::new(mapping, names, false).resolve()
}

struct Resolver<'a> {
    mapping: &'a Mapping,
    names: Names<'a>,
    columns: Vec<Column>,
    /// The `--map` of each column.
    maps: Vec<Option<usize>>,
    unknown: Vec<usize>,
    /// Columns that say who consents where consent is given for everybody, and to what.
    undecided: Vec<(usize, Channel)>,
    found: Columns,
}

impl<'a> Resolver<'a> {
    fn new(mapping: &'a Mapping, names: &'a [&'a str], is_header: bool) -> Self {
        let column = Column { field: Field::Ignore, rank: 0, channel: None, answers: Vec::new() };
        Self {
            mapping,
            names: Names { names, is_header },
            columns: vec![column; names.len()],
            maps: vec![None; names.len()],
            unknown: Vec::new(),
            undecided: Vec::new(),
            found: Columns::default(),
        }
    }

    fn rules(&self) -> Option<&'a Rules> {
        self.mapping.consent.as_ref()
    }

    fn resolve(&mut self) -> Result<Columns, Reason> {
        self.take_maps()?;
        let product = Product::of(self.names.names.iter().copied());
        self.take_consent_columns(product)?;
        for place in 0..self.names.names.len() {
            let is_taken = self.maps.get(place).copied().flatten().is_some()
                || self.columns.get(place).is_some_and(|column| !column.answers.is_empty());
            if !is_taken {
                self.take_heading(place, product);
            }
        }
        self.names.undecided(&self.undecided)?;
        self.prefer();
        self.treat_unknown()?;
        self.refuse_what_is_twice()?;
        Ok(Columns { columns: std::mem::take(&mut self.columns), ..std::mem::take(&mut self.found) })
    }

    /// What `--map` says.
    fn take_maps(&mut self) -> Result<(), Reason> {
        let mut of_several = Vec::new();
        for (number, pair) in (0..).zip(&self.mapping.columns) {
            match self.names.places(&pair.column).as_slice() {
                [] if self.names.is_header => return Err(self.names.no_column("--map", &pair.column)),
                [] => {}
                [place] => self.map(*place, number)?,
                several => of_several.push((number, several.to_vec())),
            }
        }
        for (number, places) in of_several {
            let left: Vec<usize> =
                places.iter().copied().filter(|place| self.maps.get(*place) == Some(&None)).collect();
            match left.as_slice() {
                [place] => self.map(*place, number)?,
                _ => return Err(self.names.ambiguous(&places)),
            }
        }
        Ok(())
    }

    fn map(&mut self, place: usize, number: usize) -> Result<(), Reason> {
        let Some(pair) = self.mapping.columns.get(number) else { return Ok(()) };
        let earlier = self.maps.get_mut(place).and_then(|map| map.replace(number));
        if earlier.is_some_and(|earlier| {
            self.mapping.columns.get(earlier).is_some_and(|other| other.field != pair.field)
        }) {
            let column = self.names.shown(place);
            return Err(Reason::new("", format!("--map says twice what {column} is; leave one of them out")));
        }
        if pair.field.is_of_consent() {
            self.allow(&pair.field)?;
        }
        self.set(place, pair.field.clone(), 0);
        Ok(())
    }

    /// Whether a field about a consent has a use.
    fn allow(&self, field: &Field) -> Result<(), Reason> {
        let reason = match (self.rules(), field) {
            (None, _) => "is about a consent, and none is given; give it with --consent or --consent-column",
            (Some(rules), Field::ConsentedAt) if !rules.historical => {
                "is for consent that was collected before; say so with --historical"
            }
            _ => return Ok(()),
        };
        Err(Reason::new("", format!("{field} {reason}, or leave its --map out")))
    }

    /// What `--consent-column` says.
    fn take_consent_columns(&mut self, product: Product) -> Result<(), Reason> {
        let Some(rules) = self.rules() else { return Ok(()) };
        for column in &rules.columns {
            let channel = column.channel;
            let place = match self.names.places(&column.column).as_slice() {
                [] if self.names.is_header => {
                    return Err(self.names.no_column("--consent-column", &column.column));
                }
                [] => None,
                [place] => Some(*place),
                several => return Err(self.names.ambiguous(several)),
            };
            // A column that is named by its position has a heading too.
            let heading = place.map_or(column.column.as_str(), |place| self.names.get(place));
            let sense = match (product.heading(heading), speaks_of_consent(heading)) {
                (Some(Heading::Consent(_, Sense::Consent)), _) if column.is_opt_out => {
                    return Err(Reason::new(
                        "",
                        format!(
                            "--consent-column '{column}': {heading:?} says who consents, and ! is for who opted out; \
                                 leave the ! out"
                        ),
                    ));
                }
                (Some(Heading::Consent(_, sense)), _) if sense != Sense::Consent => sense,
                (None, Some((_, sense @ (Sense::OptOut | Sense::Stopped)))) => sense,
                _ if column.is_opt_out => Sense::OptOut,
                _ => Sense::Consent,
            };
            let Some(place) = place else {
                self.found.missing.push((channel, sense));
                continue;
            };
            if let Some(column) = self.columns.get_mut(place) {
                column.answers.push((channel, sense));
            }
        }
        Ok(())
    }

    /// What the name of a column says.
    fn take_heading(&mut self, place: usize, product: Product) {
        let rules = self.rules();
        let name = self.names.get(place);
        match product.heading(name) {
            None => {
                self.unknown.push(place);
                if let Some((channel, _)) = speaks_of_consent(name) {
                    self.decide(place, channel);
                }
            }
            Some(Heading::Own) => self.found.unused.push(place),
            Some(Heading::Field(field, _)) if field.is_of_consent() && rules.is_none() => {
                self.found.unused.push(place);
            }
            Some(Heading::Field(field, rank)) => self.set(place, field, rank),
            Some(Heading::Time(channel, rank)) => {
                let is_wanted = |rules: &Rules| {
                    rules.historical && channel.is_none_or(|channel| rules.channels().contains(&channel))
                };
                if rules.is_some_and(is_wanted) {
                    self.set(place, Field::ConsentedAt, rank);
                    if let Some(column) = self.columns.get_mut(place) {
                        column.channel = channel;
                    }
                } else {
                    self.found.unused.push(place);
                }
            }
            Some(Heading::Consent(channel, sense)) => self.take_consent_heading(place, channel, sense),
        }
    }

    fn take_consent_heading(&mut self, place: usize, channel: Option<Channel>, sense: Sense) {
        let Some(rules) = self.rules() else {
            self.found.unused.push(place);
            return;
        };
        let is_about = |asked: &Channel| channel.is_none_or(|channel| channel == *asked);
        if self.decide(place, channel) {
            return;
        }
        // Another column says who consents. Who has opted out is not subscribed nevertheless.
        let channels: Vec<Channel> = rules.channels().into_iter().filter(is_about).collect();
        if sense == Sense::Consent || channels.is_empty() {
            self.found.unused.push(place);
            return;
        }
        let shown = self.names.shown(place);
        self.found.notes.push(format!(
            "who opted out in {shown} is not subscribed; set the column aside with --map '{}=ignore'",
            self.names.selector(place)
        ));
        if let Some(column) = self.columns.get_mut(place) {
            column.answers.extend(channels.into_iter().map(|channel| (channel, sense)));
        }
    }

    /// Keeps a column for a decision that says who consents to what is given for everybody.
    fn decide(&mut self, place: usize, about: Option<Channel>) -> bool {
        let is_about = |asked: &Channel| about.is_none_or(|channel| channel == *asked);
        let everybody = self.rules().map_or([].as_slice(), |rules| rules.everybody.as_slice());
        let channel = everybody.iter().copied().find(is_about);
        self.undecided.extend(channel.map(|channel| (place, channel)));
        channel.is_some()
    }

    /// Of several columns for one field those count whose heading is meant for it most.
    fn prefer(&mut self) {
        let mut best: BTreeMap<Result<String, String>, u8> = BTreeMap::new();
        for column in self.columns.iter().filter(|column| column.field != Field::Ignore) {
            let rank = best.entry(owned(&column.field)).or_insert(column.rank);
            *rank = column.rank.min(*rank);
        }
        for (place, column) in self.columns.iter_mut().enumerate() {
            let is_best = best.get(&owned(&column.field)).is_none_or(|best| *best == column.rank);
            if !is_best && column.field != Field::ConsentedAt {
                column.field = Field::Ignore;
                self.unknown.push(place);
            }
        }
        self.unknown.sort_unstable();
    }

    fn treat_unknown(&mut self) -> Result<(), Reason> {
        let properties = self.mapping.unknown == UnknownColumns::Properties;
        for place in self.found.unused.clone() {
            if properties {
                self.make_property(place);
            } else if self.names.is_header {
                let shown = self.names.shown(place);
                self.found.notes.push(format!("{shown} is left out: this sync has no use for it"));
            }
        }
        if properties {
            self.found.unused.clear();
        }
        match self.mapping.unknown {
            UnknownColumns::Ignore => Ok(()),
            UnknownColumns::Properties => {
                let unknown = std::mem::take(&mut self.unknown);
                let (named, nameless): (Vec<usize>, Vec<usize>) =
                    unknown.into_iter().partition(|place| !self.names.get(*place).is_empty());
                if !nameless.is_empty() {
                    return Err(self.names.are_nameless(&nameless));
                }
                named.into_iter().for_each(|place| self.make_property(place));
                Ok(())
            }
            UnknownColumns::Refuse => self.names.refuse_unknown(&self.unknown),
        }
    }

    fn make_property(&mut self, place: usize) {
        let name = self.names.get(place).to_owned();
        self.set(place, Field::Property(name), 0);
    }

    fn refuse_what_is_twice(&self) -> Result<(), Reason> {
        let mut seen: BTreeMap<(Result<String, String>, u8), usize> = BTreeMap::new();
        for (place, column) in
            self.columns.iter().enumerate().filter(|(_, column)| column.field != Field::Ignore)
        {
            // Times have an order of their own; of other fields those of one rank are left.
            let rank = if column.field == Field::ConsentedAt { column.rank } else { 0 };
            let Some(first) = seen.insert((owned(&column.field), rank), place) else { continue };
            let is_mapped = |place: usize| self.maps.get(place).copied().flatten().is_some();
            return Err(self.names.twice(first, place, &column.field, is_mapped));
        }
        Ok(())
    }

    fn set(&mut self, place: usize, field: Field, rank: u8) {
        if let Some(column) = self.columns.get_mut(place) {
            (column.field, column.rank) = (field, rank);
        }
    }
}

fn owned(field: &Field) -> Result<String, String> {
    field.name_or_property().map(str::to_owned).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Standard;
    use crate::mapping::tests::mapping;

    /// Consent to these channels for everybody, and by these columns.
    fn consenting(mapping: Mapping, everybody: &[Channel], columns: &[&str], historical: bool) -> Mapping {
        let columns = columns.iter().map(|text| text.parse().unwrap()).collect();
        let rules = Rules { everybody: everybody.to_vec(), columns, historical, ..Rules::default() };
        Mapping { consent: Some(rules), ..mapping }
    }

    fn columns(mapping: &Mapping, header: &[&str]) -> Result<Vec<Field>, String> {
        let columns = of_header(mapping, header.iter().copied())?;
        Ok(columns.columns.into_iter().map(|column| column.field).collect())
    }

    fn property(name: &str) -> Field {
        Field::Property(name.to_owned())
    }

    #[test]
    fn columns_are_known_by_name() {
        let plain = mapping(&[], UnknownColumns::Refuse);
        let header = ["E-Mail", "Phone Number", "external_id", "FirstName", " last-name ", "Zip Code"];
        let zip = Field::Standard(Standard::Zip);
        let fields =
            [Field::Email, Field::PhoneNumber, Field::ExternalId, Field::FirstName, Field::LastName, zip];
        assert_eq!(columns(&plain, &header).unwrap(), fields);
        assert_eq!(columns(&plain, &["email", "Full name"]).unwrap(), [Field::Email, Field::Name]);
    }

    #[test]
    fn a_map_goes_before_the_name() {
        let own = mapping(
            &["Mobile = phone-number", "name=property:nick", "a b=json:visits", "x=ignore"],
            UnknownColumns::Refuse,
        );
        let fields = columns(&own, &["Mobile", "name", "a b", "x"]).unwrap();
        assert_eq!(
            fields,
            [Field::PhoneNumber, property("nick"), Field::Json("visits".to_owned()), Field::Ignore]
        );
    }

    #[test]
    fn a_column_has_a_position_where_none_has_that_name() {
        let own = mapping(&["3=phone-number", "1=ignore"], UnknownColumns::Refuse);
        let fields = [Field::Ignore, Field::Email, Field::PhoneNumber];
        assert_eq!(columns(&own, &["", "email", ""]).unwrap(), fields);
        assert_eq!(
            columns(&own, &["3", "email", "1"]).unwrap(),
            [Field::PhoneNumber, Field::Email, Field::Ignore]
        );
        for wrong in ["0=ignore", "4=ignore", "-1=ignore", "Mail=email"] {
            assert!(
                columns(&mapping(&[wrong], UnknownColumns::Ignore), &["", "email", ""]).is_err(),
                "{wrong}"
            );
        }
        assert!(
            columns(&mapping(&["2=email", "mail=phone"], UnknownColumns::Ignore), &["", "mail"]).is_err()
        );
    }

    #[test]
    fn unknown_columns_are_as_was_asked_for() {
        let header = ["email", "plan"];
        let told = columns(&mapping(&[], UnknownColumns::Refuse), &header).unwrap_err();
        assert!(told.contains("\"plan\"") && told.contains("--unknown-columns properties"), "{told}");
        let fields = columns(&mapping(&[], UnknownColumns::Properties), &header).unwrap();
        assert_eq!(fields, [Field::Email, property("plan")]);
        let fields = columns(&mapping(&[], UnknownColumns::Ignore), &header).unwrap();
        assert_eq!(fields, [Field::Email, Field::Ignore]);
    }

    #[test]
    fn a_column_without_a_name_is_left_out_alone() {
        for unknown in [UnknownColumns::Refuse, UnknownColumns::Properties] {
            let told = columns(&mapping(&[], unknown), &["", "email", ""]).unwrap_err();
            assert!(told.contains("--map '1=ignore' --map '3=ignore'"), "{told}");
            assert!(!told.contains("--unknown-columns"), "{told}");
        }
        let told =
            columns(&mapping(&["1=ignore"], UnknownColumns::Refuse), &["", "email", "plan", ""]).unwrap_err();
        assert!(
            told.contains("\"plan\"") && told.contains("4=ignore") && !told.contains("1=ignore"),
            "{told}"
        );
        let own = mapping(&["1=ignore"], UnknownColumns::Properties);
        assert_eq!(
            columns(&own, &["", "email", "plan"]).unwrap(),
            [Field::Ignore, Field::Email, property("plan")]
        );
    }

    #[test]
    fn of_two_columns_of_one_name_one_is_chosen_by_position() {
        let header = ["Name", "Email", "Phone", "Phone"];
        for unknown in [UnknownColumns::Refuse, UnknownColumns::Properties, UnknownColumns::Ignore] {
            let told = columns(&mapping(&[], unknown), &header).unwrap_err();
            assert!(
                told.contains("column 3") && told.contains("column 4") && told.contains("4=ignore"),
                "{told}"
            );
            for both in ["Phone=ignore", "Phone=phone-number"] {
                let told = columns(&mapping(&[both], unknown), &header).unwrap_err();
                assert!(told.contains("3 and 4"), "{told}");
            }
        }
        let (name, email, phone) = (Field::Name, Field::Email, Field::PhoneNumber);
        for (map, fields) in [
            (["4=ignore"].as_slice(), [&name, &email, &phone, &Field::Ignore]),
            (&["3=ignore"], [&name, &email, &Field::Ignore, &phone]),
            (&["3=property:second", "Phone=phone-number"], [&name, &email, &property("second"), &phone]),
        ] {
            let found = columns(&mapping(map, UnknownColumns::Refuse), &header).unwrap();
            assert_eq!(found.iter().collect::<Vec<_>>(), fields, "{map:?}");
        }
    }

    #[test]
    fn columns_that_do_not_go_together_are_told() {
        let all = mapping(&[], UnknownColumns::Properties);
        for header in
            [["email", "Email"].as_slice(), &["email", "plan", "plan"], &["first name"], &["email", ""]]
        {
            assert!(columns(&all, header).is_err(), "{header:?}");
        }
        for (map, header) in [
            ("Mobile=phone-number", ["email", "Mobile", "phone"]),
            ("x=property:city", ["email", "x", "city"]),
        ] {
            let told = columns(&mapping(&[map], UnknownColumns::Refuse), &header).unwrap_err();
            assert!(told.contains(&format!("{}=ignore", header[2])), "{told}");
        }
        assert!(columns(&mapping(&["Mail=email"], UnknownColumns::Refuse), &["email"]).is_err());
        assert!(columns(&mapping(&["x=consented-at"], UnknownColumns::Refuse), &["email", "x"]).is_err());
        let historical = consenting(all, &[Channel::Email], &[], true);
        assert!(columns(&historical, &["email"]).is_err());
        assert!(columns(&historical, &["email", "consented_at"]).is_ok());
    }

    #[test]
    fn the_best_heading_of_a_field_counts() {
        let header =
            ["first_name", "email", "billing_first_name", "billing_email", "billing_phone", "billing_city"];
        let city = Field::Standard(Standard::City);
        let fields =
            [Field::FirstName, Field::Email, Field::Ignore, Field::Ignore, Field::PhoneNumber, city.clone()];
        assert_eq!(columns(&mapping(&[], UnknownColumns::Ignore), &header).unwrap(), fields);
        let told = columns(&mapping(&[], UnknownColumns::Refuse), &header).unwrap_err();
        assert!(told.contains("\"billing_first_name\"") && !told.contains("billing_phone"), "{told}");
        // A second phone is none.
        assert!(columns(&mapping(&[], UnknownColumns::Refuse), &["email", "Default Address Phone"]).is_err());
        // What Mailchimp calls a region was looked up by an address of the network.
        let own = mapping(&[], UnknownColumns::Ignore);
        let region = Field::Standard(Standard::Region);
        assert_eq!(columns(&own, &["email", "REGION"]).unwrap(), [Field::Email, region]);
        assert_eq!(columns(&own, &["email", "REGION", "LEID"]).unwrap()[1], Field::Ignore);
    }

    #[test]
    fn consent_for_everybody_and_by_column_is_one_too_many() {
        let header = ["email", "phone", "Accepts Email Marketing", "Accepts SMS Marketing"];
        let by = |everybody: &[Channel], map: &[&str], by: &[&str]| {
            columns(&consenting(mapping(map, UnknownColumns::Refuse), everybody, by, false), &header)
        };
        let told = by(&[Channel::Email], &[], &[]).unwrap_err();
        assert!(told.contains("--consent-column 'email=Accepts Email Marketing'"), "{told}");
        assert!(told.contains("--map 'Accepts Email Marketing=ignore'") && !told.contains("SMS"), "{told}");
        assert!(by(&[Channel::Email], &["Accepts Email Marketing=ignore"], &[]).is_ok());
        assert!(by(&[Channel::Email], &["3=property:accepts"], &[]).is_ok());
        assert!(by(&[], &[], &["email=Accepts Email Marketing"]).is_ok());
        assert!(by(&[Channel::Whatsapp], &[], &["email=3"]).is_ok());
        assert!(by(&[Channel::Sms], &[], &["email=Accepts Email Marketing"]).is_err());
        assert!(by(&[], &[], &["email=Accepts Marketing"]).unwrap_err().contains("--consent-column"));
    }

    #[test]
    fn who_opted_out_is_found_in_other_columns_too() {
        let klaviyo = ["Email", "Email Marketing Consent", "SMS Marketing Consent", "Email Suppressions"];
        let own =
            consenting(mapping(&[], UnknownColumns::Refuse), &[], &["email=Email Marketing Consent"], false);
        let found = of_header(&own, klaviyo.into_iter()).unwrap();
        let answers: Vec<_> = found.columns.iter().map(|column| column.answers.as_slice()).collect();
        let (says, stops) = ([(Channel::Email, Sense::Consent)], [(Channel::Email, Sense::Stopped)]);
        assert_eq!(answers, [[].as_slice(), &says, &[], &stops]);
        let aside = Mapping { columns: vec!["4=ignore".parse().unwrap()], ..own };
        assert!(of_header(&aside, klaviyo.into_iter()).unwrap().columns[3].answers.is_empty());
        let hubspot = ["Email", "Unsubscribed from all email", "Opted out of email: One to One"];
        for column in ["email=Unsubscribed from all email", "email=!Unsubscribed from all email", "email=2"] {
            let own = consenting(mapping(&[], UnknownColumns::Ignore), &[], &[column], false);
            let found = of_header(&own, hubspot.into_iter()).unwrap();
            assert_eq!(found.columns[1].answers, [(Channel::Email, Sense::OptOut)], "{column}");
            assert!(found.columns[2].answers.is_empty());
        }
    }

    #[test]
    fn what_is_known_and_has_no_use_is_told() {
        let header = ["email", "Klaviyo ID", "Date Added", "OPTIN_TIME", "consented at", "Accepts Marketing"];
        for unknown in [UnknownColumns::Refuse, UnknownColumns::Ignore] {
            let found = of_header(&mapping(&[], unknown), header.into_iter()).unwrap();
            assert!(found.columns.iter().skip(1).all(|column| column.field == Field::Ignore));
            assert_eq!(found.notes.len(), 5, "{:?}", found.notes);
        }
        let fields = columns(&mapping(&[], UnknownColumns::Properties), &header).unwrap();
        assert_eq!(fields[1..3], [property("Klaviyo ID"), property("Date Added")]);
    }

    #[test]
    fn the_time_of_a_confirmation_goes_before_that_of_a_form() {
        let own = consenting(mapping(&[], UnknownColumns::Ignore), &[Channel::Email], &[], true);
        let found = of_header(&own, ["email", "OPTIN_TIME", "CONFIRM_TIME"].into_iter()).unwrap();
        assert!(found.columns[2].rank < found.columns[1].rank);
        assert_eq!([&found.columns[1].field, &found.columns[2].field], [&Field::ConsentedAt; 2]);
    }
}
