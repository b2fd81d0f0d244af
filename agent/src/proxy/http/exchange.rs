//! One request: from the client to a service, perhaps more than once, and its answer back.

use super::Visit;
use super::answer::Answer;
use super::head;
use super::link::{Failed, Link};
use super::offer::{Coming, Offer, Torn, WHOLE_MAX, Whole};
use super::pools::Seat;
use super::pulse::Busy;
use super::repeat::{Lost, may_repeat};
use super::tunnel::Tunnel;
use crate::proxy::accept::{Arrival, Shared};
use crate::proxy::course::Course;
use crate::proxy::lot::Slot;
use crate::proxy::reach::{pause, reach};
use crate::proxy::route::Way;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use tokio::time::Instant;

/// Carries one request out.
pub(super) async fn exchange(visit: Arc<Visit>, request: Request<Incoming>) -> Response<Answer> {
    let busy = Busy::new(&visit.pulse);
    let deadline = Instant::now() + visit.shared.limits.hold;
    if request.method() == Method::CONNECT {
        return Answer::not_here();
    }
    if !head::names_its_host(&request) {
        return Answer::no_host();
    }
    let asked = request.uri().clone();
    let elsewhere = |way: &Way| visit.shared.redirect.as_ref()?.elsewhere(way, &asked);
    let mut slot = visit.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut course = visit.course.clone();
    if let Some(location) = course.coming().as_ref().and_then(elsewhere) {
        return Answer::elsewhere(location);
    }
    let Some(mut errand) = Errand::new(&visit, request).await else { return Answer::bad() };
    loop {
        let Some((mut link, seat)) = connect(&visit, slot.take(), &mut course, deadline, &mut errand).await else {
            visit.shared.counters.refused();
            return if errand.sends == 0 { Answer::nobody() } else { Answer::lost() };
        };
        // Who had to wait for a leader may belong elsewhere after all.
        if let Some(location) = elsewhere(seat.way()) {
            return Answer::elsewhere(location);
        }
        let lost = match errand.send(&mut link, &seat, &mut course).await {
            Ok(response) => return errand.deliver(response, link, seat, visit, busy).await,
            Err(lost) => lost,
        };
        drop(link);
        if errand.torn.is_torn() {
            return Answer::bad();
        }
        if !may_repeat(lost, &errand.method, errand.repeatable, errand.sends) {
            visit.shared.counters.refused();
            return Answer::lost();
        }
        errand.held = true;
        // It may be about to be known that nobody is there any more; and a service is not stormed.
        let way = seat.way().clone();
        drop(seat);
        pause(&way, deadline, &mut course).await;
    }
}

/// A request and what is known of it.
struct Errand {
    method: Method,
    /// None while it is out and cannot be copied.
    request: Option<Request<Offer>>,
    /// Whether it stays here while a copy is sent.
    repeatable: bool,
    /// How often it was sent, all or in part.
    sends: u32,
    /// When it came.
    since: Instant,
    /// Whether it had to wait for a leader, or to be sent again.
    held: bool,
    grpc: bool,
    torn: Torn,
    /// What the client wants to go on with, and its side of that.
    upgrade: Option<(HeaderValue, OnUpgrade)>,
}

impl Errand {
    /// None if the client breaks its word.
    async fn new(visit: &Visit, mut request: Request<Incoming>) -> Option<Self> {
        let on_upgrade = hyper::upgrade::on(&mut request);
        let since = Instant::now();
        let (mut head, body) = request.into_parts();
        let upgrade = head::upgrade(&head);
        let grpc = head::is_grpc(&head);
        let body = offer(visit, &head, body).await?;
        head::strip(&mut head.headers);
        if !grpc {
            head::to_http1(&mut head);
        }
        head.headers.append(header::FORWARDED, visit.forwarded.clone());
        if let Some(to) = &upgrade {
            head::switch(&mut head.headers, to.clone());
        }
        let repeatable = head.method.is_idempotent() && body.copy().is_some();
        let (method, torn) = (head.method.clone(), body.torn());
        let request = Some(Request::from_parts(head, body));
        let upgrade = upgrade.map(|to| (to, on_upgrade));
        Some(Self { method, request, repeatable, sends: 0, since, held: false, grpc, torn, upgrade })
    }

    /// The request as it is to be sent this time.
    fn take(&mut self) -> Option<Request<Offer>> {
        if !self.repeatable {
            return self.request.take();
        }
        let kept = self.request.as_ref()?;
        let mut copy = Request::new(kept.body().copy()?);
        *copy.method_mut() = kept.method().clone();
        *copy.uri_mut() = kept.uri().clone();
        *copy.version_mut() = kept.version();
        *copy.headers_mut() = kept.headers().clone();
        Some(copy)
    }

