//! The number that a person was asked for, on its way to the person's profile.

use crate::opt_in::OptIn;
use crate::opt_in_flow::Failure;
use klaviyo_host::Tenant;
use klaviyo_host::types::{Change, Code, Identifier, NewProfile, Profile};

/// Brings the number that a person was asked for to the profile that is known by the external id. If another
/// profile has the number, that one takes the first one in.
pub(crate) async fn complete(tenant: &Tenant, opt_in: &OptIn) -> Result<(), Failure> {
    let (Some(number), Some(id)) = (&opt_in.phone_number, &opt_in.external_id) else { return Ok(()) };
    let people = [Identifier::ExternalId(id.clone()), Identifier::PhoneNumber(number.clone())];
    let found = tenant.lookup_many(&people).await.map_err(|error| Failure::from(&error))?.value;
    let [by_id, by_number] = <[Option<Profile>; 2]>::try_from(found).unwrap_or_default();
    let set = async |profile: &str, change: NewProfile| {
        match tenant.update(profile, &[Change::Set(change)]).await {
            Ok(_) => Ok(()),
            // Another profile has the identifier since, or still: the opt-in goes on with the one that it finds.
            Err(error) if error.code() == Code::Conflict => Ok(()),
            Err(error) => Err(Failure::from(&error)),
        }
    };
    let its_id = NewProfile { external_id: Some(id.clone()), ..NewProfile::default() };
    match (by_id, by_number) {
        (Some(one), Some(other)) if one.id != other.id => {
            match tenant.merge(&other.id, &one.id).await {
                Ok(_) => {}
                // It was merged before.
                Err(error) if error.code() == Code::NotFound => {}
                Err(error) => return Err(Failure::from(&error)),
            }
            if other.external_id.is_none() { set(&other.id, its_id).await } else { Ok(()) }
        }
        (Some(one), None) => {
            set(&one.id, NewProfile { phone_number: Some(number.clone()), ..NewProfile::default() }).await
        }
        (None, Some(other)) if other.external_id.is_none() => set(&other.id, its_id).await,
        _ => Ok(()),
    }
}
