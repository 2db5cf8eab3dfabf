//! The request that is being answered, as mounts need to know it, and what its response says once a view stands in it.
//!
//! [`Server`](crate::Server) and [`Runtime::layer`](crate::Runtime::layer) answer each request within a
//! [`Visit`]: a component that is mounted meanwhile finds there whose it is, and has the response say what a
//! page with live parts has to say. So neither can be forgotten by the handler that makes the page.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};

use crate::config::Config;
use crate::http::host::Hosts;

tokio::task_local! {
    static VISIT: Arc<Visit>;
}

/// A request, and what was mounted for it.
#[derive(Debug)]
pub(crate) struct Visit {
    head: Parts,
    /// What the response has to say, when a view stands in it.
    says: Mutex<Option<PageHeaders>>,
}

impl Visit {
    /// Answers a request by `service`, which is ready, within a visit.
    pub(crate) fn answer<S: Service<Request, Response = Response>>(
        service: &mut S,
        request: Request,
    ) -> impl Future<Output = Result<Response, S::Error>> + use<S> {
        let (head, body) = request.into_parts();
        let visit = Arc::new(Self { head: head.clone(), says: Mutex::default() });
        let request = Request::from_parts(head, body);
        let answered = VISIT.sync_scope(Arc::clone(&visit), || service.call(request));
        let answered = VISIT.scope(Arc::clone(&visit), answered);
        async move { Ok(visit.finish(answered.await?)) }
    }

    fn finish(&self, mut response: Response) -> Response {
        if let Some(says) = self.says.lock().unwrap_or_else(PoisonError::into_inner).take() {
            says.say(response.headers_mut());
            // Whoever is around this visit says it once more, behind the layers that are between.
            let _ = VISIT
                .try_with(|outer| *outer.says.lock().unwrap_or_else(PoisonError::into_inner) = Some(says));
        }
        response
    }

    /// The head of the request that this task answers.
    pub(crate) fn head() -> Option<Parts> {
        VISIT.try_with(|visit| visit.head.clone()).ok()
    }

    /// A view stands in the response. False where nobody sees to what that has to say.
    pub(crate) fn note(config: &Config) -> bool {
        let note = |visit: &Arc<Self>| {
            let mut says = visit.says.lock().unwrap_or_else(PoisonError::into_inner);
            *says = Some(PageHeaders::of(config));
        };
        VISIT.try_with(note).is_ok()
    }
}

/// What a response with a view in it says to caches and browsers.
#[derive(Debug, Clone)]
pub(crate) struct PageHeaders {
    policy: Option<HeaderValue>,
    ancestors: HeaderValue,
    /// For browsers that don't know `frame-ancestors`; it knows no list.
    is_framed_by_own: bool,
}

impl PageHeaders {
    pub(crate) fn of(config: &Config) -> Self {
        let ancestors = config
            .framers
            .iter()
            .fold("frame-ancestors 'self'".to_owned(), |list, framer| list + " " + framer);
        let value = |text: String| HeaderValue::try_from(text).expect("`Config` takes nothing else");
        let policy = config.content_security_policy.as_ref();
        Self {
            policy: policy.map(|policy| value(format!("{policy}; {ancestors}"))),
            ancestors: value(ancestors),
            is_framed_by_own: config.framers.is_empty(),
        }
    }

    /// Says it, beside what the application says: that may be stricter and not laxer.
    pub(crate) fn say(&self, headers: &mut HeaderMap) {
        // It may go into the browser's back/forward cache, where it finds its session again, which `no-store`
        // would forbid.
        let is_private = |value: &HeaderValue| {
            value.to_str().is_ok_and(|text| {
                let mut directives = text.split(',').map(|one| one.trim().to_ascii_lowercase());
                directives.any(|one| one == "private" || one == "no-store")
            })
        };
        let said = headers.get(header::CACHE_CONTROL);
        if !said.is_some_and(is_private) {
            if let Some(said) = said {
                tracing::warn!(
                    cache_control = ?said,
                    "a page with a live component is one visitor's: it is sent with `private, no-cache` instead"
                );
            }
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        }
        let policies = headers.get_all(header::CONTENT_SECURITY_POLICY);
        let frames = |value: &HeaderValue| {
            let bytes = value.as_bytes().to_ascii_lowercase();
            bytes.windows(15).any(|part| part == b"frame-ancestors")
        };
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            let policy = self.policy.as_ref().unwrap_or(&self.ancestors);
            headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        } else if !policies.iter().any(frames) {
            // A second policy counts beside the first.
            headers.append(header::CONTENT_SECURITY_POLICY, self.ancestors.clone());
        }
        if self.is_framed_by_own && !headers.contains_key(header::X_FRAME_OPTIONS) {
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
        }
        if !headers.contains_key(header::X_CONTENT_TYPE_OPTIONS) {
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
    }
}

