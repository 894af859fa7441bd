//! Opt-ins with consent, opt-outs, and changes of profiles, through `klaviyo-host`: what the simulated Klaviyo holds in the end.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use anyhow::{Context, Result, bail};
use host_test::component::{artifact, cache};
use host_test::suite::block_on;
use klaviyo_host::types::{
    Change, Channel, Departure, Enrollment, Group, Identifier, NewProfile, Permission, Position, Profile,
    Start, Taken,
};
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Account, Klaviyo, OptIn, Server};
use std::time::Duration;

const LIST: &str = "Y6nRLr";

fn stage() -> Result<(Server, Tenant)> {
    let klaviyo = Klaviyo::from(Account::demo()).job_delay(Duration::ZERO);
    let server = Server::start(klaviyo)?;
    let egress = Egress::endpoint(&server.url())?;
    let connector = Connector::builder().egress(egress).cache(cache()).load(artifact())?;
    Ok((server, Tenant::new(&connector, Secret::new(Account::DEMO_KEY)?)))
}

fn contact(n: usize) -> NewProfile {
    NewProfile {
        email: Some(format!("person{n}@example.com")),
        phone_number: Some(format!("+9198{n:08}")),
        ..NewProfile::default()
    }
}

fn permission() -> Permission {
    Permission {
        channels: vec![Channel::Email, Channel::Whatsapp],
        custom_source: Some("WhatsApp bot".to_owned()),
    }
}

#[test]
fn a_channel_that_the_account_lacks_costs_no_other() -> Result<()> {
    let (server, tenant) = stage()?;
    server.account().lacks_channel(klaviyo_mock::Channel::WhatsApp);
    let mut contacts: Vec<NewProfile> = (0..20).map(contact).collect();
    contacts[7].email = Some("nobody".to_owned());
    block_on(async {
        for known in &contacts[..3] {
            tenant.create(known).await?;
        }
        let result = tenant.opt_in_many(&contacts, LIST, Some(&permission())).await?.value;
        assert_eq!(result.stopped, None);
        for (n, outcome) in result.outcomes.iter().enumerate() {
            match outcome {
                Enrollment::Enrolled(receipt) => {
                    assert_eq!(receipt.created, n >= 3, "{n}");
                    let [email, whatsapp] = receipt.consent.as_slice() else { bail!("{receipt:?}") };
                    assert_eq!((email.refused.is_none(), whatsapp.refused.is_none()), (true, false), "{n}");
                    assert_eq!(email.state.as_deref(), Some("SUBSCRIBED"), "{n}");
                }
                other => assert!(n == 7 && matches!(other, Enrollment::Refused(_)), "{n} {other:?}"),
            }
        }
        let account = server.account();
        assert_eq!(account.members(LIST).len(), 19);
        let profiles = account.profiles();
        let consents =
            |channel| profiles.iter().filter(|profile| profile.consent(channel).is_given()).count();
        assert_eq!(consents(klaviyo_mock::Channel::Email), 19);
        assert_eq!(consents(klaviyo_mock::Channel::WhatsApp), 0);
        Ok(())
    })
}

#[test]
fn one_opt_in_says_what_stands_on_each_channel() -> Result<()> {
    let (_server, tenant) = stage()?;
    block_on(async {
        let receipt = tenant.opt_in(&contact(1), LIST, Some(&permission())).await?.value;
        let states: Vec<_> = receipt.consent.iter().map(|on| (on.state.as_deref(), on.can_receive)).collect();
        assert_eq!(states, [(Some("SUBSCRIBED"), Some(true)); 2]);
        Ok(())
    })
}

/// Double opt-in, a channel that is not set up, and a person who is subscribed already, in one account.
#[test]
fn what_waits_for_a_confirmation_is_told_from_what_is_refused_and_from_what_stands() -> Result<()> {
    let (server, tenant) = stage()?;
    server.account().lacks_channel(klaviyo_mock::Channel::WhatsApp);
    server.account().add_list_with("DoUbLe", "Confirmed", OptIn::Double);
    block_on(async {
        let (new, known) = (contact(1), contact(2));
        tenant.opt_in(&known, LIST, Some(&permission())).await?;
        for (contact, email_stands) in [(new, "NEVER_SUBSCRIBED"), (known, "SUBSCRIBED")] {
            let receipt = tenant.opt_in(&contact, "DoUbLe", Some(&permission())).await?.value;
            let told: Vec<_> =
                receipt.consent.iter().map(|on| (on.refused.is_some(), on.state.as_deref())).collect();
            assert_eq!(told, [(false, Some(email_stands)), (true, Some("NEVER_SUBSCRIBED"))]);
            assert_eq!(receipt.consent[1].can_receive, Some(false));
        }
        Ok(())
    })
}

fn taken(departure: &Departure) -> Result<&Taken> {
    let Departure::Departed(taken) = departure else { bail!("{departure:?}") };
    Ok(taken)
}

