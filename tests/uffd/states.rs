//! States that are mapped without a driver around them.

use vmctx::{
    Errno, FaultCtx, Hooks, Mixed, Normal, PageCount, PageOffset, PfnMap, SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_uffd::{Map, Page, Prot, Ref, Session, Trap, Uffd};

use crate::{
    drivers::{PAGE, first_byte, number, page_at, pages},
    sessions::{load, session},
};

/// Pages, and the object that they are of.
struct Shown {
    object: SharedObject<Uffd>,
    pages: Vec<Page>,
}

impl VmOperations for Shown {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|shown: &Self| Some(&shown.object));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

fn shown(session: &Session, object: SharedObject<Uffd>, count: usize) -> Ref<Shown> {
    Ref::new(Shown { object, pages: pages(session, count) })
}

fn object(session: &Session) -> SharedObject<Uffd> {
    SharedObject::new(session.memory().may_sleep()).unwrap()
}

#[test]
fn a_state_is_all_it_takes() {
    let session = session();
    let state = shown(&session, object(&session), 3);
    let at = session.map(&state, Map::shared(4 * PAGE)).unwrap();
    assert_eq!((load(&session, at), load(&session, page_at(at, 2))), (Ok(number(0)), Ok(number(2))));
    session.write(page_at(at, 1), &[99]).unwrap();
    assert_eq!(first_byte(&state.pages[1]), 99);
    let behind = page_at(at, 3);
    assert_eq!(load(&session, behind), Err(Trap::Sigbus(behind)));
    // Its clones are the same state, and it is dropped with the last.
    let pages = state.pages.clone();
    drop(state);
    assert_eq!(load(&session, at), Ok(number(0)));
    session.munmap(at, 4 * PAGE).unwrap();
    assert!(pages.iter().all(|page| page.references() == 1));
}

#[test]
fn what_is_taken_away_from_its_object_is_taken_from_all_mappings() {
    let session = session();
    let state = shown(&session, object(&session), 2);
    let file = session.file_of(&state);
    let all: Vec<UserAddr> = [
        session.map(&state, Map::shared(2 * PAGE)).unwrap(),
        session.mmap(&file, Map::shared(2 * PAGE)).unwrap(),
        session.mmap(&file, Map::shared(PAGE).pgoff(PageOffset::new(1))).unwrap(),
    ]
    .to_vec();
    assert_eq!(all.iter().map(|at| load(&session, *at).unwrap()).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!((state.pages[0].references(), state.pages[1].references()), (3, 2));
    state.object.unmap_once(PageOffset::ZERO, PageCount::new(2), session.memory().may_sleep());
    assert_eq!((state.pages[0].references(), state.pages[1].references()), (1, 1));
    assert_eq!(load(&session, all[2]), Ok(2));
}

#[test]
fn nobody_stores_later_who_did_not_ask_to() {
    let session = session();
    let state = shown(&session, object(&session), 1);
    let at = session.map(&state, Map::shared(PAGE).prot(Prot::READ)).unwrap();
    assert_eq!(session.write(at, &[9]), Err(Trap::Sigsegv(at)));
    assert_eq!(session.mprotect(at, PAGE, Prot::READ_WRITE), Err(Errno::EACCES.into()));
    // Copies are the user's own.
    let at = session.map(&state, Map::private(PAGE).prot(Prot::READ)).unwrap();
    session.mprotect(at, PAGE, Prot::READ_WRITE).unwrap();
    session.write(at, &[9]).unwrap();
    assert_eq!((load(&session, at), first_byte(&state.pages[0])), (Ok(9), number(0)));
}

#[test]
fn a_part_of_an_object_counts_from_where_it_begins() {
    let session = session();
    let part = object(&session).part(PageOffset::new(10), PageCount::new(2)).unwrap();
    let state = shown(&session, part, 2);
    let map = Map::shared(2 * PAGE).pgoff(PageOffset::new(10));
    let at = session.map(&state, map).unwrap();
    assert_eq!((load(&session, at), load(&session, page_at(at, 1))), (Ok(number(0)), Ok(number(1))));
    for outside in [Map::shared(PAGE), Map::shared(3 * PAGE).pgoff(PageOffset::new(10))] {
        assert_eq!(session.map(&state, outside), Err(Errno::EINVAL.into()));
    }
}

/// A page that is handed back.
struct Handed(Page);

impl VmOperations for Handed {
    type Platform = Uffd;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Normal>) -> VmFault<'f> {
        ctx.deliver(self.0.clone())
    }
}

/// Nothing.
struct Nothing;

impl VmOperations for Nothing {
    type Platform = Uffd;
    type Kind = PfnMap;
}

#[test]
fn a_state_of_every_kind_that_faults_fill_can_be_mapped() {
    let session = session();
    let at = session.map(&Ref::new(Handed(pages(&session, 1).remove(0))), Map::shared(PAGE)).unwrap();
    assert_eq!(load(&session, at), Ok(number(0)));
    let at = session.map(&Ref::new(Nothing), Map::shared(PAGE)).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
}
