//! Two sockets, and a network that sends them what it is told to.

use vmctx::{
    Errno, MaySleep, Mixed, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, UnlockedCtx, UserAddr,
};

use super::host::{Host, Opened, Side, page_of};
use vmctx_drivers::tcp_zerocopy::{Fragment, Socket, TcpZerocopy, Window};

/// How many sockets there are.
pub const SOCKETS: usize = 2;
/// From which page offset on the second socket is mapped; before it, the first.
pub const SECOND: PageOffset = PageOffset::new(64);

/// Data arrives at the first socket: [`data`] says which.
pub const SEND: u32 = 1;
/// Receives from the first socket to where [`place`] says. The answer is for [`received`].
pub const RECEIVE: u32 = 2;
/// Receives from the second socket.
pub const RECEIVE_SECOND: u32 = 3;
/// Copies as many bytes from the first socket as the argument says, eight at most: the first is the lowest.
pub const COPY: u32 = 4;
/// Asks for the number of bytes in the first socket's queue.
pub const WAITING: u32 = 5;
/// Data arrives at the second socket.
pub const SEND_SECOND: u32 = 6;

/// The argument that sends `len` bytes from `offset` of this page of the pattern on, in a page of their own. The two are
/// below 2^20.
#[must_use]
pub const fn data(page: u16, offset: usize, len: usize) -> u64 {
    (page as u64) << 40 | (offset as u64) << 20 | len as u64
}

/// The argument that receives so many pages at an address, which is below 2^48 as all of a user's are.
#[must_use]
pub const fn place(address: UserAddr, pages: u16) -> u64 {
    (pages as u64) << 48 | address.get() as u64
}

/// How many bytes were mapped, and how many must be copied next.
#[must_use]
pub const fn received(answer: u64) -> (u64, u64) {
    (answer >> 32, answer & 0xffff_ffff)
}

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let socket = || {
        let socket = Socket::new(host.may_sleep())?;
        H::Platform::share(socket, host.may_sleep())
    };
    let sockets = [socket()?, socket()?];
    let files = sockets.clone().map(TcpZerocopy::new);
    Ok(Opened::prepared(Pair(files), Network::<H::Platform> { memory: host.memory().clone(), sockets }))
}

/// Both sockets in one file, by the offset.
struct Pair<P: Platform>([TcpZerocopy<P>; SOCKETS]);

impl<P: Platform> Pair<P> {
    fn at(&self, pgoff: PageOffset) -> &TcpZerocopy<P> {
        let [first, second] = &self.0;
        if pgoff < SECOND { first } else { second }
    }
}

impl<P: Platform> PrepareFile for Pair<P> {
    type Platform = P;
    type Ops = Window<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        self.at(ctx.pgoff()).mmap_prepare(ctx)
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Window<P>>, Errno> {
        self.at(shown.start).mapped(shown, may_sleep)
    }
}

struct Network<P: Platform> {
    memory: P::Memory,
    sockets: [P::Ref<Socket<P>>; SOCKETS],
}

impl<P: Platform> Side<P> for Network<P> {
    fn read(&self, _: usize, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn write(&self, _: usize, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let [first, second] = &self.sockets;
        match request {
            SEND => self.send(ctx, first, argument),
            SEND_SECOND => self.send(ctx, second, argument),
            RECEIVE => receive(ctx, first, argument),
            RECEIVE_SECOND => receive(ctx, second, argument),
            COPY => {
                let mut bytes = [0; 8];
                let wanted =
                    usize::try_from(argument).ok().and_then(|len| bytes.get_mut(..len)).ok_or(Errno::EINVAL)?;
                first.copy(wanted, ctx.may_sleep())?;
                Ok(u64::from_le_bytes(bytes))
            }
            WAITING => Ok(first.waiting(ctx.may_sleep()) as u64),
            _ => Err(Errno::ENOTTY),
        }
    }
}

impl<P: Platform> Network<P> {
    fn send(&self, ctx: &mut UnlockedCtx<'_, P>, to: &Socket<P>, what: u64) -> Result<u64, Errno> {
        let part = |shift: u32, bits: u32| usize::try_from(what >> shift & ((1 << bits) - 1)).unwrap_or(usize::MAX);
        let (page, offset, len) = (part(40, 16), part(20, 20), part(0, 20));
        let content = page_of::<P>(&self.memory, page, ctx.may_sleep())?;
        to.arrive(Fragment::new(content, offset, len)?, ctx.may_sleep())?;
        Ok(0)
    }
}

fn receive<P: Platform>(ctx: &mut UnlockedCtx<'_, P>, socket: &Socket<P>, place: u64) -> Result<u64, Errno> {
    let length = (place >> 48) as usize * P::PAGE_SIZE;
    let address = usize::try_from(place & !(0xffff << 48)).map_err(|_| Errno::EFAULT)?;
    let received = socket.receive(ctx, UserAddr::new(address), length)?;
    Ok((received.mapped as u64) << 32 | received.to_copy as u64)
}
