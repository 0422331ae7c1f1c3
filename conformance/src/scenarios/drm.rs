use std::{format, vec};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::Run;
use crate::{
    checks::Checks,
    devices::drm::{DOMAINS, MOVE, OBJECTS, PAGES, WHERE, to},
    mapping::{Slot, device_pages},
    user::{Map, User},
};
use vmctx_drivers::drm::Domain;

/// How often each thread moves an object.
const MOVES: usize = 60;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    for (index, at) in OBJECTS.into_iter().enumerate() {
        let map = Map::shared(PAGES).at(at);
        for domain in DOMAINS {
            shows_it_where_it_is(&mut run, index, map, domain);
        }
        run.refused(Map { pages: PAGES + 1, ..map }, Errno::EINVAL);
        run.refused(map.at(PageOffset::new(at.index() + 1)), Errno::EINVAL);
        for private in [Map { shared: false, ..map }, Map { shared: false, ..map }.read_only()] {
            run.refused(private, Errno::EINVAL);
        }
        run.does_not_expand(map);
        moved(&mut run, index, Domain::System, Ok(()));
    }
    run.refused(Map::shared(1), Errno::EINVAL);
    comes_into_view(&mut run);
    shows_what_moved(&mut run);
    counts_while_they_move(&mut run);
}

fn number(domain: Domain) -> usize {
    DOMAINS.iter().position(|known| *known == domain).unwrap_or(usize::MAX)
}

fn moved<U: User>(run: &mut Run<'_, U>, object: usize, domain: Domain, wanted: Result<(), Errno>) {
    let what = format!("moving object {object} to {domain:?}");
    run.control(what, MOVE, to(object, number(domain)), wanted.map(|()| 0));
}

fn is_in<U: User>(run: &mut Run<'_, U>, object: usize, domain: Domain) {
    run.control(format!("where object {object} is"), WHERE, object as u64, Ok(number(domain) as u64));
}

/// A hidden object that all threads have touched is where it can be seen, but nobody can say where. Each thread takes a
/// place before it looks whether another one was faster: the second finds the aperture taken, takes video memory, and
/// may still be the first to move the object. One thread alone finds the aperture free.
fn is_in_view<U: User>(run: &mut Run<'_, U>, object: usize) {
    if run.threads <= 1 {
        return is_in(run, object, Domain::Aperture);
    }
    let place = run.user.control(WHERE, object as u64);
    let is_seen =
        [Domain::Aperture, Domain::Video, Domain::System].iter().any(|seen| place == Ok(number(*seen) as u64));
    let reason = format!("where object {object} is, touched by all threads: {place:?}, where nobody sees it");
    run.checks.verdict((!is_seen).then_some(reason));
}

fn shows_it_where_it_is<U: User>(run: &mut Run<'_, U>, object: usize, map: Map, domain: Domain) {
    moved(run, object, domain, Ok(()));
    is_in(run, object, domain);
    let (first, visible) = (object * PAGES, domain != Domain::HiddenVideo);
    let inner = Map::shared(2).at(PageOffset::new(map.pgoff.index() + 1));
    if visible {
        run.fault_around(map, first, PAGES);
        let cache = if domain == Domain::System { Cache::WriteBack } else { Cache::WriteCombine };
        run.cached(map, 1, cache);
    }
    for (map, first) in [(map, first), (map.read_only(), first), (inner, first + 1)] {
        if visible {
            run.one(map, &device_pages(first, map.pages), false);
            is_in(run, object, domain);
            continue;
        }
        moved(run, object, domain, Ok(()));
        run.mapped(map, |run, at| {
            run.shows_page(format!("{map}: one thread's touch"), at, Slot::Device(first));
            is_in(run, object, Domain::Aperture);
        });
        moved(run, object, domain, Ok(()));
        run.one(map, &device_pages(first, map.pages), false);
        is_in_view(run, object);
    }
    // Back in RAM, so that other objects find room.
    moved(run, object, Domain::System, Ok(()));
}

