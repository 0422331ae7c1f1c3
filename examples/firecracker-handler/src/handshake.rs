//! What Firecracker sends when it restores a snapshot: its regions as JSON, and its userfaultfd beside them.

use std::{
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde::Deserialize;
use vmctx::UserAddr;
use vmctx_uffd::{Region, Regions};

/// How long all of it may take. The other end may crash before it has sent anything, or send a byte now and then.
const PATIENCE: Duration = Duration::from_secs(10);
/// No description of regions is longer.
const MOST_BYTES: usize = 1 << 16;

/// `GuestRegionUffdMapping` of Firecracker.
#[derive(Deserialize)]
struct GuestRegion {
    base_host_virt_addr: usize,
    size: usize,
    offset: u64,
    page_size: Option<usize>,
    /// The same in older versions, in bytes, too.
    page_size_kib: Option<usize>,
}

impl GuestRegion {
    fn region(&self) -> Region {
        Region {
            base: UserAddr::new(self.base_host_virt_addr),
            bytes: self.size,
            offset: self.offset,
            page_size: self.page_size.or(self.page_size_kib).unwrap_or(4096),
        }
    }
}

/// What was sent.
pub struct Handshake {
    pub regions: Regions,
    pub uffd: OwnedFd,
}

impl Handshake {
    /// Waits for it, and checks it.
    pub fn receive(stream: &UnixStream) -> Result<Self, Box<dyn std::error::Error>> {
        let deadline = Instant::now() + PATIENCE;
        let (mut text, mut uffd) = (Vec::new(), None);
        let regions: Vec<GuestRegion> = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("the other end takes too long to say which its regions are".into());
            }
            stream.set_read_timeout(Some(left))?;
            if receive_some(stream, &mut text, &mut uffd)? == 0 {
                return Err("the other end has hung up before its regions were complete".into());
            }
            match serde_json::from_slice(&text) {
                Ok(regions) => break regions,
                Err(error) if error.is_eof() && text.len() < MOST_BYTES => {}
                Err(error) => return Err(error.into()),
            }
        };
        stream.set_read_timeout(None)?;
        let regions: Vec<Region> = regions.iter().map(GuestRegion::region).collect();
        Ok(Self { regions: Regions::new(&regions)?, uffd: uffd.ok_or("no userfaultfd came with the regions")? })
    }
}

/// Takes what there is. How many bytes that was.
fn receive_some(stream: &UnixStream, text: &mut Vec<u8>, uffd: &mut Option<OwnedFd>) -> io::Result<usize> {
    let mut bytes = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(stream, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            *uffd = descriptors.last().or(uffd.take());
        }
    }
    text.extend(bytes.iter().take(received));
    Ok(received)
}