    /// Sends it, and waits for the head of the answer; an answer of an epoch that is over is none.
    async fn send(&mut self, link: &mut Link, seat: &Seat, course: &mut Course) -> Result<Response<Incoming>, Lost> {
        let mut request = self.take().ok_or(Lost::Sent)?;
        head::stamp(request.headers_mut(), &seat.upstream);
        let answered = tokio::select! {
            answered = link.send(request) => answered,
            () = course.outlives(seat.way()) => Err(Failed::Sent),
        };
        match answered {
            Ok(response) if !course.is_over(seat.way()) => Ok(response),
            Ok(_) | Err(Failed::Sent) => {
                self.sends += 1;
                Err(Lost::Sent)
            }
            Err(Failed::Unsent(request)) => {
                self.request = Some(*request);
                Err(Lost::Unsent)
            }
        }
    }

    /// Passes the answer on.
    async fn deliver(
        self,
        response: Response<Incoming>,
        link: Link,
        mut seat: Seat,
        visit: Arc<Visit>,
        busy: Busy,
    ) -> Response<Answer> {
        visit.shared.counters.forwarded();
        visit.shared.counters.tally.served(seat.way().epoch, self.held.then(|| self.since.elapsed()));
        let (mut head, body) = response.into_parts();
        let granted = (head.status == StatusCode::SWITCHING_PROTOCOLS).then_some(self.upgrade).flatten();
        head::strip(&mut head.headers);
        head::stamp(&mut head.headers, &seat.upstream);
        if let Some((to, client)) = granted {
            head::switch(&mut head.headers, to);
            let service = hyper::upgrade::on(Response::from_parts(head.clone(), body));
            let tunnel = Tunnel { client, service, link, way: seat.way().clone() };
            *visit.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
            return Response::from_parts(head, Answer::Ours(None));
        }
        if head::is_event_stream(&head.headers) {
            // It ends when the client likes: a planned end does not wait for that.
            seat.uncount();
        }
        let mut answer = Answer::relayed(body, link, seat, visit, busy);
        if let Answer::Relayed(relay) = &mut answer
            && relay.body.is_end_stream()
        {
            let finished = poll_fn(|cx| {
                relay.finish(cx);
                Poll::Ready(())
            });
            finished.await;
        }
        Response::from_parts(head, answer)
    }
}

/// What is to be sent of a body: all of it, where that may be needed again and there is room; otherwise as it comes.
async fn offer(visit: &Visit, head: &Parts, body: Incoming) -> Option<Offer> {
    if body.is_end_stream() {
        return Some(Offer::Empty);
    }
    let exact = body.size_hint().exact().filter(|length| head.method.is_idempotent() && *length <= WHOLE_MAX);
    let coming = Coming::new(body, &visit.pulse);
    let length = exact.and_then(|length| u32::try_from(length).ok());
    let room = length.and_then(|length| Arc::clone(&visit.shared.room).try_acquire_many_owned(length).ok());
    match (length, room) {
        (Some(length), Some(room)) => Whole::read(coming, length as usize, room).await.map(Offer::Whole),
        (_, None) | (None, _) => Some(Offer::Coming(coming)),
    }
}

/// A connection on which the request may be sent now; none if there was none in time, or too many wait.
async fn connect(
    visit: &Visit,
    mut slot: Option<Slot>,
    course: &mut Course,
    deadline: Instant,
    errand: &mut Errand,
) -> Option<(Link, Seat)> {
    let (shared, grpc) = (&visit.shared, errand.grpc);
    loop {
        if let Some(found) = waiting(shared, course, grpc).await {
            return Some(found);
        }
        let since = Instant::now();
        let place = match shared.arrival(course, slot.take()).await {
            Arrival::Direct => None,
            Arrival::Parked(place) => Some(place),
            Arrival::TooMany => return None,
        };
        let reached = reach(place, deadline, shared, course).await;
        shared.counters.waited(since.elapsed());
        let mut reached = reached?;
        errand.held |= reached.held;
        crate::proxy::carry::tune(&reached.server);
        // If it fails, so does the link.
        let _gone = shared.gate.introduce(&mut reached.server, visit.from.ends).await;
        let seat = shared.pools.enter(&reached.way, course);
        let link = if grpc { Link::shared(reached.server).await } else { Link::lone(reached.server).await };
        if let Some(link) = link
            && course.stands(seat.way())
        {
            seat.lend(&link);
            return Some((link, seat));
        }
        drop(seat);
        pause(&reached.way, deadline, course).await;
        if Instant::now() >= deadline {
            return None;
        }
    }
}

/// A connection that is there already, unless others wait for their turn.
async fn waiting(shared: &Shared, course: &mut Course, grpc: bool) -> Option<(Link, Seat)> {
    let way = course.coming().filter(|_| shared.lot.may_be_passed())?;
    let seat = shared.pools.enter(&way, course);
    let link = if grpc { seat.share() } else { seat.waiting().await };
    // Looked at last: who saw that this way does not stand saw this request counted.
    let link = link.filter(|_| course.stands(&way))?;
    course.pass_turn();
    Some((link, seat))
}
