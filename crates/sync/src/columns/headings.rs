//! The headings in the exports of other products, and in Klaviyo's own.
//!
//! Shopify: customers. Mailchimp: an audience, subscribed, unsubscribed or cleaned. HubSpot: contacts.
//! WooCommerce: its customers, and the customers of its export plugins. Google: contacts, of today and of
//! before 2024. A heading that is of use to its product only is unknown here, so that `--unknown-columns`
//! decides about it.

use crate::columns::field::{Field, Standard, letters};
use crate::columns::words::Sense;
use klaviyo_host::types::Channel;

/// The meaning of a known heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heading {
    /// A field, and a rank. If several columns are the same field, those with the lowest rank count, and the
    /// others are unknown.
    Field(Field, u8),
    /// When the person consented, to this channel or to any, and a rank. In each row the first time that has
    /// a value counts.
    Time(Option<Channel>, u8),
    /// Whether the person consented, to this channel or to all.
    Consent(Option<Channel>, Sense),
    /// A value that Klaviyo makes itself and does not take.
    Own,
}

/// The product that an export is from, where products mean different things by one heading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Product {
    is_mailchimp: bool,
    is_klaviyo: bool,
}

impl Product {
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut product = Self::default();
        for name in names.map(letters) {
            product.is_mailchimp |= matches!(name.as_str(), "leid" | "euid" | "memberrating");
            product.is_klaviyo |= name == "klaviyoid";
        }
        product
    }

    /// The meaning of a heading; none if it is not known.
    pub(crate) fn heading(self, name: &str) -> Option<Heading> {
        let letters = letters(name);
        let letters = letters.as_str();
        // Mailchimp looks it up by the network address of the person.
        if self.is_mailchimp && letters == "region" {
            return None;
        }
        consent(letters).or_else(|| self.own(letters)).or_else(|| time(letters)).or_else(|| field(letters))
    }

    fn own(self, letters: &str) -> Option<Heading> {
        let is_own = letters == "klaviyoid"
            || (self.is_klaviyo
                && matches!(
                    letters,
                    "dateadded"
                        | "profilecreatedon"
                        | "firstactive"
                        | "lastactive"
                        | "lastopen"
                        | "lastclick"
                        | "initialsource"
                ));
        is_own.then_some(Heading::Own)
    }
}

/// Whether an unknown heading speaks of consent, in whatever words: to which channel, and what a yes means.
///
/// It decides nothing by itself. With it, a sync that subscribes everybody does not pass over such a column,
/// and a column of opt-outs is not taken for one of opt-ins.
pub(crate) fn speaks_of_consent(name: &str) -> Option<(Option<Channel>, Sense)> {
    let letters = letters(name);
    let has = |parts: &[&str]| parts.iter().any(|part| letters.contains(part));
    // Mail between two people is not marketing.
    if letters == "optedoutofemailonetoone" {
        return None;
    }
    let channel = [
        ("sms", Channel::Sms),
        ("whatsapp", Channel::Whatsapp),
        ("push", Channel::Push),
        ("mail", Channel::Email),
    ]
    .into_iter()
    .find_map(|(part, channel)| letters.contains(part).then_some(channel));
    let is_time = ["at", "time", "date", "timestamp", "reason"].iter().any(|end| letters.ends_with(end));
    if has(&OUT) {
        return Some((channel, if is_time { Sense::Stopped } else { Sense::OptOut }));
    }
    let is_detail = is_time
        || ["ip", "source", "method", "url", "page", "id", "form", "version", "count", "level"]
            .iter()
            .any(|end| letters.ends_with(end));
    (has(&IN) && !is_detail).then_some((channel, Sense::Consent))
}

/// Parts of headings of opt-outs, in some languages.
const OUT: [&str; 22] = [
    "unsubscri",
    "notsubscribed",
    "optout",
    "optedout",
    "blacklist",
    "blocklist",
    "suppress",
    "spamreport",
    "spamcomplaint",
    "donotemail",
    "donotmail",
    "donotcontact",
    "donotsms",
    "donottext",
    "abgemeldet",
    "abmeldung",
    "widerruf",
    "désabonn",
    "desabonn",
    "désinscri",
    "desuscri",
    "afgemeld",
];
/// Parts of headings of opt-ins.
const IN: [&str; 19] = [
    "consen",
    "optin",
    "optedin",
    "subscribed",
    "subscriberstatus",
    "subscriptionstatus",
    "permission",
    "newsletter",
    "acceptsmarketing",
    "acceptsemail",
    "acceptssms",
    "einwilligung",
    "zustimmung",
    "abonniert",
    "angemeldet",
    "abonné",
    "suscrito",
    "iscritto",
    "toestemming",
];

