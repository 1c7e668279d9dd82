//! Where the leader is: what was given as its address, and which one it is of those that its name has.
//!
//! Every pod of a group must come to the same address, and so must every command of the launcher. Pure: who asks
//! DNS, and how long, is the launcher's.

mod choice;
mod name;
mod own;

pub use choice::{Choice, choose, doubt, list, locals};
pub use name::{ATTEMPTS, LeaderError, Named, address, attempts, read};
pub use own::Own;
