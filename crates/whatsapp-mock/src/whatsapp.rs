//! A simulated WhatsApp as a test sees it.

use crate::business::checked;
use crate::contact::Contact;
use crate::lanes;
use crate::outbox::Webhook;
use crate::person::Person;
use crate::shared::{Message, Shared};
use crate::updates::Packing;
use crate::wait;
use anyhow::{Result, ensure};
use klaviyo_mock::{Faults, Injector};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A simulated WhatsApp. Clones are the same one.
#[derive(Clone, Debug)]
pub struct WhatsApp(pub(crate) Arc<Shared>);

impl WhatsApp {
    /// Adds somebody; or, if somebody has the number, changes who that is.
    pub fn person(&self, contact: Contact) -> Person {
        let place = self.0.change(|world| self.0.place(world, contact));
        Person { shared: Arc::clone(&self.0), place }
    }

    /// The person with this number, id or username.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Person> {
        let place = self.0.world.lock().find(id)?;
        Some(Person { shared: Arc::clone(&self.0), place })
    }

    /// What people do in this closure is told by one webhook. What they do meanwhile on other threads is too.
    pub fn together<T>(&self, packing: Packing, acts: impl FnOnce() -> T) -> T {
        self.0.change(|world| world.held = Some(Vec::new()));
        let result = acts();
        self.0.change(|world| self.0.release(world, packing));
        result
    }

    /// All messages of the business, oldest first, with those that failed.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.0.world.lock().sent.iter().map(|sent| sent.message.clone()).collect()
    }

    /// All webhooks, in the order in which they were made.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.0.world.lock().outbox.all().to_vec()
    }

    /// The number of webhooks that are still to be sent: now, for the first time later, or again.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.world.lock().outbox.waiting()
    }

    /// The number of requests, those with a fault included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.0.world.lock().requests
    }

    /// The date and time of the simulator.
    #[must_use]
    pub fn date(&self) -> SystemTime {
        self.0.clock.date()
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.0.change(|_| self.0.clock.advance(by));
    }

    /// Replaces the faults. The rules count requests from 1 again.
    pub fn set_faults(&self, faults: Faults) {
        self.0.change(|world| world.injector = Injector::new(faults));
    }

    /// Sets where webhooks go from now on, with those that wait.
    ///
    /// # Errors
    /// When it is no address with `http://`.
    pub fn set_webhook(&self, url: &str) -> Result<()> {
        let url = checked(url)?;
        self.0.change(|world| world.webhook = Some(url));
        Ok(())
    }

    /// Asks the webhook whether it is wanted, with the token for that, as Meta does when it is set. It blocks
    /// for at most ten seconds.
    ///
    /// # Errors
    /// When the webhook is not set, or does not answer 200 with the challenge.
    pub fn verify(&self) -> Result<()> {
        lanes::verify(&self.0)
    }

    /// Waits until each webhook whose time has come was sent, whatever the answer. What waits for a later time,
    /// such as a repeat, is not waited for.
    ///
    /// # Errors
    /// When some are not sent after this time.
    pub fn settle(&self, timeout: Duration) -> Result<()> {
        let is_settled = || self.0.world.lock().outbox.is_settled(self.0.clock.now());
        ensure!(
            wait::until(&self.0, timeout, is_settled),
            "{} webhooks still wait after {timeout:?}",
            self.0.world.lock().outbox.waiting()
        );
        Ok(())
    }

    /// Waits until something is true, which is asked after each change; false if it is not true after this
    /// time.
    #[must_use]
    pub fn wait_until(&self, timeout: Duration, is_true: impl Fn(&Self) -> bool) -> bool {
        wait::until(&self.0, timeout, || is_true(self))
    }
}
