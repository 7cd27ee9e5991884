//! Text in and out of the memory of a WebAssembly module.
//!
//! The page asks for room, writes its document there, and asks for the answer, whose place and
//! length are in one number. Both sides are one thread, and each room is used once.
#![allow(unsafe_code, reason = "memory that two languages share has no type")]
#![allow(unreachable_pub, reason = "the page reaches it by name")]

use std::sync::{Mutex, Once, PoisonError};

use crate::evaluate;

/// What a panic said: a module that stops cannot answer any more, but what it left behind can be read.
static WORDS: Mutex<String> = Mutex::new(String::new());

/// Room for a document of so many bytes, which [`answer`] takes back.
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: usize) -> *mut u8 {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
            *words = panic.to_string();
        }));
    });
    // Of bytes and nothing larger: it is given back by their number.
    let room: Box<[u8]> = vec![0; bytes].into_boxed_slice();
    Box::into_raw(room).cast()
}

/// The answer to the document in a room: its length, and above 32 bits its place, which is a room of
/// its own and given back by [`give_back`].
///
/// # Safety
/// The room is one of these bytes from [`room`], written to its end and used no more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer(room: *mut u8, bytes: usize) -> u64 {
    // SAFETY: it was made of a boxed slice of this length, says the caller.
    let document = unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(room, bytes)) };
    handed_over(evaluate(&String::from_utf8_lossy(&document)).to_string())
}

/// Why the module stopped, if it did: a text like an answer.
#[unsafe(no_mangle)]
pub extern "C" fn why_it_stopped() -> u64 {
    let words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    handed_over(words.clone())
}

/// Takes a room back.
///
/// # Safety
/// The room is one of these bytes from [`room`] or [`answer`], and used no more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn give_back(room: *mut u8, bytes: usize) {
    // SAFETY: it was made of a boxed slice of this length, says the caller.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(room, bytes)) });
}

fn handed_over(text: String) -> u64 {
    let text = text.into_bytes().into_boxed_slice();
    let length = text.len() as u64;
    let place = Box::into_raw(text).cast::<u8>() as usize as u64;
    place << 32 | length
}