fn field(letters: &str) -> Option<Heading> {
    use Standard::{Address1, Address2, City, Country, Organization, Region, Title, Zip};
    let standard = |field, rank| Some(Heading::Field(Field::Standard(field), rank));
    let other = |field, rank| Some(Heading::Field(field, rank));
    match letters {
        "email1value" => other(Field::Email, 0),
        "billingemail" => other(Field::Email, 1),
        "phone1value" => other(Field::PhoneNumber, 0),
        "billingphone" => other(Field::PhoneNumber, 1),
        "givenname" | "fname" => other(Field::FirstName, 0),
        "billingfirstname" => other(Field::FirstName, 1),
        "surname" | "familyname" | "lname" => other(Field::LastName, 0),
        "billinglastname" => other(Field::LastName, 1),
        "company" | "companyname" | "organisation" | "organizationname" | "organization1name" => {
            standard(Organization, 0)
        }
        "defaultaddresscompany" | "billingcompany" | "associatedcompany" => standard(Organization, 1),
        "jobtitle" | "organizationtitle" | "organization1title" => standard(Title, 0),
        "address" | "addressline1" | "street" | "streetaddress" | "address1street" => standard(Address1, 0),
        "defaultaddressaddress1" | "billingaddress1" => standard(Address1, 1),
        "addressline2" | "address1extendedaddress" => standard(Address2, 0),
        "defaultaddressaddress2" | "billingaddress2" => standard(Address2, 1),
        "town" | "address1city" => standard(City, 0),
        "defaultaddresscity" | "billingcity" => standard(City, 1),
        "state" | "province" | "stateregion" | "address1region" => standard(Region, 0),
        "defaultaddressprovincecode" | "billingstate" | "provincecode" => standard(Region, 1),
        "countryregion" | "address1country" => standard(Country, 0),
        "defaultaddresscountrycode" | "billingcountry" | "countrycode" => standard(Country, 1),
        "zipcode" | "postalcode" | "postcode" | "address1postalcode" => standard(Zip, 0),
        "defaultaddresszip" | "billingpostcode" => standard(Zip, 1),
        _ => Field::of(letters).map(|field| Heading::Field(field, 0)),
    }
}

/// Mailchimp has two times. The time of the confirmation, or of an import by somebody who vouched for it,
/// proves a consent, so it goes before that of the form.
fn time(letters: &str) -> Option<Heading> {
    match letters {
        "consentedat" => Some(Heading::Time(None, 0)),
        "emailmarketingconsenttimestamp" => Some(Heading::Time(Some(Channel::Email), 1)),
        "smsmarketingconsenttimestamp" => Some(Heading::Time(Some(Channel::Sms), 2)),
        "confirmtime" => Some(Heading::Time(Some(Channel::Email), 3)),
        "optintime" => Some(Heading::Time(Some(Channel::Email), 4)),
        _ => None,
    }
}

fn consent(letters: &str) -> Option<Heading> {
    let says = |channel| Some(Heading::Consent(channel, Sense::Consent));
    let leaves = |channel| Some(Heading::Consent(channel, Sense::OptOut));
    let stops = |channel| Some(Heading::Consent(channel, Sense::Stopped));
    match letters {
        "acceptsemailmarketing"
        | "acceptsmarketing"
        | "emailmarketingconsent"
        | "emailmarketingstatus"
        | "emailconsent"
        | "emailoptin"
        | "emailsubscribed"
        | "emailsubscriptionstatus" => says(Some(Channel::Email)),
        "acceptssmsmarketing"
        | "smsmarketingconsent"
        | "smsmarketingstatus"
        | "smsconsent"
        | "smsoptin"
        | "smssubscribed"
        | "smssubscriptionstatus" => says(Some(Channel::Sms)),
        "acceptswhatsappmarketing"
        | "whatsappmarketingconsent"
        | "whatsappmarketingstatus"
        | "whatsappconsent"
        | "whatsappoptin" => says(Some(Channel::Whatsapp)),
        "pushmarketingconsent" | "mobilepushmarketingconsent" | "pushconsent" | "pushoptin" => {
            says(Some(Channel::Push))
        }
        "consent"
        | "consentstatus"
        | "marketingconsent"
        | "marketingoptin"
        | "optin"
        | "optedin"
        | "subscribed"
        | "subscriptionstatus"
        | "newsletterconsent"
        | "newsletteroptin"
        | "newslettersubscribed" => says(None),
        "unsubscribedfromallemail"
        | "optedoutofallemail"
        | "optedoutofemail"
        | "hsemailoptout"
        | "emailoptout"
        | "emailunsubscribed" => leaves(Some(Channel::Email)),
        "smsoptout" | "smsunsubscribed" => leaves(Some(Channel::Sms)),
        "whatsappoptout" => leaves(Some(Channel::Whatsapp)),
        "optout" | "optedout" | "unsubscribed" => leaves(None),
        "emailsuppressions" | "unsubtime" | "cleantime" => stops(Some(Channel::Email)),
        "smssuppressions" => stops(Some(Channel::Sms)),
        // Mail between two people is no marketing.
        "optedoutofemailonetoone" => None,
        // HubSpot's kinds of email, one a column.
        _ if letters.starts_with("optedoutofemail") => leaves(Some(Channel::Email)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_that_nobody_knows_speak_of_consent_too() {
        let (email, sms) = (Some(Channel::Email), Some(Channel::Sms));
        for (heading, says) in [
            ("Portal Unsubscribe", (None, Sense::OptOut)),
            ("HasOptedOutOfEmail", (email, Sense::OptOut)),
            ("hs_email_optout_9001", (email, Sense::OptOut)),
            ("EMAIL_BLACKLIST", (email, Sense::OptOut)),
            ("Opted out of SMS", (sms, Sense::OptOut)),
            ("Von allen E-Mails abgemeldet", (email, Sense::OptOut)),
            ("unsubscribed_at", (None, Sense::Stopped)),
            ("isNewsletterOptIn", (None, Sense::Consent)),
            ("is_subscribed", (None, Sense::Consent)),
            ("email_marketing_consent.state", (email, Sense::Consent)),
            ("Email subscriber status", (email, Sense::Consent)),
            ("Newsletter", (None, Sense::Consent)),
        ] {
            assert_eq!(speaks_of_consent(heading), Some(says), "{heading}");
        }
        for other in [
            "OPTIN_IP",
            "Opted out of email: One to One",
            "Subscription plan",
            "Consent IP",
            "Status",
            "Email",
            "Newsletter source",
            "Notes",
            "marketing_opt_in_level",
        ] {
            assert_eq!(speaks_of_consent(other), None, "{other}");
        }
    }
}
