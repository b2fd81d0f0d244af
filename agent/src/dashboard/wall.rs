//! Where the newest frame hangs, for whoever looks. It is drawn anew only while somebody does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::frame::Frame;
use super::samples::{self, Samples};
use super::scene::Scene;
use super::stories::Stories;
use crate::api::Api;

/// Between two frames: nobody sees more, and pictures come by the dozen a second.
const PACE: Duration = Duration::from_millis(100);

/// See the module.
pub(super) struct Wall {
    api: Api,
    samples: Samples,
    stories: Stories,
    frames: watch::Sender<Arc<Frame>>,
    /// Held while one is drawn: an older scene must not hang over a newer one.
    drawing: Mutex<()>,
    came: Notify,
}

impl Wall {
    /// With a first frame.
    pub(super) fn new(api: Api, samples: Samples) -> Self {
        let stories = Stories::default();
        let first = Frame::draw(&Scene::now(&api, &samples, &stories), None);
        let frames = watch::Sender::new(Arc::new(first));
        Self { api, samples, stories, frames, drawing: Mutex::new(()), came: Notify::new() }
    }

    /// What pages are made of.
    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    /// The cluster's name.
    pub(super) fn cluster(&self) -> &str {
        &self.api.facts.config.cluster.name
    }

    /// Everything as it is now.
    pub(super) fn scene(&self) -> Scene {
        Scene::now(&self.api, &self.samples, &self.stories)
    }

    /// For somebody who has just come: with stories that are no older than a moment, if the store lets.
    pub(super) async fn visit(&self) -> Arc<Frame> {
        self.stories.refresh_soon(&self.api).await;
        self.paint()
    }

    /// Draws what is to be seen now; hangs it up if anything has changed.
    fn paint(&self) -> Arc<Frame> {
        self.hang(false)
    }

    fn hang(&self, always: bool) -> Arc<Frame> {
        let _drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = Arc::clone(&self.frames.borrow());
        let new = Arc::new(Frame::draw(&self.scene(), Some(&old)));
        if !always && new.is_like(&old) {
            return old;
        }
        self.frames.send_replace(Arc::clone(&new));
        new
    }

    /// The frames from now on.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Frame>> {
        let frames = self.frames.subscribe();
        self.came.notify_one();
        frames
    }

    /// Draws a frame whenever the picture has changed, and one a second as a sign of life, while somebody looks. Ends
    /// with the loop.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut shown = self.api.shown.clone();
        loop {
            while self.frames.receiver_count() == 0 {
                self.came.notified().await;
            }
            self.stories.refresh_soon(&self.api).await;
            self.hang(true);
            let sign_of_life = Instant::now() + samples::PACE;
            loop {
                sleep(PACE).await;
                match timeout_at(sign_of_life, shown.changed()).await {
                    Ok(Err(_gone)) => return,
                    Ok(Ok(())) => drop(self.paint()),
                    Err(_elapsed) => break,
                }
            }
        }
    }
}
