//! Text in and out of the memory of a WebAssembly module.
//!
//! The page asks for room, writes its document there, and asks for the answer, whose place and
//! length are in one number. Both sides are one thread, and each room is used once.
#![allow(unsafe_code, reason = "memory that two languages share has no type")]

use crate::evaluate;

/// Room for a document of so many bytes, which [`answer`] takes back.
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: usize) -> *mut u8 {
    Box::into_raw(vec![0; bytes].into_boxed_slice()).cast()
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
    let answer = evaluate(&String::from_utf8_lossy(&document)).to_string();
    let answer = answer.into_bytes().into_boxed_slice();
    let length = answer.len() as u64;
    let place = Box::into_raw(answer).cast::<u8>() as usize as u64;
    place << 32 | length
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
