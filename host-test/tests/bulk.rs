//! Consent and bulk imports through `klaviyo-host`, on real sockets: calls larger than a fixture, and what Klaviyo holds
//! in the end.

use anyhow::{Context, Result};
use host_test::component::{artifact, cache};
use host_test::suite::block_on;
use klaviyo_host::types::{
    Channel, Code, ConsentOptions, Historical, Identifier, Job, JobStatus, NewProfile, Subscription,
    Unsubscription,
};
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Account, Faults, Klaviyo, Server};
use std::time::Duration;

const LIST: &str = "Y6nRLr";

/// A Klaviyo where jobs take no time, and what goes wrong there.
fn stage(fault: Option<&str>) -> Result<(Server, Tenant)> {
    let mut faults = Faults::none();
    if let Some(fault) = fault {
        faults = faults.rule(fault.parse()?);
    }
    let klaviyo = Klaviyo::from(Account::demo()).faults(faults).job_delay(Duration::ZERO);
    let server = Server::start(klaviyo)?;
    let egress = Egress::endpoint(&server.url())?;
    let connector = Connector::builder().egress(egress).cache(cache()).load(artifact())?;
    Ok((server, Tenant::new(&connector, Secret::new(Account::DEMO_KEY)?)))
}

fn email(n: usize) -> String {
    format!("person{n}@example.com")
}

/// A contact of about 400 bytes as it is sent, so that 5 MB are used up first.
fn contact(n: usize) -> NewProfile {
    let properties = Some(format!("{{\"note\":\"{}\"}}", "x".repeat(300)));
    NewProfile { email: Some(email(n)), properties, ..NewProfile::default() }
}

