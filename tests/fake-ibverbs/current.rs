//! `libfake_ibverbs.so`: a libibverbs for tests; see `library.rs`.

mod library;
mod memory;
mod table;
