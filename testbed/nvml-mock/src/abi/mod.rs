//! NVML's functions, as far as `gputop-node`, NVIDIA's device plugin and the usual monitors call them.
//!
//! Names, argument orders, numbers and the layout of structures are NVML's interface; the rest is
//! ours. A device's handle is a number (see `call::Handle`), so that no argument is ever followed but
//! the pointers for answers.

mod cards;
mod events;
mod fields;
mod gpm;
mod instances;
mod lists;
mod memory;
mod mig;
mod system;
mod values;

use std::ffi::{CStr, c_char};

use crate::Code;
use crate::scenario::Text;

/// Mebibytes as bytes.
const fn mib(mib: u64) -> u64 {
    mib.saturating_mul(1024 * 1024)
}

/// Hands out an answer.
///
/// # Safety
/// `out` is null, or the caller's variable of this type.
unsafe fn put<T>(out: *mut T, value: T) -> Result<(), Code> {
    if out.is_null() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: by the caller's promise it can be written.
    unsafe { out.write(value) };
    Ok(())
}

/// Hands out a text.
///
/// # Safety
/// `buffer` is null, or the caller's, `size` bytes long.
unsafe fn put_text(buffer: *mut c_char, size: u32, text: &Text) -> Result<(), Code> {
    if buffer.is_null() {
        return Err(Code::InvalidArgument);
    }
    let size = usize::try_from(size).map_err(|_| Code::InvalidArgument)?;
    let bytes = text.for_buffer(size).ok_or(Code::InsufficientSize)?;
    // SAFETY: there are at most `size` bytes, which the caller's buffer has room for.
    unsafe {
        buffer
            .cast::<u8>()
            .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    };
    Ok(())
}

/// A text of the caller's.
///
/// # Safety
/// `text` is null or ends with a zero.
unsafe fn taken<'a>(text: *const c_char) -> Result<&'a CStr, Code> {
    if text.is_null() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: by the caller's promise.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// Hands out a list the way NVML does: without room for all it says how many there are.
///
/// # Safety
/// `count` is null or the caller's; `items` is null or has room for `*count` entries.
unsafe fn put_list<T: Copy>(list: &[T], count: *mut u32, items: *mut T) -> Result<(), Code> {
    if count.is_null() {
        return Err(Code::InvalidArgument);
    }
    let there = u32::try_from(list.len()).map_err(|_| Code::Unknown)?;
    // SAFETY: the caller's variable, as promised.
    let room = unsafe { count.read() };
    // SAFETY: as above.
    unsafe { count.write(there) };
    if there == 0 {
        return Ok(());
    }
    if items.is_null() || room < there {
        return Err(Code::InsufficientSize);
    }
    // SAFETY: there is room for at least `there` entries.
    unsafe { items.copy_from_nonoverlapping(list.as_ptr(), list.len()) };
    Ok(())
}
