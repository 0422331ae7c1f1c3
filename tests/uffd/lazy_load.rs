//! A file that is loaded as it is touched: by windows, by a thread of its own, with a bound on what is kept.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    os::unix::fs::FileExt,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, Hooks, Mixed, PageCount, PageOffset, PageRef as _, SharedObject, VmFault, VmOperations,
    WaitQueue as _,
};
use vmctx_uffd::{Map, Options, Page, Ref, Session, Uffd, WaitQueue};

use crate::{
    drivers::{PAGE, page_at},
    sessions::open,
};

const PAGES: usize = 2048;
const WINDOW: usize = 16;
/// How many windows are kept.
const KEPT: usize = 24;
const TOUCHES: usize = 1500;

enum Window {
    Loading,
    Present(Vec<Page>),
}

/// The windows that are there, or on their way, and which of them came first.
#[derive(Default)]
struct Windows {
    all: HashMap<usize, Window>,
    oldest: VecDeque<usize>,
    free: Vec<Vec<Page>>,
}

struct Loader {
    windows: Mutex<Windows>,
    wanted: Mutex<Option<Sender<usize>>>,
    loaded: WaitQueue,
    object: SharedObject<Uffd>,
    loads: AtomicUsize,
}

impl VmOperations for Loader {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|loader: &Self| Some(&loader.object));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff().index();
        let (window, first) = (at / WINDOW, PageOffset::new(at / WINDOW * WINDOW));
        let ticket = self.loaded.ticket();
        let mut windows = self.windows.lock().unwrap();
        match windows.all.get(&window) {
            Some(Window::Present(pages)) => {
                // The lock is held: it is not given up before it is in.
                ctx.prefault_pages(first, pages);
                return ctx.insert_page(&pages[at % WINDOW]);
            }
            Some(Window::Loading) => {}
            None => {
                windows.all.insert(window, Window::Loading);
                let wanted = self.wanted.lock().unwrap();
                if wanted.as_ref().is_none_or(|wanted| wanted.send(window).is_err()) {
                    return ctx.fail(Errno::EIO);
                }
            }
        }
        drop(windows);
        ctx.release_and_wait(ticket)
    }
}

impl Loader {
    /// Loads what is wanted, until nobody can want anything any more.
    fn load(&self, session: &Session, file: &File, wanted: &Receiver<usize>) {
        for window in wanted {
            let mut bytes = vec![0; WINDOW * PAGE];
            file.read_exact_at(&mut bytes, (window * WINDOW * PAGE) as u64).unwrap();
            let mut windows = self.windows.lock().unwrap();
            let pages = windows.free.pop().unwrap_or_else(|| {
                let oldest = windows.oldest.pop_front().unwrap();
                let Some(Window::Present(pages)) = windows.all.remove(&oldest) else { unreachable!() };
                // Under the lock that faults take.
                let first = PageOffset::new(oldest * WINDOW);
                self.object.unmap_once(first, PageCount::new(WINDOW), session.memory().may_sleep());
                pages
            });
            drop(windows);
            pages.iter().zip(bytes.chunks(PAGE)).for_each(|(page, bytes)| page.write(0, bytes).unwrap());
            let mut windows = self.windows.lock().unwrap();
            windows.all.insert(window, Window::Present(pages));
            windows.oldest.push_back(window);
            drop(windows);
            self.loads.fetch_add(1, Ordering::Relaxed);
            self.loaded.wake_all();
        }
    }
}

fn byte(page: usize, at: usize) -> u8 {
    u8::try_from((page * 31 + at * 7 + page / 256) % 251).unwrap()
}

/// A file in which every page is another one.
fn file() -> File {
    let path = std::env::temp_dir().join(format!("vmctx-lazy-{}", std::process::id()));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    for page in 0..PAGES {
        let bytes: Vec<u8> = (0..PAGE).map(|at| byte(page, at)).collect();
        file.write_all_at(&bytes, (page * PAGE) as u64).unwrap();
    }
    file
}

#[test]
fn every_byte_is_the_files_whoever_touches_it_and_whenever() {
    let file = file();
    for options in [Options::default(), Options::default().readers(2), Options::default().in_thread()] {
        let session = open(options, KEPT * WINDOW);
        let windows = (0..KEPT).map(|_| (0..WINDOW).map(|_| session.memory().alloc_page().unwrap()).collect());
        let (wants, wanted) = channel();
        let loader = Ref::new(Loader {
            windows: Mutex::new(Windows { free: windows.collect(), ..Windows::default() }),
            wanted: Mutex::new(Some(wants)),
            loaded: WaitQueue::default(),
            object: SharedObject::new(session.memory().may_sleep()).unwrap(),
            loads: AtomicUsize::new(0),
        });
        let at = session.map(&loader, Map::shared(PAGES * PAGE)).unwrap();
        thread::scope(|scope| {
            let (session, file, loading) = (&session, &file, &*loader);
            scope.spawn(move || loading.load(session, file, &wanted));
            let touchers: Vec<_> = (0..4_usize)
                .map(|thread| {
                    scope.spawn(move || {
                        let mut seed = thread as u64 + 88_172_645_463_325_252;
                        for step in 0..TOUCHES {
                            seed ^= seed << 13;
                            seed ^= seed >> 7;
                            seed ^= seed << 17;
                            // Two in random order, and two one page after the other.
                            let random = usize::try_from(seed % PAGES as u64).unwrap();
                            let page = if thread < 2 { random } else { (step + thread * PAGES / 4) % PAGES };
                            let mut found = [0; 3];
                            session.read(vmctx::UserAddr::new(page_at(at, page).get() + 9), &mut found).unwrap();
                            assert_eq!(found, [byte(page, 9), byte(page, 10), byte(page, 11)], "page {page}");
                        }
                    })
                })
                .collect();
            for toucher in touchers {
                toucher.join().unwrap();
            }
            // Nobody wants anything any more.
            drop(loader.wanted.lock().unwrap().take());
        });
        assert!(loader.loads.load(Ordering::Relaxed) > 2 * KEPT, "far more was loaded than is kept");
        assert_eq!(session.memory().pages_in_use(), PageCount::new(KEPT * WINDOW));
        assert_eq!(session.take_errors(), []);
    }
}
