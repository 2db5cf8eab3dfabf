//! How deep a tree may be: what is stated works, in a small stack, and what is deeper isn't made.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use std::panic::{AssertUnwindSafe, catch_unwind};

use lightspeed_core::session::Session;
use lightspeed_core::{Component, Html, Memo, Policy, Stream};
use lightspeed_macros::html;
use lightspeed_protocol::limits::INSTANCE_DEPTH_MAX;
use lightspeed_testing::Page;

/// What is within what, and how often.
struct Nest {
    wrap: Wrap,
    levels: usize,
    clicks: u32,
}

#[derive(Debug, Clone)]
enum Msg {
    Click,
    Levels(usize),
}

impl Component for Nest {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Click => self.clicks += 1,
            Msg::Levels(levels) => self.levels = levels,
        }
    }

    fn render(&self) -> Html<Msg> {
        let innermost = html! { button #inner onclick=(Msg::Click) { (self.clicks) } };
        // A loop: a function that calls itself would take the stack of whoever wrote it.
        (0..self.levels).fold(innermost, |html, _| (self.wrap)(html))
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some([self.clicks, u32::try_from(self.levels).unwrap()].map(u32::to_le_bytes).concat())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), lightspeed_core::session::checkpoint::LoadError> {
        let numbers: Vec<u32> =
            state.chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect();
        self.clicks = numbers[0];
        self.levels = numbers[1] as usize;
        Ok(())
    }
}

type Wrap = fn(Html<Msg>) -> Html<Msg>;

/// Each way to nest, with the instances that one level of it is.
const WAYS: [(&str, Wrap, usize); 6] = [
    ("splice", |html| html! { div { (html) } }, 1),
    ("branch", |html| html! { div { @if true { section { (html) } } } }, 2),
    ("list", |html| html! { div { @for n in 0..1 { section key=(n) { (html) } } } }, 2),
    (
        "memo",
        |html| {
            let memo = Memo::<(), Msg>::new();
            html! { div { (memo.of((), || html.clone())) } }
        },
        1,
    ),
    (
        "stream",
        |html| {
            let rows = Stream::<u32>::new();
            html! { div { @stream row in rows.over(|| [1]) { section key=(row) { (html) } } } }
        },
        2,
    ),
    ("option", |html| html! { div { (Some(html)) } }, 1),
];

/// Runs in as much stack as the smallest thread that an application is likely to have.
fn in_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(run).unwrap();
    thread.join().unwrap();
}

#[test]
fn as_many_levels_as_are_stated_work_whatever_is_done_with_them() {
    in_small_stack(|| {
        for (way, wrap, each) in WAYS {
            let levels = INSTANCE_DEPTH_MAX / each;
            let nest = Nest { wrap, levels, clicks: 0 };
            let html = nest.render();
            assert!(format!("{html:?}").matches("div").count() >= levels, "{way}");
            assert!(html.clone().to_html().contains("inner"), "{way}");
            // Rendered, adopted, patched, hibernated, reset, restored, dropped.
            let mut page = Page::over(Session::with_policy(nest, Policy::Durable));
            page.client.handle_start(page.now);
            page.pump();
            page.click("inner");
            page.check();
            page.advance_ms(20_000);
            page.click("inner");
            page.message(Msg::Levels(levels - 1));
            page.check();
            page.message(Msg::Levels(levels));
            page.click("inner");
            page.check();
            assert_eq!(page.session.component().clicks, 3, "{way}");
            page.restart(Nest { wrap, levels, clicks: 0 }, Policy::Durable);
            page.advance_ms(10_000);
            page.click("inner");
            page.check();
            let mut page = Page::rebuilt(Nest { wrap, levels, clicks: 0 });
            page.click("inner");
            page.check();
        }
    });
}

#[test]
fn one_level_more_is_not_made_and_says_where_and_what_to_do() {
    for (way, wrap, each) in WAYS {
        let nest = Nest { wrap, levels: INSTANCE_DEPTH_MAX / each + 1, clicks: 0 };
        let panic = catch_unwind(AssertUnwindSafe(|| nest.render())).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("depth.rs"), "{way}: {text}");
        assert!(text.contains("at most 128"), "{way}: {text}");
    }
}

#[test]
fn thousands_of_levels_are_an_error_and_no_abort() {
    in_small_stack(|| {
        for (_, wrap, _) in WAYS {
            let nest = Nest { wrap, levels: 100_000, clicks: 0 };
            assert!(catch_unwind(AssertUnwindSafe(|| nest.render())).is_err());
        }
    });
}

#[test]
fn a_row_that_a_stream_gains_counts_with_what_is_around_it() {
    let mut rows = Stream::<u32>::new();
    let deep =
        |levels: usize| (0..levels).fold::<Html<()>, _>(html! { "in" }, |html, _| html! { div { (html) } });
    let around = |rows: &Stream<u32>, row_levels: usize| {
        let list: Html<()> =
            html! { ul { @stream row in rows.over(|| [1]) { li key=(row) { (deep(row_levels)) } } } };
        (0..100).fold(list, |html, _| html! { div { (html) } })
    };
    assert!(!around(&rows, 20).to_html().is_empty());
    rows.append(2);
    assert!(catch_unwind(AssertUnwindSafe(|| around(&rows, 40))).is_err());
}
