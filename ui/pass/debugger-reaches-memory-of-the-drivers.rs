//! G19: what a debugger's access copies is counted: of a page, of device memory, or of bytes, whichever way they go.
#![forbid(unsafe_code)]
use std::sync::Mutex;

use vmctx::{
    AccessCtx, Accessed, Direction, Errno, Hooks, MaySleep, PageOffset, PageRef as _, PfnMap, Platform, UserAddr,
    VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

/// A page, a register block, and a mailbox of eight bytes, one behind the other. None of them is mapped yet.
struct Card<P: Platform> {
    page: P::Page,
    registers: P::Iomem,
    mailbox: Mutex<[u8; 8]>,
}

impl<P: Platform> Card<P> {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
        match ctx.pgoff().index() {
            0 => ctx.copy_page(&self.page),
            1 => ctx.copy_iomem(&self.registers, PageOffset::ZERO),
            2 => {
                let mut mailbox = self.mailbox.lock().map_err(|_| Errno::EIO)?;
                let bytes = mailbox.get_mut(ctx.offset_in_page()..).ok_or(Errno::EIO)?;
                match ctx.direction() {
                    Direction::Read(into) => Ok(into.copy_from_slice(bytes)),
                    Direction::Write(from) => Ok(from.copy_to_slice(bytes)),
                }
            }
            _ => Err(Errno::ENXIO),
        }
    }
}

impl<P: Platform> VmOperations for Card<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

struct File<P: Platform>(P::Ref<Card<P>>);

impl<P: Platform> vmctx::MmapFile for File<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: vmctx::MmapCtx<'m, P>) -> Result<vmctx::Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

fn card(machine: &Machine, may_sleep: MaySleep<'_>) -> <Sim as Platform>::Ref<Card<Sim>> {
    let card = Card::<Sim> {
        page: machine.alloc_page().unwrap(),
        registers: machine.device_memory(vmctx::PageCount::new(1)).unwrap(),
        mailbox: Mutex::new([0; 8]),
    };
    Sim::share(card, may_sleep).unwrap()
}

fn main() {
    let machine = Machine::new();
    let card = card(&machine, machine.may_sleep());
    let (file, process) = (machine.open(File::<Sim>(card.clone())), machine.process());
    let at = process.mmap(&file, Map::shared(4 * 4096)).unwrap();
    let byte = |page: usize, byte: usize| UserAddr::new(at.get() + page * 4096 + byte);

    // Over the border of two pages, which are asked for one by one.
    process.poke(byte(0, 4095), &[1, 2]).unwrap();
    let mut bytes = [0; 2];
    process.peek(byte(0, 4095), &mut bytes).unwrap();
    assert_eq!(bytes, [1, 2]);
    let mut last = [0];
    card.page.read(4095, &mut last).unwrap();
    assert_eq!(last, [1]);

    // The mailbox ends after eight bytes.
    process.poke(byte(2, 6), &[3, 4]).unwrap();
    assert!(process.poke(byte(2, 7), &[5, 6]).is_err());
    assert_eq!(*card.mailbox.lock().unwrap(), [0, 0, 0, 0, 0, 0, 3, 5]);
    assert!(process.peek(byte(3, 0), &mut [0]).is_err());
}
