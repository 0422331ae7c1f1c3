//! Many threads at once, which play histories of their own on the same processes; and what has to be so when they rest.

use std::{
    format,
    string::String,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    vec::Vec,
};

use vmctx::{Errno, UserAddr};

use super::{
    generate::Generator,
    play::{Outcome, Player},
    random::Random,
    step::{BASE, PAGES, PROCESSES, Step},
    subject::Subject,
};
use crate::user::{InUse, Map, Refusal, Trap, User};

/// Threads that map, unmap, protect, move, fork, exit, touch and ask the device, all at once.
///
/// Which of two steps comes first is not for the seed to decide, so the same seed does not do the same again; but it
/// does as much of the same sort.
#[derive(Clone, Copy, Debug)]
pub struct Crowd<'a> {
    /// The device that they are at.
    pub subject: &'a Subject,
    /// From which all threads have their steps.
    pub seed: u64,
    /// How many there are.
    pub threads: usize,
    /// How many times they rest, and are looked at.
    pub rounds: usize,
    /// How many steps each plays before.
    pub steps: usize,
}

impl Crowd<'_> {
    /// Plays it with a process that has the device open, and that is the first of all of them. While the threads are at
    /// it, `trouble` is called now and then with a number that is left to chance, to let something fail, and without one
    /// when nothing is to fail any more; and `played` is counted up with each step, for whoever waits.
    ///
    /// Whenever all of them rest, no step has panicked, the platform has not complained, what is looked at twice looks
    /// the same, and a debugger reads what the user does. At the end everything is unmapped, and a touch of it is a
    /// SIGSEGV.
    ///
    /// # Errors
    /// What is not so, for people.
    pub fn play<U: User>(
        &self,
        first: U,
        trouble: &(impl Fn(Option<u64>) + Sync),
        played: &AtomicU64,
    ) -> Result<(), String> {
        let first = Arc::new(first);
        // All threads have the first process, and one more that is its child, in its own place.
        let second = first.fork().and_then(Result::ok).map(Arc::new);
        let barrier = Barrier::new(self.threads);
        let play = |index: usize| {
            let mut seeds = Random::new(self.seed);
            let seed = (0..=index).fold(0, |_, _| seeds.next());
            let mut player = Player::new(self.subject, Shared(Arc::clone(&first)));
            player.add(1, second.clone().map(Shared));
            let mut generator = Generator::new(self.subject, seed);
            let mut chance = Random::new(seed);
            let mut wrong = Ok(());
            for _ in 0..self.rounds {
                for _ in 0..self.steps {
                    let step = generator.step(first.page_size());
                    if chance.percent(2) {
                        trouble(Some(chance.next()));
                    }
                    // Whoever looks at everything would keep the others from it.
                    let outcome = if step == Step::Look { Outcome::Nothing } else { player.play(&step).outcome };
                    generator.follow(&step, &outcome);
                    if outcome == Outcome::Panicked && wrong.is_ok() {
                        wrong = Err(format!("thread {index} has panicked in {step:?}"));
                    }
                    played.fetch_add(1, Ordering::Relaxed);
                }
                // The first thread looks while the others wait for it.
                barrier.wait();
                if index == 0 && wrong.is_ok() {
                    trouble(None);
                    wrong = look(&mut player);
                }
                barrier.wait();
            }
            drop(player);
            wrong
        };
        let outcomes: Vec<Result<(), String>> = thread::scope(|scope| {
            let play = &play;
            let threads: Vec<_> = (0..self.threads).map(|index| scope.spawn(move || play(index))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err(String::from("a thread has panicked"))))
                .collect()
        });
        outcomes.into_iter().collect::<Result<(), String>>()?;
        for user in [Some(first), second].into_iter().flatten() {
            all_gone(&*user)?;
        }
        Ok(())
    }
}

/// What has to be so while nobody is at it.
fn look<U: User>(player: &mut Player<'_, Shared<U>>) -> Result<(), String> {
    // The first look brings the pages that the second one sees, and may change what a device shows; the third may not.
    let _ = player.play(&Step::Look);
    let [once, again] = [(); 2].map(|()| player.play(&Step::Look).outcome);
    if once != again {
        return Err(format!("two looks differ:\n  one: {}\n  two: {}", once.beside(&again), again.beside(&once)));
    }
    for process in 0..PROCESSES {
        for at in 0..PAGES {
            player.debugger_agrees(process, at)?;
        }
    }
    match player.complaints().first() {
        None => Ok(()),
        Some(complaint) => Err(complaint.clone()),
    }
}

/// Unmaps everything, and touches it.
fn all_gone<U: User>(user: &U) -> Result<(), String> {
    user.unmap(UserAddr::new(BASE), 2 * PAGES).map_err(|refusal| format!("munmap of everything: {refusal}"))?;
    for page in 0..PAGES {
        let at = UserAddr::new(BASE.saturating_add(page.saturating_mul(user.page_size())));
        match user.read(at, &mut [0]) {
            Err(Trap::Sigsegv(_)) => {}
            other => return Err(format!("page {page} was unmapped, and a load gives {other:?}")),
        }
    }
    Ok(())
}

/// A process that many threads have. It exits when the last of them drops it.
pub(super) struct Shared<U>(Arc<U>);

impl<U: User> User for Shared<U> {
    fn page_size(&self) -> usize {
        self.0.page_size()
    }

    fn map(&self, map: Map) -> Result<UserAddr, Refusal> {
        self.0.map(map)
    }

    fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal> {
        self.0.unmap(at, pages)
    }

    fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        self.0.read(at, into)
    }

    fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap> {
        self.0.write(at, from)
    }

    fn device_read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.device_read(offset, into)
    }

    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.0.device_write(offset, from)
    }

    fn expand(&self, at: UserAddr, pages: usize, to: usize) -> Option<Result<(), Refusal>> {
        self.0.expand(at, pages, to)
    }

    fn protect(&self, at: UserAddr, pages: usize, writable: bool) -> Option<Result<(), Refusal>> {
        self.0.protect(at, pages, writable)
    }

    fn move_to(&self, at: UserAddr, pages: usize, to: UserAddr) -> Option<Result<(), Refusal>> {
        self.0.move_to(at, pages, to)
    }

    fn peek(&self, at: UserAddr, into: &mut [u8]) -> Option<Result<(), Refusal>> {
        self.0.peek(at, into)
    }

    fn poke(&self, at: UserAddr, from: &[u8]) -> Option<Result<(), Refusal>> {
        self.0.poke(at, from)
    }

    fn in_use(&self) -> InUse {
        self.0.in_use()
    }

    fn fork(&self) -> Option<Result<Self, Refusal>> {
        Some(self.0.fork()?.map(|child| Self(Arc::new(child))))
    }

    fn control(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        self.0.control(request, argument)
    }

    fn references(&self, page: usize) -> Option<usize> {
        self.0.references(page)
    }

    fn complaints(&self) -> Vec<String> {
        self.0.complaints()
    }
}
