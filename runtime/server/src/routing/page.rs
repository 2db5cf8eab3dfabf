//! Pages that are one live component: the router, the shell around it, the page that tells of an error.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use maud::{DOCTYPE, Markup, html};

use crate::component::live::{Live, MountError};
use crate::config::Config;
use crate::http::host::{self, Hosts};
use crate::http::visit::{PageHeaders, Visit};
use crate::operations::crew::{Label, Lane, note};
use crate::operations::telemetry::one_line;
use crate::runtime::Runtime;
use crate::session::mount::{Mounted, Origin};
use crate::session::restore::params_of_route;

/// A router of pages that are one live component each; merge it into an [`axum::Router`].
///
/// An application needs one of them: it brings the routes of the socket and of the client
/// along. For live components within pages of one's own see [`Runtime`].
pub fn router() -> LiveRouter {
    LiveRouter {
        runtime: Source::Config(Box::default()),
        layout: Arc::new(default_layout),
        pages: Vec::new(),
    }
}

/// Pages that are one live component each. See [`router`].
pub struct LiveRouter {
    runtime: Source,
    layout: Arc<Layout>,
    pages: Vec<(String, MakePage)>,
}

enum Source {
    Config(Box<Config>),
    Runtime(Runtime),
}

type Layout = dyn Fn(&Page) -> Markup + Send + Sync;
type MakePage = Box<dyn FnOnce(Runtime, Arc<Layout>) -> MethodRouter + Send>;

/// What a layout makes a page of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    /// What [`Live::title`] said.
    pub title: String,
    /// What belongs into `head`: the client's script and style.
    pub head: Markup,
    /// What belongs into `body`, once: the component.
    pub view: Markup,
}

impl LiveRouter {
    /// Serves a component at `path`, in axum's syntax.
    pub fn live<C: Live>(mut self, path: &str) -> Self
    where
        C::Params: FromRequestParts<()>,
    {
        let route = path.to_owned();
        let make: MakePage = Box::new(move |runtime, layout| {
            runtime.restorers().add::<C>(&route, params_of_route::<C>(&route));
            axum::routing::get(async move |request: Request| {
                let crew = runtime.crew().clone();
                let config = Arc::clone(runtime.config());
                let page = async move { respond::<C>(&runtime, &layout, &route, request).await };
                let mut response = crew.run(Lane::Page, Label::of::<C>("parameters"), page).await;
                PageHeaders::of(&config).say(response.headers_mut());
                // And once more behind the application's layers, which may say something else.
                Visit::note(&config);
                response
            })
        });
        self.pages.push((path.to_owned(), make));
        self
    }

    /// Sets what stands around every component: `layout` makes the whole document.
    ///
    /// ```
    /// use maud::{DOCTYPE, html};
    ///
    /// let router = lightspeed::router().layout(|page| {
    ///     html! {
    ///         (DOCTYPE)
    ///         html lang="en" {
    ///             head {
    ///                 meta charset="utf-8";
    ///                 title { (page.title) " · My shop" }
    ///                 link rel="stylesheet" href="/style.css";
    ///                 (page.head)
    ///             }
    ///             body { (page.view) }
    ///         }
    ///     }
    /// });
    /// ```
    pub fn layout(mut self, layout: impl Fn(&Page) -> Markup + Send + Sync + 'static) -> Self {
        self.layout = Arc::new(layout);
        self
    }

    /// Sets the settings of the router's own runtime.
    pub fn config(mut self, config: Config) -> Self {
        self.runtime = Source::Config(Box::new(config));
        self
    }

    /// Uses `runtime` instead of one of the router's own.
    pub fn runtime(mut self, runtime: &Runtime) -> Self {
        self.runtime = Source::Runtime(runtime.clone());
        self
    }
}

impl<S: Clone + Send + Sync + 'static> From<LiveRouter> for axum::Router<S> {
    fn from(live: LiveRouter) -> Self {
        let runtime = match live.runtime {
            Source::Config(config) => Runtime::new(*config),
            Source::Runtime(runtime) => runtime,
        };
        let hosts = Hosts::of(runtime.config());
        let guard = axum::middleware::from_fn(move |request, next| host::guard(hosts.clone(), request, next));
        let router = live.pages.into_iter().fold(runtime.router(), |router: axum::Router, (path, make)| {
            router.route(&path, make(runtime.clone(), Arc::clone(&live.layout)).layer(guard.clone()))
        });
        router.with_state(())
    }
}

impl fmt::Debug for LiveRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.pages.iter().map(|(path, _)| path).collect();
        f.debug_struct("LiveRouter").field("pages", &paths).finish_non_exhaustive()
    }
}

async fn respond<C: Live>(runtime: &Runtime, layout: &Arc<Layout>, route: &str, request: Request) -> Response
where
    C::Params: FromRequestParts<()>,
{
    let is_head = request.method() == Method::HEAD;
    let (mut parts, _) = request.into_parts();
    runtime.note_server(&parts.extensions);
    let origin = Origin::of(runtime.config(), &parts, route);
    let params = match C::Params::from_request_parts(&mut parts, &()).await {
        Ok(params) => params,
        Err(rejection) => return rejection.into_response(),
    };
    let mount = match runtime.mounts().prepare::<C>(params, origin).await {
        Ok(mount) => mount,
        Err(error) => return error.into_response(),
    };
    if is_head {
        // Nobody will show this page, so it needs no session.
        return document(String::new());
    }
    match runtime.mounts().start(mount).await {
        Ok(mounted) => {
            note(type_name::<C>(), "layout", None);
            document(layout(&page(runtime, &mounted)).into_string())
        }
        Err(error) => error.into_response(),
    }
}

fn page(runtime: &Runtime, mounted: &Mounted) -> Page {
    let view = html! { (mounted) };
    let preloads = runtime.preloads(&view.0);
    Page { title: mounted.title().to_owned(), head: html! { (runtime.head()) (preloads) }, view }
}

fn document(html: String) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

fn default_layout(page: &Page) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title) }
                (page.head)
            }
            body {
                (page.view)
                (status())
            }
        }
    }
}

/// What the page says while its link isn't well; the client's style shows the line that fits. It is there from the
/// beginning, so that it is read out.
fn status() -> Markup {
    html! {
        div.lightspeed-status role="status" {
            p.lightspeed-when-connecting { "Connecting…" }
            p.lightspeed-when-disconnected { "The connection is lost. This page goes on by itself when it is back." }
            p.lightspeed-when-blocked { "This page can't reach its server. It tries again now and then." }
            p.lightspeed-when-failed { "This page has ended. " a href="" { "Load it again" } " to go on." }
            p data-lightspeed-message {}
        }
    }
}

impl IntoResponse for MountError {
    /// A page that says what is wrong. What caused it goes to the log.
    fn into_response(self) -> Response {
        let status = self.status();
        // An error may hold what somebody has sent, or a line of its own.
        let error = one_line(&self);
        if status.is_server_error() {
            tracing::error!(%error, "a page could not be made");
        } else {
            tracing::debug!(%error, "a page could not be made");
        }
        let title = status.canonical_reason().unwrap_or("Error");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) }
                }
                body {
                    h1 { (title) }
                    p { (self.message()) }
                }
            }
        };
        let headers =
            [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        let mut response = (status, headers, page.into_string()).into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
        }
        response
    }
}
