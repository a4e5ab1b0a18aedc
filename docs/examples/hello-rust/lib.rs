//! hello.c again, in Rust: {"name": "Ada"} -> {"greeting": "Hello, Ada"}.
//!
//!     rustc --edition 2021 --crate-type cdylib --crate-name hello \
//!         -O -C panic=abort -C lto -C link-arg=-nostdlib -o hello.so lib.rs
//!     gvisord deploy hello.so
//!     gvisord invoke hello '{"name": "Ada"}'
//!
//! No standard library and no Cargo: `core` and what <gvisor/function.h>
//! declares, written down here once more.
#![no_std]

use core::ffi::{c_char, c_int, c_void};
use core::{ptr, slice};

#[repr(C)]
pub struct Request {
    size: u32,
    reserved: u32,
    body: *const u8,
    body_len: usize,
    id: *const c_char,
    tenant: *const c_char,
    function: *const c_char,
    version: u64,
    timeout_ns: u64,
    memory_limit: u64,
}

#[repr(C)]
pub struct Response {
    size: u32,
    kind: u32,
    body: *const c_void,
    body_len: usize,
    flags: u32,
    reserved: u32,
}

const GV_TEXT: u32 = 1;
const GV_FREE: u32 = 1;

extern "C" {
    fn gv_alloc(size: usize) -> *mut c_void;
    fn gv_fail(message: *const c_char) -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    unsafe { gv_fail(c"panic".as_ptr()) }
}

/// Splits off a JSON string, its quotes included; None: there is none.
fn split_string(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = true; // the opening quote ends nothing
    if json.first() != Some(&b'"') {
        return None;
    }
    for (i, &byte) in json.iter().enumerate() {
        match byte {
            _ if byte < b' ' => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(json.split_at(i + 1)),
            _ => (),
        }
    }
    None
}

/// The string that stands for a key in a flat object of strings, in JSON's
/// spelling and with its quotes.
fn find<'a>(json: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut found = None;
    let mut rest = json.trim_ascii().strip_prefix(b"{")?;
    loop {
        let (name, after) = split_string(rest.trim_ascii_start())?;
        let value = after.trim_ascii_start().strip_prefix(b":")?;
        let (value, after) = split_string(value.trim_ascii_start())?;
        if name == key {
            found = Some(value);
        }
        rest = match after.trim_ascii_start() {
            b"}" => return found,
            more => more.strip_prefix(b",")?,
        };
    }
}

/// Puts the pieces together in memory that the runtime frees.
fn answer(res: &mut Response, pieces: &[&[u8]]) -> c_int {
    let size = pieces.iter().map(|p| p.len()).sum();
    let text = unsafe { gv_alloc(size) } as *mut u8;
    if text.is_null() {
        unsafe { gv_fail(c"out of memory".as_ptr()) }
    }
    for piece in pieces {
        unsafe {
            let to = text.add(res.body_len);
            ptr::copy_nonoverlapping(piece.as_ptr(), to, piece.len());
        }
        res.body_len += piece.len();
    }
    res.body = text.cast();
    res.flags = GV_FREE;
    0
}

/// # Safety
/// The runtime's pointers are good during the call.
#[no_mangle]
pub unsafe extern "C" fn handler(
    req: *const Request,
    res: *mut Response,
) -> c_int {
    let (req, res) = (&*req, &mut *res);
    let body = slice::from_raw_parts(req.body, req.body_len);
    match find(body, b"\"name\"") {
        Some(name) => {
            answer(res, &[b"{\"greeting\":\"Hello, ", &name[1..], b"}"])
        }
        None => {
            let message = "name: must be a string";
            res.kind = GV_TEXT;
            res.body = message.as_ptr().cast();
            res.body_len = message.len();
            1
        }
    }
}
