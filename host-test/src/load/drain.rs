//! Waiting until the queue is empty, and what is in it when it does not become empty.

use super::PATIENCE;
use super::stage::Stage;
use anyhow::{Result, bail};
use async_nats::jetstream::{self, consumer, stream};
use futures_util::TryStreamExt;
use klaviyo_service::queue::Lane;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const POLL: Duration = Duration::from_millis(20);

impl Stage {
    /// Waits until nothing is in the queue.
    pub(super) async fn drained(&self) -> Result<()> {
        let (mut least, mut since) = (usize::MAX, Instant::now());
        loop {
            let waiting = self.queue.waiting().await?.total();
            match waiting {
                0 => return Ok(()),
                _ if waiting < least => (least, since) = (waiting, Instant::now()),
                _ if since.elapsed() < PATIENCE => {}
                _ => bail!("{waiting} wait, and none of them ends: {}", self.what_waits().await?),
            }
            sleep(POLL).await;
        }
    }

    /// The first message of each lane, and what NATS and the workers say of it.
    async fn what_waits(&self) -> Result<String> {
        let context = jetstream::new(async_nats::connect(self.nats.url()).await?);
        let mut lines = Vec::new();
        for lane in Lane::ALL {
            let mut stream = context.get_stream(lane.stream()).await?;
            let stream::State { messages, first_sequence, last_sequence, .. } = stream.info().await?.state;
            if messages == 0 {
                continue;
            }
            let first = stream.get_raw_message(first_sequence).await?;
            let text = String::from_utf8_lossy(&first.payload).into_owned();
            lines.push(format!(
                "{lane}: {messages} from {first_sequence} to {last_sequence}, first on {}: {text}",
                first.subject
            ));
            let mut consumers = stream.consumers();
            while let Some(consumer::Info {
                name, delivered, ack_floor, num_pending, num_ack_pending, ..
            }) = consumers.try_next().await?
            {
                let (delivered, floor) = (delivered.stream_sequence, ack_floor.stream_sequence);
                lines.push(format!(
                    "{lane} of {name}: delivered to {delivered}, acknowledged to {floor}, \
                     {num_pending} to come, {num_ack_pending} with workers"
                ));
            }
        }
        for worker in &self.workers {
            lines.push(reqwest::get(format!("{}/readyz", worker.url)).await?.text().await?);
        }
        Ok(lines.join("\n"))
    }
}
