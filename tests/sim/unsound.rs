//! What unsound code can do to an answer, and how it is caught.
#![expect(unsafe_code, reason = "to do what safe code cannot")]

use std::{
    mem::{transmute, transmute_copy},
    sync::Mutex,
};

use vmctx::{Mixed, VmFault};
use vmctx_sim::{AccessError, Machine, Map};

use crate::drivers::{PAGE, faulting, page_at};

#[test]
fn the_answer_to_another_fault_is_recognised() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let kept: Mutex<Option<VmFault<'static>>> = Mutex::new(None);
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        let mut kept = kept.lock().unwrap();
        if let Some(old) = kept.take() {
            // SAFETY: not sound at all, which is the point; in memory it is a number.
            return unsafe { transmute::<VmFault<'static>, VmFault<'_>>(old) };
        }
        let answer = ctx.insert_page(&page);
        // SAFETY: as above; nothing is dropped with it.
        *kept = Some(unsafe { transmute_copy::<VmFault<'_>, VmFault<'static>>(&answer) });
        answer
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let user = process.thread();
    assert_eq!(user.read_u8(at), Ok(0));
    let second = page_at(at, 1);
    assert_eq!(user.read_u8(second), Err(AccessError::ForeignAnswer { address: second }));
}