async fn ended(tenant: &Tenant, id: &str) -> Result<Job> {
    for _ in 0..500 {
        let job = tenant.import(id).await?.value;
        if job.status == JobStatus::Complete {
            return Ok(job);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("the job does not end")
}

#[test]
fn a_large_call_is_several_jobs_and_each_row_is_in_one() -> Result<()> {
    let (server, tenant) = stage(None)?;
    server.account().refuse_to_import(&email(20_001), "This person cannot be imported.");
    let mut contacts: Vec<NewProfile> = (0..25_000).map(contact).collect();
    for bad in [0, 9_999, 24_999] {
        contacts.get_mut(bad).context("a contact")?.email = Some("nobody".to_owned());
    }
    block_on(async {
        let submission = tenant.submit_import(&contacts, Some(LIST)).await?.value;
        let refused: Vec<u32> = submission.refused.iter().map(|refusal| refusal.index).collect();
        assert_eq!(refused, [0, 9_999, 24_999]);
        assert_eq!(submission.stopped, None);
        let rows: Vec<u32> = submission.jobs.iter().flat_map(|job| job.rows.clone()).collect();
        assert!(rows.iter().copied().eq((0..25_000).filter(|row| !refused.contains(row))));
        assert_eq!(server.account().imports().count(), submission.jobs.len());

        let mut failed = Vec::new();
        for submitted in &submission.jobs {
            let job = ended(&tenant, &submitted.job).await?;
            assert_eq!(usize::try_from(job.total)?, submitted.rows.len());
            assert_eq!(job.completed + job.failed, job.total);
            for failure in tenant.import_failures(&submitted.job).await?.value {
                let row = usize::try_from(failure.row.context("a row")?)?;
                failed.push(*submitted.rows.get(row).context("a row of the job")?);
                assert!(failure.payload.context("a payload")?.contains(&email(20_001)));
            }
        }
        assert_eq!(failed, [20_001]);
        assert_eq!(server.account().members(LIST).len(), 25_000 - 3 - 1);
        let newest = submission.jobs.last().context("a job")?;
        assert!(tenant.imports(Some(&newest.job)).await?.value.is_empty());
        assert_eq!(tenant.imports(None).await?.value.len(), submission.jobs.len());
        Ok(())
    })
}

/// The rows that were submitted are known, and so is where to go on.
#[test]
fn a_call_that_fails_after_its_first_job_says_how_far_it_got() -> Result<()> {
    let (server, tenant) = stage(Some("POST /api/profile-bulk-import-jobs: #2 status 503"))?;
    let contacts: Vec<NewProfile> = (0..25_000).map(contact).collect();
    block_on(async {
        let submission = tenant.submit_import(&contacts, None).await?.value;
        let stopped = submission.stopped.context("why it stopped")?;
        let [first] = submission.jobs.as_slice() else { anyhow::bail!("there is one job") };
        assert_eq!((stopped.code, stopped.status), (Code::Unavailable, Some(503)));
        assert_eq!(usize::try_from(stopped.done)?, first.rows.len());
        let rest = contacts.get(usize::try_from(stopped.done)?..).context("the rest")?;
        assert_eq!(tenant.submit_import(rest, None).await?.value.stopped, None);
        let sent: usize = server.account().imports().map(|import| import.total).sum();
        assert_eq!(sent, contacts.len());
        Ok(())
    })
}

#[test]
fn an_import_that_may_have_been_taken_is_not_repeated_but_found() -> Result<()> {
    let (server, tenant) = stage(Some("POST /api/profile-bulk-import-jobs: #1 reset-after"))?;
    block_on(async {
        let error = tenant.submit_import(&[contact(1), contact(2)], None).await.err().context("an error")?;
        assert_eq!((error.code(), error.usage.attempts), (Code::Connection, 1));
        let jobs = tenant.imports(None).await?.value;
        assert_eq!(jobs.iter().map(|job| job.total).collect::<Vec<_>>(), [2]);
        assert_eq!(server.account().imports().count(), 1);
        Ok(())
    })
}

#[test]
fn consent_is_given_read_back_and_taken_back() -> Result<()> {
    let (server, tenant) = stage(None)?;
    let people: Vec<Subscription> = (0..1_500)
        .map(|n| Subscription {
            id: None,
            email: Some(email(n)),
            phone_number: Some(format!("+9198{n:08}")),
            channels: vec![Channel::Email, Channel::Whatsapp],
            transactional: Vec::new(),
            consented_at: Some("2025-03-01T12:00:00Z".to_owned()),
            date_of_birth: None,
        })
        .collect();
    let source = Some("WhatsApp bot".to_owned());
    let historical_import = Some(Historical { now: "2026-03-01T12:00:00Z".to_owned() });
    let options = ConsentOptions { custom_source: source.clone(), historical_import };
    block_on(async {
        let granted = tenant.grant_consent(&people, Some(LIST), &options).await?;
        assert_eq!((granted.value.accepted, granted.usage.requests), (1_500, 2));
        let by = Identifier::Email(email(1_499));
        let state = async |channel: Channel| {
            let consents = tenant.consents(&by).await?.value.context("a profile")?;
            let consent = consents.channels.into_iter().find(|own| own.channel == channel);
            consent.context("the channel")
        };
        // Klaviyo works on it after it has answered.
        server.advance(Duration::from_secs(60));
        let email = state(Channel::Email).await?;
        assert_eq!((email.state.as_str(), email.can_receive), ("SUBSCRIBED", Some(true)));
        assert_eq!(email.custom_source, source);
        assert!(email.consented_at.context("when")?.starts_with("2025-03-01T12:00:00"));
        assert_eq!(state(Channel::Whatsapp).await?.state, "SUBSCRIBED");
        assert_ne!(state(Channel::Sms).await?.state, "SUBSCRIBED");

        let leaving: Vec<Unsubscription> = (1_350..1_500)
            .map(|n| Unsubscription {
                email: Some(self::email(n)),
                phone_number: None,
                channels: vec![Channel::Email],
                transactional: Vec::new(),
            })
            .collect();
        let revoked = tenant.revoke_consent(&leaving, None).await?;
        assert_eq!((revoked.value.accepted, revoked.usage.requests), (150, 2));
        server.advance(Duration::from_secs(60));
        let email = state(Channel::Email).await?;
        assert_eq!((email.state.as_str(), email.can_receive), ("UNSUBSCRIBED", Some(false)));
        assert!(email.suppressions.iter().any(|suppression| suppression.reason == "UNSUBSCRIBE"));
        assert_eq!(state(Channel::Whatsapp).await?.state, "SUBSCRIBED");
        Ok(())
    })
}

#[test]
fn many_are_looked_up_in_the_order_asked() -> Result<()> {
    let (_server, tenant) = stage(None)?;
    block_on(async {
        let contacts: Vec<NewProfile> = (0..300).step_by(2).map(contact).collect();
        let submission = tenant.submit_import(&contacts, None).await?.value;
        ended(&tenant, &submission.jobs.first().context("a job")?.job).await?;
        let asked: Vec<Identifier> =
            (0..300).rev().map(|n| Identifier::Email(email(n).to_uppercase())).collect();
        let found = tenant.lookup_many(&asked).await?;
        assert_eq!(found.usage.requests, 3);
        for (n, profile) in (0..300).rev().zip(found.value) {
            let expected = (n % 2 == 0).then(|| email(n));
            assert_eq!(profile.and_then(|profile| profile.email), expected);
        }
        Ok(())
    })
}
