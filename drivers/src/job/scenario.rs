//! What each driver's users do, and what must come of it.
//!
//! A scenario knows the devices ([`demo`]) and the user's side ([`User`]), and nothing of the platform: it is
//! the same for a simulated machine, a kernel and a pager.

use std::{format, thread, vec, vec::Vec};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::{
    Checks, Device,
    mapping::{Expected, Slot, device_pages, exercise},
    user::{Gauge, Map, Refusal, Trap, User},
};
use crate::{
    demo::{self, VGEM_EAGER, VGEM_LAZY},
    vgem::FAULT_AROUND,
    xive,
};

/// Runs a device's scenario.
pub fn run<U: User>(device: Device, user: &U, threads: usize, checks: &mut Checks) {
    let run = Run { user, threads, checks };
    match device {
        Device::Kcov => run.kcov(),
        Device::Cfag12864b => run.cfag12864b(),
        Device::RockchipGem => run.rockchip_gem(),
        Device::Vgem => run.vgem(),
        Device::Dax => run.dax(),
        Device::Relay => run.relay(),
        Device::Xive => run.xive(),
        Device::DevMem => run.dev_mem(),
    }
}

/// One run of a scenario.
struct Run<'a, U> {
    user: &'a U,
    threads: usize,
    checks: &'a mut Checks,
}

/// The same place, mapped in all the ways there are.
fn all_ways(map: Map) -> [Map; 4] {
    let private = Map { shared: false, ..map };
    [map, private, map.read_only(), private.read_only()]
}