#[test]
fn an_opt_out_takes_what_the_opt_in_gave_and_no_more() -> Result<()> {
    let (server, tenant) = stage()?;
    let contacts: Vec<NewProfile> = (0..12).map(contact).collect();
    block_on(async {
        tenant.opt_in_many(&contacts, LIST, Some(&permission())).await?;
        let by_email = |n: usize| Identifier::Email(contacts[n].email.clone().unwrap());
        let by_phone = |n: usize| Identifier::PhoneNumber(contacts[n].phone_number.clone().unwrap());
        let id = |profile: Option<Profile>| {
            Ok::<_, anyhow::Error>(Identifier::Id(profile.context("no profile")?.id))
        };
        let mut people = vec![id(tenant.lookup(&by_phone(0)).await?.value)?];
        people.extend((1..6).map(by_email));
        people.extend((6..11).map(by_phone));
        people.push(Identifier::PhoneNumber("+447700900000".to_owned()));
        let lists = [LIST.to_owned(), "Gone00".to_owned()];
        let left = tenant.opt_out(&people, &[Channel::Whatsapp], &lists).await?.value;
        assert_eq!((left.stopped, left.missing_lists.as_slice()), (None, &lists[1..]));
        let (stranger, known) = left.outcomes.split_last().context("no outcome")?;
        for departure in known {
            let taken = taken(departure)?;
            assert_eq!(
                taken.consent.iter().filter(|on| on.was_subscribed && on.refused.is_none()).count(),
                1
            );
            assert_eq!(taken.lists.iter().map(|removal| removal.list.as_str()).collect::<Vec<_>>(), [LIST]);
        }
        let stranger = taken(stranger)?;
        assert_eq!(
            (&stranger.profile_id, stranger.consent[0].was_subscribed, stranger.lists.len()),
            (&None, false, 0)
        );
        let again = tenant.opt_out(&people, &[Channel::Whatsapp], &lists[..1]).await?.value;
        for departure in &again.outcomes {
            let taken = taken(departure)?;
            assert!(!taken.consent[0].was_subscribed && taken.lists.is_empty(), "{taken:?}");
        }
        Ok::<_, anyhow::Error>(())
    })?;
    let account = server.account();
    assert_eq!(account.members(LIST).len(), 1);
    let profiles = account.profiles();
    let consents = |channel| profiles.iter().filter(|profile| profile.consent(channel).is_given()).count();
    assert_eq!(consents(klaviyo_mock::Channel::WhatsApp), 1);
    assert_eq!(consents(klaviyo_mock::Channel::Email), 12);
    Ok(())
}

#[test]
fn a_profile_is_changed_and_merged() -> Result<()> {
    let (server, tenant) = stage()?;
    block_on(async {
        let into = tenant.upsert(&contact(1)).await?.value.profile.id;
        let from = tenant.upsert(&contact(2)).await?.value.profile.id;
        let title = NewProfile { title: Some("Buyer".to_owned()), ..NewProfile::default() };
        let changes = [
            Change::Set(title),
            Change::Clear("phone-number".to_owned()),
            Change::Append("{\"tags\":[\"vip\"]}".to_owned()),
        ];
        let changed = tenant.update(&into, &changes).await?.value;
        assert_eq!((changed.title.as_deref(), changed.phone_number), (Some("Buyer"), None));
        assert!(changed.properties.contains("vip"), "{}", changed.properties);
        tenant.merge(&into, &from).await?;
        for _ in 0..500 {
            if server.account().profiles().len() == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let left = tenant.lookup(&Identifier::Id(into.clone())).await?.value.context("the destination")?;
        assert_eq!(left.id, into);
        assert_eq!(tenant.lookup(&Identifier::Id(from)).await?.value.map(|profile| profile.id), None);
        Ok(())
    })
}

/// The people whom the feeds of profiles and of members tell, and where they go on.
async fn told(tenant: &Tenant, from: &mut [Position; 2]) -> Result<[Vec<String>; 2]> {
    let list = Group::List(LIST.to_owned());
    let mut told = [Vec::new(), Vec::new()];
    for feed in 0..2 {
        loop {
            let (ids, cursor, more): (Vec<String>, _, _) = if feed == 0 {
                let page = tenant.changed_profiles(&from[0]).await?.value;
                (page.items.into_iter().map(|profile| profile.id).collect(), page.cursor, page.more)
            } else {
                let page = tenant.joined_members(&list, &from[1]).await?.value;
                let ids = page.items.into_iter().map(|member| member.profile.id);
                (ids.collect(), page.cursor, page.more)
            };
            told[feed].extend(ids);
            from[feed] = Position::Cursor(cursor);
            if !more {
                break;
            }
        }
    }
    Ok(told)
}

/// What the contract says that `changes` cannot see.
#[test]
fn who_was_deleted_or_merged_away_and_who_left_a_list_is_not_told() -> Result<()> {
    let (server, tenant) = stage()?;
    block_on(async {
        let mut ids = Vec::new();
        for n in 1..5 {
            ids.push(tenant.opt_in(&contact(n), LIST, None).await?.value.profile_id);
        }
        let start = Start { time: "2020-01-01T00:00:00Z".to_owned(), look_back: None };
        let mut from = [Position::Since(start.clone()), Position::Since(start)];
        assert_eq!(told(&tenant, &mut from).await?, [ids.clone(), ids.clone()]);
        let [stays, merged, deleted, leaves] = ids.as_slice() else { bail!("there are four") };
        tenant.merge(stays, merged).await?;
        tenant.delete_profiles(&Identifier::Id(deleted.clone())).await?;
        tenant.remove_from_list(LIST, std::slice::from_ref(leaves)).await?;
        for _ in 0..500 {
            if server.account().profiles().len() == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(server.account().members(LIST), [stays.as_str()]);
        let [profiles, members] = told(&tenant, &mut from).await?;
        assert!(!profiles.contains(merged) && !profiles.contains(deleted), "{profiles:?}");
        assert_eq!(members, [""; 0]);
        Ok(())
    })
}
