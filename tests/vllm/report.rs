//! What was found, line by line, and how it ends.

use std::process::ExitCode;
use std::time::Instant;

/// Counts, and prints at once: parts take minutes.
#[derive(Default)]
pub(crate) struct Report {
    passed: usize,
    failed: Vec<String>,
    left_out: Vec<String>,
    part: Option<(String, Instant)>,
}

impl Report {
    /// A part begins.
    pub(crate) fn part(&mut self, name: &str, about: &str) {
        self.close();
        println!("\n== {name}: {about}");
        self.part = Some((name.to_owned(), Instant::now()));
    }

    fn close(&mut self) {
        if let Some((name, since)) = self.part.take() {
            println!("-- {name}: {} s", since.elapsed().as_secs());
        }
    }

    /// One thing that was to be shown, and whether it was.
    pub(crate) fn add(&mut self, shown: bool, line: &str) {
        println!("{} {line}", if shown { "ok  " } else { "FAIL" });
        if shown {
            self.passed += 1;
        } else {
            // What logs say stands above.
            self.failed.push(line.lines().next().unwrap_or_default().to_owned());
        }
    }

    /// The same; where it was not shown, with what tells why behind it.
    pub(crate) fn add_with(&mut self, shown: bool, line: &str, why: impl FnOnce() -> String) {
        if shown {
            self.add(true, line);
        } else {
            self.add(false, &format!("{line}{}", why()));
        }
    }

    /// Counts only: for what is too much to print where it is right.
    pub(crate) fn count(&mut self, shown: bool, line: &str) {
        if shown {
            self.passed += 1;
        } else {
            self.add(false, line);
        }
    }

    /// Something that matters and is no test.
    pub(crate) fn note(line: &str) {
        println!("     {line}");
    }

    /// Nothing is left out silently.
    pub(crate) fn not_run(&mut self, what: &str, why: &str) {
        self.left_out.push(format!("not run: {what}: {why}"));
    }

    /// The last lines.
    pub(crate) fn end(mut self) -> ExitCode {
        self.close();
        println!();
        self.left_out.iter().for_each(|line| println!("{line}"));
        self.failed.iter().for_each(|line| println!("failed: {line}"));
        println!("{} passed, {} failed", self.passed, self.failed.len());
        ExitCode::from(u8::from(!self.failed.is_empty()))
    }
}