/// A touch brings an object to where it can be seen: behind the aperture, else into video memory, else into RAM,
/// whichever has room.
fn comes_into_view<U: User>(run: &mut Run<'_, U>) {
    let map = |object: usize| Map::shared(PAGES).at(OBJECTS.get(object).copied().unwrap_or_default());
    for (object, domain) in [(0, Domain::Aperture), (1, Domain::Video), (2, Domain::System)] {
        moved(run, object, Domain::HiddenVideo, Ok(()));
        run.mapped(map(object), |run, at| {
            run.shows(format!("object {object}, hidden"), at, &device_pages(object * PAGES, PAGES));
            is_in(run, object, domain);
        });
    }
    // Where there is no room nothing is moved, and every object can still be seen.
    for (object, domain) in [(1, Domain::Aperture), (2, Domain::Aperture), (0, Domain::Video), (2, Domain::Video)] {
        moved(run, object, domain, Err(Errno::ENOSPC));
        run.mapped(map(object), |run, at| {
            run.shows(format!("object {object}, not moved"), at, &device_pages(object * PAGES, PAGES));
        });
    }
    // All threads touch one that nobody sees: one of them moves it, all see it, and the places that the others took are
    // free again.
    moved(run, 0, Domain::HiddenVideo, Ok(()));
    run.mapped(map(0), |run, at| {
        run.together("a hidden object", |user, thread, checks| {
            let mut bytes = vec![0; PAGES * user.page_size()];
            checks.success(format!("thread {thread}'s touch"), user.read(at, &mut bytes));
        });
        run.shows("object 0, hidden from many", at, &device_pages(0, PAGES));
        is_in_view(run, 0);
    });
    for object in 0..OBJECTS.len() {
        moved(run, object, Domain::System, Ok(()));
    }
    for domain in DOMAINS {
        moved(run, 0, domain, Ok(()));
    }
    moved(run, 0, Domain::System, Ok(()));
}

/// All objects are mapped, in a child, too, and change places with one another.
fn shows_what_moved<U: User>(run: &mut Run<'_, U>) {
    let [first, second, third] = OBJECTS.map(|at| Map::shared(PAGES).at(at));
    run.mapped(first, |run, a| {
        run.mapped(second, |run, b| {
            run.mapped(third, |run, c| {
                let show = |run: &mut Run<'_, U>, what: &str| {
                    for (object, at) in [a, b, c].into_iter().enumerate() {
                        let shown = device_pages(object * PAGES, PAGES);
                        run.shows(format!("object {object}, {what}"), at, &shown);
                    }
                };
                show(run, "before");
                let child = run.user.fork().and_then(|child| run.checks.success("fork", child));
                for (object, domain) in [
                    (0, Domain::Aperture),
                    (1, Domain::Video),
                    (2, Domain::HiddenVideo),
                    (0, Domain::System),
                    (1, Domain::Aperture),
                    (0, Domain::Video),
                    (1, Domain::HiddenVideo),
                    (0, Domain::Aperture),
                ] {
                    let what = format!("object {object} to {domain:?}");
                    // There may be no room: an object that was touched while it was hidden came into view where this
                    // one should go.
                    let answer = run.user.control(MOVE, to(object, number(domain)));
                    run.checks.equal(&what, &matches!(answer, Ok(0) | Err(Errno::ENOSPC)), &true);
                    show(run, &what);
                    if let Some(child) = &child {
                        let mut run = Run { user: child, threads: run.threads, checks: &mut *run.checks };
                        show(&mut run, &format!("{what}, in a child"));
                    }
                }
            });
        });
    });
    for object in 0..OBJECTS.len() {
        moved(run, object, Domain::System, Ok(()));
    }
}

/// All threads count, each in a byte of its own in every page of every object, and move objects at the same time.
fn counts_while_they_move<U: User>(run: &mut Run<'_, U>) {
    let [first, second, third] = OBJECTS.map(|at| Map::shared(PAGES).at(at));
    run.mapped(first, |run, a| {
        run.mapped(second, |run, b| {
            run.mapped(third, |run, c| {
                run.together("objects that move", |user, thread, checks| count(user, thread, checks, [a, b, c]));
            });
        });
    });
    for object in 0..OBJECTS.len() {
        moved(run, object, Domain::System, Ok(()));
    }
}

fn count<U: User>(user: &U, thread: usize, checks: &mut Checks, objects: [UserAddr; OBJECTS.len()]) {
    let size = user.page_size();
    let mut counts = vec![None; OBJECTS.len() * PAGES];
    for turn in 0..MOVES {
        let moving = to(turn % OBJECTS.len(), (turn / OBJECTS.len() + thread) % DOMAINS.len());
        let answer = user.control(MOVE, moving);
        checks.equal("a move among many", &matches!(answer, Ok(0) | Err(Errno::ENOSPC)), &true);
        for page in [turn, turn + 5, turn + 10].map(|page| page % counts.len()) {
            let (Some(count), Some(at)) = (counts.get_mut(page), objects.get(page / PAGES)) else { continue };
            let address = UserAddr::new(at.get() + page % PAGES * size + thread);
            let mut byte = [0];
            let what = format!("thread {thread}'s byte of page {page}");
            if checks.success(&what, user.read(address, &mut byte)).is_none() {
                continue;
            }
            let [byte] = byte;
            checks.equal(&what, &byte, &count.unwrap_or(byte));
            let next = byte.wrapping_add(1);
            checks.success(what, user.write(address, &[next]));
            *count = Some(next);
        }
    }
}
