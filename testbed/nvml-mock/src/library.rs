//! Where the library is, and how often a loaded one was called.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};

/// `RTLD_NOLOAD` of glibc: find what is loaded, load nothing.
const RTLD_NOLOAD: i32 = 4;

/// The file that cargo makes.
const BUILT: &str = "libgputop_nvml_mock.so";

/// Asks a loaded library for its counts: writes at most so many bytes and returns how many there are.
type Report = unsafe extern "C" fn(*mut u8, usize) -> usize;

/// The built library, for a test whose package depends on this one: cargo puts it beside the test's
/// own executable, or into the folder above.
///
/// # Errors
/// When it is in neither place.
pub fn built() -> io::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folders = test.ancestors().skip(1).take(2);
    let mut candidates = folders.map(|folder| folder.join(BUILT));
    candidates.find(|file| file.is_file()).ok_or_else(|| {
        let what = format!(
            "{BUILT} is not beside {}: build it with `cargo build -p gputop-nvml-mock`",
            test.display()
        );
        io::Error::new(io::ErrorKind::NotFound, what)
    })
}

/// How often functions of the library at `file`, which this process has loaded, were called: by
/// function and place of the card in the scenario (`None`: a call about no card). `None`: it is not
/// loaded.
#[must_use]
pub fn calls(file: &Path) -> Option<BTreeMap<(String, Option<usize>), u64>> {
    // SAFETY: nothing is loaded and so nothing is run; the file is only looked up.
    let library = unsafe { Library::open(Some(file), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD) };
    let library = library.ok()?;
    // SAFETY: only this library has a function of that name, and it is of this type.
    let report = unsafe { library.get::<Report>(b"gputop_nvml_mock_calls\0") }.ok()?;
    let mut text = vec![0; 64 * 1024];
    // SAFETY: the buffer is as long as it is said to be.
    let length = unsafe { report(text.as_mut_ptr(), text.len()) };
    text.truncate(length);
    let text = String::from_utf8(text).ok()?;
    let line = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next()?.to_owned();
        let card = words.next()?.parse().ok();
        Some(((name, card), words.next()?.parse().ok()?))
    };
    text.lines().map(line).collect()
}

/// The file that this code was loaded from, by the kernel's list of what is mapped where.
pub(crate) fn loaded_from() -> Option<PathBuf> {
    let here = loaded_from as *const () as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| file_at(line, here))
}

/// The file of a line such as `7f00-7f10 r-xp 0000 08:01 4711  /lib/x.so` if `address` is in it.
fn file_at(line: &str, address: usize) -> Option<PathBuf> {
    let (range, rest) = line.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    let bound = |text| usize::from_str_radix(text, 16).ok();
    if !(bound(from)?..bound(to)?).contains(&address) {
        return None;
    }
    let file = &rest[rest.find('/')?..];
    Some(OsStr::new(file).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernels_list_is_read() {
        let line = "7f00-7f10 r-xp 00000000 08:01 4711    /opt/a folder/libnvidia-ml.so.1";
        let file = Some(PathBuf::from("/opt/a folder/libnvidia-ml.so.1"));
        assert_eq!(file_at(line, 0x7f0f), file);
        assert_eq!(file_at(line, 0x7f10), None);
        assert_eq!(file_at("7f00-7f10 rw-p 00000000 00:00 0", 0x7f00), None);
    }

    #[test]
    fn this_code_knows_where_it_was_loaded_from() {
        assert_eq!(loaded_from(), std::env::current_exe().ok());
    }
}