/// Sees to requests whose handlers mount components; see [`Runtime::layer`](crate::Runtime::layer).
#[derive(Clone)]
pub struct VisitLayer {
    pub(crate) hosts: Hosts,
}

impl<S> Layer<S> for VisitLayer {
    type Service = VisitService<S>;

    fn layer(&self, inner: S) -> VisitService<S> {
        VisitService { hosts: self.hosts.clone(), inner }
    }
}

impl fmt::Debug for VisitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisitLayer").finish_non_exhaustive()
    }
}

/// What [`VisitLayer`] makes of a service.
#[derive(Clone)]
pub struct VisitService<S> {
    hosts: Hosts,
    inner: S,
}

impl<S> fmt::Debug for VisitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisitService").finish_non_exhaustive()
    }
}

impl<S> Service<Request> for VisitService<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if let Err(refused) = self.hosts.check(request.headers(), request.uri()) {
            tracing::warn!(path = request.uri().path(), reason = %refused, "request refused");
            return Box::pin(async { Ok(refused.into_response()) });
        }
        // The service that is ready, and not its clone, answers.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(Visit::answer(&mut inner, request))
    }
}

/// Warns of components that are mounted for a response to which nobody here adds the headers of a page.
#[derive(Debug, Default)]
pub(crate) struct UnseenResponses {
    is_told: AtomicBool,
}

impl UnseenResponses {
    /// Writes the warning the first time that it is called.
    pub(crate) fn warn_once(&self) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a component was mounted for a response that nobody here sees: a shared cache may keep it, and pages elsewhere may \
                 frame it. Serve the application by `lightspeed::serve`, or add `Runtime::layer` to it"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    /// The values of a header after a page has said its own.
    #[track_caller]
    fn check(config: &Config, said: &[(HeaderName, &'static str)], name: &HeaderName, expected: &[&str]) {
        let mut headers: HeaderMap = HeaderMap::new();
        for (name, value) in said {
            headers.append(name, HeaderValue::from_static(value));
        }
        PageHeaders::of(config).say(&mut headers);
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| value.to_str().expect("text")).collect();
        assert_eq!(values, expected, "{said:?}");
    }

    const DEFAULT: &str =
        "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'self'; frame-ancestors 'self'";

    #[test]
    fn no_shared_cache_keeps_a_page() {
        let config = Config::default();
        let cached = header::CACHE_CONTROL;
        check(&config, &[], &cached, &["private, no-cache"]);
        for kept in ["no-store", "private", "Private, max-age=60", "max-age=0, no-store"] {
            check(&config, &[(cached.clone(), kept)], &cached, &[kept]);
        }
        for replaced in ["public, max-age=60", "max-age=60", "no-cache", "no-storey", ""] {
            check(&config, &[(cached.clone(), replaced)], &cached, &["private, no-cache"]);
        }
    }

    #[test]
    fn a_page_says_who_may_frame_it_whatever_else_it_says() {
        let config = Config::default();
        let policy = header::CONTENT_SECURITY_POLICY;
        check(&config, &[], &policy, &[DEFAULT]);
        check(
            &config,
            &[(policy.clone(), "default-src *")],
            &policy,
            &["default-src *", "frame-ancestors 'self'"],
        );
        let own = "default-src *; Frame-Ancestors https://a.example";
        check(&config, &[(policy.clone(), own)], &policy, &[own]);
        check(&config, &[], &header::X_FRAME_OPTIONS, &["SAMEORIGIN"]);
        check(&config, &[(header::X_FRAME_OPTIONS, "DENY")], &header::X_FRAME_OPTIONS, &["DENY"]);
        let framed = Config::default().with_framers(["https://a.example", "https://*.b.example"]);
        check(&framed, &[], &header::X_FRAME_OPTIONS, &[]);
        let listed = "frame-ancestors 'self' https://a.example https://*.b.example";
        check(&framed.clone().without_content_security_policy(), &[], &policy, &[listed]);
        let own = framed.with_content_security_policy("default-src 'self'");
        check(&own, &[], &policy, &[&format!("default-src 'self'; {listed}")]);
    }
}
