//! G19: ALSA's status page (`snd_pcm_mmap_status`). Whoever asks to write as well is mapped, and never writes; who does
//! not ask to read is refused.
#![forbid(unsafe_code)]
use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, PageRef, Platform};
use vmctx_sim::{Machine, Map, Prot, Signal, Sim};

struct Status<P: Platform>(P::Page);

impl<P: Platform> MmapFile for Status<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if !ctx.is_readable() {
            return Err(Errno::EINVAL);
        }
        ctx.drop_write().dont_dump().without_faults::<Mixed>()?.insert_page(&self.0)?.finish()
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    page.write(0, b"running").unwrap();
    let file = machine.open(Status::<Sim>(page));
    let process = machine.process();

    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(b'r'));
    assert_eq!(process.thread().write_u8(at, b'x').unwrap_err().signal(), Some(Signal::Sigsegv(at)));
    let refused = process.mprotect(at, 4096, Prot::READ_WRITE).unwrap_err();
    assert_eq!(refused.errno(), Some(Errno::EACCES));

    let unread = process.mmap(&file, Map::shared(4096).prot(Prot::WRITE)).unwrap_err();
    assert_eq!(unread.errno(), Some(Errno::EINVAL));
}
