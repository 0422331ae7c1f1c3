//! The first store to what is not there, where stores are told: one event, whichever way the driver brings it.

use vmctx::{Errno, FaultCtx, Hooks, Mixed, Normal, PageMkwriteCtx, VmFault, VmOperations};
use vmctx_uffd::{Map, Options, Page, Ref, Session, SessionError, Trap, Uffd};

use crate::{
    drivers::{PAGE, first_byte, page_at, pages},
    sessions::{load, open},
};

/// Pages that are inserted, whose first stores are allowed or refused.
struct Inserted {
    pages: Vec<Page>,
    refuses: bool,
}

impl Inserted {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        if self.refuses { ctx.fail(Errno::ENOSPC) } else { ctx.allow() }
    }
}

impl VmOperations for Inserted {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

/// Pages that are handed back.
struct Handed(Vec<Page>);

impl Handed {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Normal>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl VmOperations for Handed {
    type Platform = Uffd;
    type Kind = Normal;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Normal>) -> VmFault<'f> {
        match self.0.get(ctx.pgoff().index()) {
            Some(page) => ctx.deliver(page.clone()),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

const PAGES: usize = 16;

/// Pages of which every second lies where a mapping does not have it.
fn shown(session: &Session) -> Vec<Page> {
    let mut shown = pages(session, PAGES);
    for page in (0..PAGES).step_by(4) {
        shown.swap(page, page + 2);
    }
    shown
}

fn ways() -> [Options; 2] {
    [Options::default(), Options::default().in_thread()]
}

#[test]
fn a_store_to_what_is_not_there_is_one_event() {
    for options in ways() {
        let session = open(options, 64);
        let shown = shown(&session);
        let inserted = Ref::new(Inserted { pages: shown.clone(), refuses: false });
        let maps = [
            session.map(&inserted, Map::shared(PAGES * PAGE)).unwrap(),
            session.map(&Ref::new(Handed(shown.clone())), Map::shared(PAGES * PAGE)).unwrap(),
        ];
        for (round, at) in maps.into_iter().enumerate() {
            let before = session.statistics();
            for (page, shown) in shown.iter().enumerate() {
                let byte = u8::try_from(100 * round + page).unwrap();
                session.write(page_at(at, page), &[byte]).unwrap();
                assert_eq!(first_byte(shown), byte);
            }
            let count = |of: fn(&vmctx_uffd::Statistics) -> u64| of(&session.statistics()) - of(&before);
            let counts = (count(|of| of.events), count(|of| of.handler_calls), count(|of| of.mkwrite_calls));
            assert_eq!(counts, (PAGES as u64, PAGES as u64, PAGES as u64), "round {round}");
        }
        // A load is no store: the driver is told of the store that comes after it, in an event of its own.
        let at = session.map(&inserted, Map::shared(PAGES * PAGE)).unwrap();
        let before = session.statistics();
        load(&session, at).unwrap();
        assert_eq!(session.statistics().mkwrite_calls, before.mkwrite_calls);
        session.write(at, &[1]).unwrap();
        let after = session.statistics();
        assert_eq!((after.events - before.events, after.mkwrite_calls - before.mkwrite_calls), (2, 1));
        assert_eq!(session.take_errors(), []);
    }
}

#[test]
fn a_refused_store_to_what_is_not_there_leaves_nothing_there() {
    for options in ways() {
        let session = open(options, 64);
        let shown = shown(&session);
        let at = session
            .map(&Ref::new(Inserted { pages: shown.clone(), refuses: true }), Map::shared(PAGES * PAGE))
            .unwrap();
        for (page, shown) in shown.iter().enumerate() {
            let (address, byte) = (page_at(at, page), first_byte(shown));
            assert_eq!(session.write(address, &[0]), Err(Trap::Sigbus(address)));
            assert_eq!(shown.references(), 2, "the driver's, and this test's");
            assert_eq!((load(&session, address), first_byte(shown)), (Ok(byte), byte));
        }
        assert_eq!(session.take_errors(), []);
    }
}

/// A fault hook that does not unlock what it has locked.
struct Forgets(Page);

impl Forgets {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl VmOperations for Forgets {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        std::mem::forget(ctx.lock_page(&self.0));
        ctx.insert_page(&self.0)
    }
}

#[test]
fn a_page_that_a_fault_hook_leaves_locked_is_not_waited_for_by_the_next_hook() {
    for options in ways() {
        let session = open(options, 64);
        let page = pages(&session, 1).remove(0);
        let at = session.map(&Ref::new(Forgets(page.clone())), Map::shared(PAGE)).unwrap();
        assert_eq!((session.write(at, &[9]), first_byte(&page)), (Ok(()), 9));
        assert_eq!(session.take_errors(), [] as [SessionError; 0]);
    }
}
