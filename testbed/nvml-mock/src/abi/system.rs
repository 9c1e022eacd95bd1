//! The library as a whole: opening it, versions, errors in words.

use std::ffi::{c_char, c_void};

use super::{put, put_text};
use crate::call::{Needs, call};
use crate::scenario::Text;
use crate::world::session;
use crate::{Code, counts};

fn init(name: &'static str) -> u32 {
    call(name, None, Needs::Nothing, |scenario| {
        let mut session = session();
        let own = || scenario.library.clone();
        let library = own().or_else(|| session.library.clone());
        let library = library.unwrap_or_else(|| scenario.driver.clone());
        let fits = library == scenario.driver;
        session.library = Some(library);
        if !fits {
            return Err(Code::LibRmVersionMismatch);
        }
        if session.users == 0 || session.epoch != scenario.epoch {
            let plugged = scenario.gpus.iter().enumerate();
            session.cards = plugged
                .filter(|(_, gpu)| gpu.plugged)
                .map(|(card, _)| card)
                .collect();
            session.epoch = scenario.epoch;
        }
        session.users += 1;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlInit() -> u32 {
    init("nvmlInit")
}

#[unsafe(no_mangle)]
extern "C" fn nvmlInit_v2() -> u32 {
    init("nvmlInit_v2")
}

#[unsafe(no_mangle)]
extern "C" fn nvmlInitWithFlags(_flags: u32) -> u32 {
    init("nvmlInitWithFlags")
}

#[unsafe(no_mangle)]
extern "C" fn nvmlShutdown() -> u32 {
    call("nvmlShutdown", None, Needs::Nothing, |_| {
        let mut session = session();
        session.users = session.users.checked_sub(1).ok_or(Code::Uninitialized)?;
        if session.users == 0 {
            session.sets.clear();
            session.samples.clear();
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlErrorString(code: u32) -> *const c_char {
    let text = match code {
        0 => c"Success",
        1 => c"Uninitialized",
        2 => c"Invalid Argument",
        3 => c"Not Supported",
        4 => c"Insufficient Permissions",
        6 => c"Not Found",
        7 => c"Insufficient Size",
        9 => c"Driver Not Loaded",
        10 => c"Timeout",
        15 => c"GPU is lost",
        18 => c"Driver/library version mismatch",
        _ => c"Unknown Error",
    };
    text.as_ptr()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetDriverVersion(text: *mut c_char, size: u32) -> u32 {
    call(
        "nvmlSystemGetDriverVersion",
        None,
        Needs::Session,
        // SAFETY: the caller's buffer has the size that it says.
        |scenario| unsafe { put_text(text, size, &Text::Plain(scenario.driver.clone())) },
    )
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetNVMLVersion(text: *mut c_char, size: u32) -> u32 {
    call(
        "nvmlSystemGetNVMLVersion",
        None,
        Needs::Session,
        |scenario| {
            let version = format!("{}.{}", scenario.cuda / 1000, scenario.driver);
            // SAFETY: the caller's buffer has the size that it says.
            unsafe { put_text(text, size, &Text::Plain(version)) }
        },
    )
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetCudaDriverVersion(out: *mut i32) -> u32 {
    call(
        "nvmlSystemGetCudaDriverVersion",
        None,
        Needs::Session,
        // SAFETY: the caller's variable.
        |scenario| unsafe { put(out, scenario.cuda) },
    )
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetCudaDriverVersion_v2(out: *mut i32) -> u32 {
    call(
        "nvmlSystemGetCudaDriverVersion_v2",
        None,
        Needs::Session,
        // SAFETY: the caller's variable.
        |scenario| unsafe { put(out, scenario.cuda) },
    )
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetProcessName(pid: u32, text: *mut c_char, size: u32) -> u32 {
    call("nvmlSystemGetProcessName", None, Needs::Session, |_| {
        // SAFETY: the caller's buffer has the size that it says.
        unsafe { put_text(text, size, &Text::Plain(format!("process-{pid}"))) }
    })
}

/// Not NVML's: how often each function was called. Writes at most `size` bytes and returns how many.
#[unsafe(no_mangle)]
unsafe extern "C" fn gputop_nvml_mock_calls(buffer: *mut c_void, size: usize) -> usize {
    let report = counts::report();
    if buffer.is_null() || report.len() > size {
        return 0;
    }
    // SAFETY: the caller's buffer has the size that it says, and the report fits.
    unsafe {
        buffer
            .cast::<u8>()
            .copy_from_nonoverlapping(report.as_ptr(), report.len());
    }
    report.len()
}
