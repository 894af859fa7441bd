//! Deleting a profile and all that is known of the person. The effect comes later.

use crate::answer::{Answer, Refusal};
use crate::bodies;
use crate::call::Call;
use crate::check::{self, Result, given, member, object};
use crate::jobs::Task;
use http::StatusCode;

pub(crate) fn delete(call: &mut Call<'_>) -> Result<Answer> {
    const POINTER: &str = "/data/attributes/profile/data";
    let document = call.document()?;
    let data = member(&document, "data", "/data")?;
    check::resource(data, "data-privacy-deletion-job", "/data")?;
    object(data, "attributes", "/data")?;
    bodies::DELETE.check(&document, call.revision)?;
    let (resource, attributes) = (data.pointer("/attributes/profile/data"), format!("{POINTER}/attributes"));
    let resource = resource.and_then(|resource| resource.as_object());
    let own = resource.and_then(|resource| resource.get("attributes")?.as_object());
    if let Some(own) = own {
        check::attributes(own, &attributes)?;
        check::phone_number(own, &attributes)?;
    }
    let named = |name| own.and_then(|own| given(own, name)).map(|value| (name, value.to_owned()));
    let id = resource.and_then(|resource| given(resource, "id")).map(|id| ("id", id.to_owned()));
    let mut named = id.into_iter().chain(named("email")).chain(named("phone_number"));
    // Unproven: the text, and that Klaviyo accepts an identifier that nobody has.
    match (named.next(), named.next()) {
        (Some((by, value)), None) => {
            call.account.accept(Task::Delete(by, value));
            Ok(Answer::Nothing(StatusCode::ACCEPTED))
        }
        _ => Err(Refusal::invalid("Exactly one of id, email and phone_number is required.", POINTER).into()),
    }
}
