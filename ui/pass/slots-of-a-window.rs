//! G22: one slot of a window is taken back and changed, and the others stay with their users.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, OnePage, PageCount, PageRef as _, Platform,
    Revocable, SharedObject, Table, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

struct Window<P: Platform>(Revocable<P, Table<Option<OnePage<P>>>>);

impl<P: Platform> Window<P> {
    fn show(&self, slot: usize, page: &P::Page, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        self.0.revoke_piece(slot, may_sleep, |slot| {
            *slot = Some(OnePage(page.clone()));
            Ok(())
        })
    }
}

impl<P: Platform> VmOperations for Window<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|window: &Self| Some(window.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert(ctx)
    }
}

struct File<P: Platform>(P::Ref<Window<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.0.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let may_sleep = machine.may_sleep();
    let pages: Vec<_> = (0..3).map(|_| machine.alloc_page().unwrap()).collect();
    for (page, byte) in pages.iter().zip(1..) {
        page.write(0, &[byte]).unwrap();
    }
    let object = SharedObject::new(may_sleep).unwrap();
    // As many slots as an address space has pages: what nobody has changed takes no memory.
    let slots = PageCount::new(1 << 35);
    let window = Revocable::in_pieces(&object, slots, PageCount::new(1), may_sleep).unwrap();
    let window = Sim::share(Window::<Sim>(window), may_sleep).unwrap();
    window.show(0, &pages[0], may_sleep).unwrap();
    window.show(1, &pages[1], may_sleep).unwrap();
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&machine.open(File(window.clone())), Map::shared(3 * 4096)).unwrap();
    let second = UserAddr::new(at.get() + 4096);
    assert_eq!((user.read_u8(at), user.read_u8(second)), (Ok(1), Ok(2)));

    window.show(1, &pages[2], may_sleep).unwrap();
    assert_eq!(process.mapped_pages(at, 2 * 4096), PageCount::new(1), "the other slot stays");
    assert_eq!((user.read_u8(at), user.read_u8(second)), (Ok(1), Ok(3)));
    assert!(user.read_u8(UserAddr::new(at.get() + 2 * 4096)).is_err(), "a slot that shows nothing");

    // A part that the window does not have, and a slot that was not taken back.
    assert_eq!(window.0.revoke_part(0..slots.get() + 1, may_sleep).err(), Some(Errno::EINVAL));
    let mut part = window.0.revoke_part(0..1, may_sleep).unwrap();
    assert_eq!(part.get_mut(1).err(), Some(Errno::EINVAL));
    // What is left out is as if nobody had changed it.
    part.retain(|_, _| false);
    drop(part);
    assert!(user.read_u8(at).is_err());
    assert_eq!((pages[0].references(), pages[2].references()), (1, 3));
}
