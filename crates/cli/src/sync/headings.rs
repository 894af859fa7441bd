//! The headings of the files that other products export, and of Klaviyo's own.
//!
//! Shopify: customers. Mailchimp: an audience, subscribed, unsubscribed or cleaned. HubSpot: contacts. WooCommerce: its
//! customers, and the customers of its export plugins. Google: contacts, of today and of before 2024. What only these
//! products have a use for is not known here, so that `--unknown-columns` decides about it.

use super::field::{Field, Standard, letters};
use super::words::Sense;
use klaviyo_host::types::Channel;

/// What a known heading says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heading {
    /// A field. Where several columns are the same, those with the lowest number count, and the others are unknown.
    Field(Field, u8),
    /// When somebody consented, to this channel or to any. In each row the first that has a value counts.
    Time(Option<Channel>, u8),
    /// Whether somebody consented, to this channel or to what there is.
    Consent(Option<Channel>, Sense),
    /// What Klaviyo makes itself, and cannot be given.
    Own,
}

/// Whose file it is, where one heading means different things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Product {
    is_mailchimp: bool,
    is_klaviyo: bool,
}

impl Product {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut product = Self::default();
        for name in names.map(letters) {
            product.is_mailchimp |= matches!(name.as_str(), "leid" | "euid" | "memberrating");
            product.is_klaviyo |= name == "klaviyoid";
        }
        product
    }

    /// What this heading says; none if it is not known.
    pub(super) fn heading(self, name: &str) -> Option<Heading> {
        let letters = letters(name);
        let letters = letters.as_str();
        // By the address that somebody's browser had.
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

/// Mailchimp has two times: that of the confirmation, or of the import by somebody who said so, is the one that a
/// consent is proven by. It goes before that of the form.
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
