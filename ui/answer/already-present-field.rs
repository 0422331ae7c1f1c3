//! G16: "was somebody faster?" is a question to the answer, not a code in it.
use vmctx::VmFault;

fn faster(answer: &VmFault<'_>) -> bool {
    answer.already_present
}

fn main() {}