impl<U: User> Run<'_, U> {
    /// A mapping that mmap fills, in all the ways there are.
    fn eager(&mut self, map: Map, slots: &[Slot]) {
        for map in all_ways(map) {
            self.one(map, slots, true);
        }
    }

    /// A mapping that faults fill, in all the ways there are.
    fn lazy(&mut self, map: Map, slots: &[Slot]) {
        for map in all_ways(map) {
            self.one(map, slots, false);
        }
    }

    fn one(&mut self, map: Map, slots: &[Slot], filled_at_mmap: bool) {
        let expected = Expected { map, slots: slots.to_vec(), filled_at_mmap };
        exercise(self.user, self.threads, self.checks, &expected);
    }

    /// A mapping that must not come about.
    fn refused(&mut self, map: Map, errno: Errno) {
        self.checks.failure(format!("mmap of {map}"), self.user.map(map), &Refusal::Errno(errno));
    }

    /// How a page is cached, if anybody knows. Before that it is touched.
    fn cached(&mut self, map: Map, page: usize, wanted: Cache) {
        let Some(at) = self.checks.success(format!("mmap of {map}"), self.user.map(map)) else { return };
        let address = UserAddr::new(at.get().wrapping_add(page.wrapping_mul(self.user.page_size())));
        self.checks.success(format!("{map}: page {page}"), self.user.read(address, &mut [0]));
        if let Some(cache) = self.user.cache(address) {
            self.checks.equal(format!("{map}: cache attribute of page {page}"), &cache, &wanted);
        }
        self.checks.success(format!("{map}: munmap"), self.user.unmap(at, map.pages));
    }

    fn gauge(&mut self, what: &str, gauge: Gauge, wanted: usize) {
        if let Some(value) = self.user.gauge(gauge) {
            self.checks.equal(what, &value, &wanted);
        }
    }

    /// `mremap` cannot make a `VM_DONTEXPAND` mapping longer.
    fn does_not_expand(&mut self, map: Map) {
        let Some(at) = self.checks.success(format!("mmap of {map}"), self.user.map(map)) else { return };
        if let Some(expanded) = self.user.expand(at, map.pages, map.pages.saturating_add(1)) {
            let wanted = Refusal::Errno(Errno::EFAULT);
            self.checks.failure(format!("{map}: one page more by mremap"), expanded, &wanted);
        }
        self.checks.success(format!("{map}: munmap"), self.user.unmap(at, map.pages));
    }

    fn kcov(mut self) {
        let pages = demo::KCOV_PAGES;
        let whole = Map::shared(pages);
        self.eager(whole, &device_pages(0, pages));
        self.refused(Map::shared(pages - 1), Errno::EINVAL);
        self.refused(Map::shared(pages + 1), Errno::EINVAL);
        self.refused(whole.at(PageOffset::new(1)), Errno::EINVAL);
        self.does_not_expand(whole);
    }

    fn cfag12864b(mut self) {
        self.eager(Map::shared(1), &device_pages(0, 1));
        // Whatever the offset.
        self.eager(Map::shared(1).at(PageOffset::new(7)), &device_pages(0, 1));
        self.refused(Map::shared(2), Errno::ENXIO);
    }

    fn rockchip_gem(mut self) {
        let pages = demo::ROCKCHIP_PAGES;
        let whole = Map::shared(pages);
        self.eager(whole, &device_pages(0, pages));
        self.eager(Map::shared(7).at(PageOffset::new(5)), &device_pages(5, 7));
        self.eager(Map::shared(1).at(PageOffset::new(pages - 1)), &device_pages(pages - 1, 1));
        self.refused(Map::shared(pages + 1), Errno::ENXIO);
        self.refused(whole.at(PageOffset::new(1)), Errno::ENXIO);
        self.refused(Map::shared(1).at(PageOffset::new(pages)), Errno::ENXIO);
        self.cached(whole, 0, Cache::WriteCombine);
        self.does_not_expand(whole);
    }

    fn vgem(mut self) {
        let eager = Map::shared(VGEM_EAGER.pages).at(VGEM_EAGER.fake_offset);
        self.eager(eager, &device_pages(0, VGEM_EAGER.pages));
        let inner = Map::shared(3).at(PageOffset::new(VGEM_EAGER.fake_offset.index() + 4));
        self.eager(inner, &device_pages(4, 3));
        // One helper, two contexts: behind the object's end it is ENXIO here, and a SIGBUS there.
        self.refused(Map { pages: eager.pages + 1, ..eager }, Errno::ENXIO);

        let lazy = Map::shared(VGEM_LAZY.pages).at(VGEM_LAZY.fake_offset);
        let memory = VGEM_EAGER.pages;
        self.fault_around(lazy, memory);
        self.lazy(lazy, &device_pages(memory, VGEM_LAZY.pages));
        let mut slots = device_pages(memory + VGEM_LAZY.pages - 5, 5);
        slots.extend([Slot::Nothing; 3]);
        let over = Map::shared(slots.len()).at(PageOffset::new(VGEM_LAZY.fake_offset.index() + VGEM_LAZY.pages - 5));
        self.lazy(over, &slots);

        self.refused(Map::shared(1), Errno::EINVAL);
        self.cached(lazy, 1, Cache::WriteCombine);
        self.does_not_expand(lazy);
    }

    /// One touch brings the neighbours, and only one fault.
    fn fault_around(&mut self, map: Map, first: usize) {
        let Some(at) = self.checks.success(format!("mmap of {map}"), self.user.map(map)) else { return };
        let before = self.user.counters();
        let size = self.user.page_size();
        let mut bytes = vec![0; FAULT_AROUND.saturating_mul(size)];
        self.checks.success(format!("{map}: the first {FAULT_AROUND} pages"), self.user.read(at, &mut bytes));
        let start = first.saturating_mul(size);
        let wanted: Vec<u8> = (start..start.saturating_add(bytes.len())).map(demo::pattern).collect();
        self.checks.verdict((bytes != wanted).then(|| format!("{map}: wrong bytes after one fault")));
        if let (Some(before), Some(after)) = (before, self.user.counters()) {
            let what = format!("{map}: faults for the first {FAULT_AROUND} pages");
            self.checks.equal(what, &after.faults.saturating_sub(before.faults), &1);
            let inserted = usize::try_from(after.inserted.saturating_sub(before.inserted)).unwrap_or(usize::MAX);
            self.checks.equal(format!("{map}: pages that one fault brought"), &inserted, &FAULT_AROUND);
        }
        self.checks.success(format!("{map}: munmap"), self.user.unmap(at, map.pages));
    }

    fn dax(mut self) {
        let pages = demo::DAX_EXTENTS.len();
        let holes = demo::DAX_EXTENTS.iter().filter(|extent| extent.is_none()).count();
        let mapped = pages - holes;
        let slots: Vec<Slot> = demo::DAX_EXTENTS
            .iter()
            .map(|extent| extent.map_or(Slot::Zeros, |block| Slot::Device(block.index())))
            .collect();

        // A private mapping allocates nothing, whatever is read and written.
        for map in [Map::private(pages), Map::private(pages).read_only()] {
            self.one(map, &slots, false);
        }
        self.gauge("blocks after private mappings", Gauge::Blocks, mapped);
        self.gauge("entries after munmap", Gauge::Entries, 0);

        // All threads meet at the same holes. Two are left out: there are not enough blocks for them.
        let short = demo::DAX_BLOCKS - mapped;
        let enough = slots
            .iter()
            .scan(0, |found, slot| {
                *found += usize::from(*slot == Slot::Zeros);
                Some(*found)
            })
            .take_while(|found| *found <= short)
            .count();
        let (with_blocks, without): (Vec<Slot>, Vec<Slot>) =
            (slots.iter().take(enough).copied().collect(), slots.iter().skip(enough).map(|_| Slot::Nothing).collect());
        for map in [Map::shared(enough).read_only(), Map::shared(enough)] {
            self.one(map, &with_blocks, false);
            self.gauge("blocks after a race for holes", Gauge::Blocks, demo::DAX_BLOCKS);
            self.gauge("entries after munmap", Gauge::Entries, 0);
        }
        self.counts_entries(Map::shared(enough));

        // The device is full.
        let full = Map::shared(without.len()).at(PageOffset::new(enough));
        for map in [full, full.read_only()] {
            self.one(map, &without, false);
        }
        // Behind the file's end.
        self.lazy(Map::shared(2).at(PageOffset::new(pages)), &[Slot::Nothing; 2]);
    }

    /// What found an entry in place was not counted: as many entries as pages, whoever touched them.
    fn counts_entries(&mut self, map: Map) {
        let Some(at) = self.checks.success(format!("mmap of {map}"), self.user.map(map)) else { return };
        let size = self.user.page_size();
        let (user, threads) = (self.user, self.threads);
        let reads: Vec<_> = thread::scope(|scope| {
            let read = || user.read(at, &mut vec![0; map.pages.saturating_mul(size)]);
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(read)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err(Trap::Other("a panic".into()))))
                .collect()
        });
        for read in reads {
            self.checks.success(format!("{map}: a load among many"), read);
        }
        self.gauge("entries after a race for the same pages", Gauge::Entries, map.pages);
        self.checks.success(format!("{map}: munmap"), self.user.unmap(at, map.pages));
        self.gauge("entries after munmap", Gauge::Entries, 0);
    }

    fn relay(mut self) {
        let pages = demo::RELAY_PAGES;
        let whole = Map::shared(pages);
        self.lazy(whole, &device_pages(0, pages));
        // The length is right, the offset is not: what lies behind the buffer is nobody's business.
        let mut slots = device_pages(3, pages - 3);
        slots.extend([Slot::Nothing; 3]);
        self.lazy(whole.at(PageOffset::new(3)), &slots);
        self.lazy(whole.at(PageOffset::new(usize::MAX >> 24)), &vec![Slot::Nothing; pages]);
        self.refused(Map::shared(pages - 1), Errno::EINVAL);
        self.refused(Map::shared(pages + 1), Errno::EINVAL);
        self.does_not_expand(whole);
    }

    fn xive(mut self) {
        let os = demo::XIVE_TIMA_OS.index();
        let tima = Map::shared(xive::TIMA_PAGES.get()).at(xive::TIMA);
        let slots = [Slot::Nothing, Slot::Nothing, Slot::Device(os), Slot::Nothing];
        for map in [tima, tima.read_only()] {
            self.one(map, &slots, false);
        }
        self.cached(tima, 2, Cache::Noncached);

        let slots: Vec<Slot> = demo::XIVE_SOURCES
            .iter()
            .flat_map(|source| match source {
                Some(source) => [source.trigger, source.eoi].map(|page| Slot::Device(page.index())),
                None => [Slot::Nothing; 2],
            })
            .collect();
        let esb = Map::shared(slots.len()).at(xive::ESB);
        for map in [esb, esb.read_only()] {
            self.one(map, &slots, false);
        }
        self.cached(esb, 0, Cache::WriteCombine);
        self.without_its_front(esb, &slots);

        self.refused(Map { pages: tima.pages + 1, ..tima }, Errno::EINVAL);
        self.refused(Map { pages: esb.pages + 1, ..esb }, Errno::EINVAL);
        self.refused(Map::shared(1).at(PageOffset::new(1)), Errno::EINVAL);
        // Copy-on-write: Linux would meet it with a BUG at the first touch.
        for map in [tima, esb] {
            let private = Map { shared: false, ..map };
            self.refused(private, Errno::EINVAL);
            self.refused(private.read_only(), Errno::EINVAL);
        }
    }

    /// A page stays the page it is when munmap has cut off what lay before it.
    fn without_its_front(&mut self, map: Map, slots: &[Slot]) {
        let Some(at) = self.checks.success(format!("mmap of {map}"), self.user.map(map)) else { return };
        self.checks.success(format!("{map}: munmap of its first page"), self.user.unmap(at, 1));
        let size = self.user.page_size();
        for (index, slot) in slots.iter().enumerate().skip(1) {
            let page = UserAddr::new(at.get().wrapping_add(index.wrapping_mul(size)));
            let what = format!("{map}: page {index} after munmap of page 0");
            let mut byte = [0];
            let read = self.user.read(page, &mut byte);
            match *slot {
                Slot::Device(shown) => {
                    if self.checks.success(&what, read).is_some() {
                        self.checks.equal(what, &byte, &[demo::pattern(shown.wrapping_mul(size))]);
                    }
                }
                Slot::Zeros | Slot::Nothing => self.checks.failure(what, read, &Trap::Sigbus(page)),
            }
        }
        let rest = UserAddr::new(at.get().wrapping_add(size));
        self.checks.success(format!("{map}: munmap"), self.user.unmap(rest, map.pages.saturating_sub(1)));
    }

    fn dev_mem(mut self) {
        let Some(memory) =
            self.checks.success("physical memory", self.user.physical_memory().ok_or("nobody knows where"))
        else {
            return;
        };
        let registers = Map::shared(memory.pages).at(memory.registers);
        self.eager(registers, &device_pages(0, memory.pages));
        let inner = Map::shared(2).at(PageOffset::new(memory.registers.index() + 1));
        self.eager(inner, &device_pages(1, 2));
        self.cached(registers, 0, Cache::Noncached);
        // All of the range or nothing.
        self.refused(Map { pages: registers.pages.saturating_add(1), ..registers }, Errno::EINVAL);
        if let Some(ram) = memory.ram {
            let ram = Map::shared(1).at(ram);
            self.one(ram.read_only(), &device_pages(0, 1), true);
            self.cached(ram, 0, Cache::WriteBack);
            if let Some(user) = self.user.opened_for_sync() {
                Run { user: &user, threads: self.threads, checks: self.checks }.cached(ram, 0, Cache::Noncached);
            }
        }
        if let Some(hole) = memory.hole {
            for map in all_ways(Map::shared(1).at(hole)) {
                self.refused(map, Errno::EINVAL);
            }
        }
        // No such memory, by far: half of what an address can say.
        self.refused(Map::shared(1).at(PageOffset::new(usize::MAX / 2 / self.user.page_size())), Errno::EINVAL);
    }
}
