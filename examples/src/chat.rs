//! A room in which whoever opens the page talks with whoever else has.
//!
//! The room has the messages; a page's session doesn't keep a second copy of them. It has a [`Stream`], which is told
//! what has happened and forgets it as soon as it is shown.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use lightspeed::{Context, Form, Html, Live, MountError, Stream, html};
use serde::Deserialize;
use tokio::sync::watch;

/// A page shows so many.
const SHOWN_MAX: usize = 200;

/// The page.
#[derive(Debug)]
pub struct Chat {
    messages: Stream<Message>,
    only_starred: bool,
    /// What it has heard of, by number.
    heard: u64,
}

/// What can happen to it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the buttons say what they do")]
pub enum Msg {
    Say(Form<Said>),
    Star(u64),
    Delete(u64),
    OnlyStarred(bool),
    /// Others, or this page, have done something.
    Heard(u64, Vec<News>),
}

/// What is said.
#[derive(Debug, Clone, Deserialize)]
pub struct Said {
    text: String,
}

impl Chat {
    fn listen(&self, cx: &mut Context<Msg>) {
        cx.perform(ROOM.news_after(self.heard), |(heard, news)| Msg::Heard(heard, news));
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Said(message) if !self.only_starred => self.messages.append(message),
            News::Said(_) => {}
            // Its place among the others is known to the room alone.
            News::Changed(message) if self.only_starred && message.stars == 1 => self.messages.reset(),
            News::Changed(message) => self.messages.update(message),
            News::Deleted(id) => self.messages.delete(&id),
        }
    }
}

impl Live for Chat {
    type Msg = Msg;
    type Params = ();

    async fn mount((): (), cx: &mut Context<Msg>) -> Result<Self, MountError> {
        let chat = Self { messages: Stream::new(), only_starred: false, heard: ROOM.open().heard() };
        chat.listen(cx);
        Ok(chat)
    }

    fn update(&mut self, msg: Msg, cx: &mut Context<Msg>) {
        match msg {
            Msg::Say(form) => {
                if let Ok(said) = form.value {
                    ROOM.change(|room| room.say(&said.text));
                }
            }
            Msg::Star(id) => ROOM.change(|room| room.star(id)),
            Msg::Delete(id) => ROOM.change(|room| room.delete(id)),
            Msg::OnlyStarred(only_starred) => {
                self.only_starred = only_starred;
                // The source gives others from now on.
                self.messages.reset();
            }
            Msg::Heard(heard, news) => {
                // Of what has happened too long ago, only what came of it is known.
                if news.len() as u64 != heard - self.heard {
                    self.messages.reset();
                }
                self.heard = heard;
                for news in news {
                    self.hear(news);
                }
                self.messages.keep_last(SHOWN_MAX);
                self.listen(cx);
            }
        }
    }

    fn title(&self) -> String {
        "Chat".to_owned()
    }

    fn render(&self) -> Html<Msg> {
        html! {
            label.check { input #only-starred type="checkbox" onchange=(Msg::OnlyStarred); " Starred only" }
            ol #messages.messages aria-live="polite" {
                @stream message in self.messages.over(|| ROOM.open().recent(self.only_starred)) {
                    li key=(message.id) {
                        span.text { (message.text) }
                        button.star type="button" onclick=(Msg::Star(message.id)) aria-label={ "Star: " (message.text) } {
                            "★ " (message.stars)
                        }
                        button.delete type="button" onclick=(Msg::Delete(message.id)) aria-label={ "Delete: " (message.text) } { "Delete" }
                    }
                }
            }
            form.say onsubmit=(Msg::Say) {
                label for="text" { "Message" }
                // After an event of its form it is sent again: what was said is no longer in it.
                input #text name="text" value=("") required maxlength="200" autocomplete="off";
                button type="submit" { "Say" }
            }
        }
    }
}

/// The room, as long as the gallery runs.
static ROOM: LazyLock<Room> =
    LazyLock::new(|| Room { state: Mutex::default(), heard: watch::Sender::new(0) });

struct Room {
    state: Mutex<State>,
    heard: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Message>,
    next_id: u64,
    /// The last that has happened.
    news: VecDeque<News>,
    /// How much has happened.
    heard: u64,
}

/// What somebody has said.
#[derive(Debug, Clone)]
pub struct Message {
    id: u64,
    text: String,
    stars: u32,
}

/// What has happened in the room.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum News {
    Said(Message),
    Changed(Message),
    Deleted(u64),
}

impl Room {
    fn open(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State) -> Option<News>) {
        let mut state = self.open();
        let Some(news) = change(&mut state) else { return };
        state.news.push_back(news);
        let excess = state.news.len().saturating_sub(1_000);
        state.news.drain(..excess);
        state.heard += 1;
        self.heard.send_replace(state.heard);
    }

    /// What happens after the first `heard` things, as soon as there is any.
    async fn news_after(&'static self, heard: u64) -> (u64, Vec<News>) {
        let mut receiver = self.heard.subscribe();
        let _ = receiver.wait_for(|now| *now > heard).await;
        let state = self.open();
        let count = usize::try_from(state.heard - heard).unwrap_or(usize::MAX);
        let news = state.news.iter().skip(state.news.len().saturating_sub(count)).cloned().collect();
        (state.heard, news)
    }
}

impl State {
    const fn heard(&self) -> u64 {
        self.heard
    }

    fn recent(&self, only_starred: bool) -> Vec<Message> {
        let wanted = self.messages.iter().filter(|message| !only_starred || message.stars > 0);
        let excess = wanted.clone().count().saturating_sub(SHOWN_MAX);
        wanted.skip(excess).cloned().collect()
    }

    fn say(&mut self, text: &str) -> Option<News> {
        if text.trim().is_empty() {
            return None;
        }
        self.next_id += 1;
        let message = Message { id: self.next_id, text: text.chars().take(200).collect(), stars: 0 };
        self.messages.push_back(message.clone());
        let excess = self.messages.len().saturating_sub(10_000);
        self.messages.drain(..excess);
        Some(News::Said(message))
    }

    fn star(&mut self, id: u64) -> Option<News> {
        let message = self.messages.iter_mut().find(|message| message.id == id)?;
        message.stars += 1;
        Some(News::Changed(message.clone()))
    }

    fn delete(&mut self, id: u64) -> Option<News> {
        let index = self.messages.iter().position(|message| message.id == id)?;
        self.messages.remove(index);
        Some(News::Deleted(id))
    }
}
