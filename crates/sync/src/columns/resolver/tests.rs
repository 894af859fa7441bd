use super::*;
use crate::columns::field::Standard;
use crate::columns::tests::mapping;

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
        assert!(columns(&mapping(&[wrong], UnknownColumns::Ignore), &["", "email", ""]).is_err(), "{wrong}");
    }
    assert!(columns(&mapping(&["2=email", "mail=phone"], UnknownColumns::Ignore), &["", "mail"]).is_err());
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
    assert!(told.contains("\"plan\"") && told.contains("4=ignore") && !told.contains("1=ignore"), "{told}");
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
    for header in [["email", "Email"].as_slice(), &["email", "plan", "plan"], &["first name"], &["email", ""]]
    {
        assert!(columns(&all, header).is_err(), "{header:?}");
    }
    for (map, header) in
        [("Mobile=phone-number", ["email", "Mobile", "phone"]), ("x=city", ["email", "x", "city"])]
    {
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
    for heading in ["REGION", "LATITUDE", "LONGITUDE", "TIMEZONE"] {
        assert_eq!(columns(&own, &["email", heading, "LEID"]).unwrap()[1], Field::Ignore, "{heading}");
    }
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
