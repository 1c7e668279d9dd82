//! One question to the system's resolver, and what its answer means.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// How long a resolver may think about it: glibc's time for one server.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no address yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// What the resolver said, and whether that took long. It takes a server that is silent about one domain of the
    /// search list for one that does not have the name there, and goes on with the next domain.
    Said { words: String, slow: bool },
    /// It said nothing before time was up.
    Silent,
    /// What it gave, and why that cannot be right.
    Doubtful(IpAddr, &'static str),
}

/// Asks. The resolver blocks, for as long as `/etc/resolv.conf` lets it, and nothing can call it off: the thread is
/// left behind, and ends with the process or at its `exec`.
pub(super) fn begin(name: &str) -> io::Result<Receiver<Result<Vec<IpAddr>, Trouble>>> {
    let (sender, receiver) = mpsc::channel();
    let name = name.to_owned();
    Builder::new().name("resolver".to_owned()).spawn(move || {
        // Nobody listens any more where time was up.
        let _ = sender.send(ask(&name));
    })?;
    Ok(receiver)
}

fn ask(name: &str) -> Result<Vec<IpAddr>, Trouble> {
    let start = Instant::now();
    match (name, 0).to_socket_addrs() {
        Ok(found) => Ok(found.map(|address| address.ip()).collect()),
        Err(error) => {
            let words = error.to_string();
            // std's own words, which say nothing beside ours.
            let words = words.strip_prefix("failed to lookup address information: ").unwrap_or(&words);
            Err(Trouble::Said { words: words.to_owned(), slow: start.elapsed() >= PATIENCE })
        }
    }
}

impl Trouble {
    /// What was said at once.
    pub(super) fn said(words: &impl ToString) -> Self {
        Self::Said { words: words.to_string(), slow: false }
    }

    /// What to look at. The resolver's words are those of `gai_strerror` of glibc, the one libc that is shipped for.
    pub(super) fn hint(&self) -> &'static str {
        let is_missing =
            |words: &str| words.starts_with("Name or service") || words.starts_with("No address");
        match self {
            Self::Said { words, slow: false } if is_missing(words) => {
                "see that the leader pod has an IP, and that its headless Service publishes addresses that are not \
                 ready: `kubectl get pods,endpointslices -o wide`"
            }
            _ => {
                "see that this pod reaches the cluster's DNS: `/etc/resolv.conf`, network policies for port 53, \
                 CoreDNS's log"
            }
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (words, slow) = match self {
            Self::Silent => return f.write_str("the resolver has not answered"),
            Self::Doubtful(address, why) => return write!(f, "DNS says {address}, {why}"),
            Self::Said { words, slow } => (words, slow),
        };
        // Whether it is there in a moment nobody can tell from these words; what DNS said one can.
        let meaning = match words.as_str() {
            "Name or service not known" => "DNS has no such name",
            "No address associated with hostname" => "DNS has the name without an address",
            "Temporary failure in name resolution" => "DNS failed, or did not answer",
            "Non-recoverable failure in name resolution" => "DNS refused to answer",
            _ => "the resolver failed",
        };
        write!(f, "{meaning} (`{words}`)")?;
        if *slow { f.write_str(", after a server did not answer in time") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Trouble;

    #[test]
    fn what_the_resolver_says_is_told_in_words_with_its_own() {
        for (words, meaning, missing) in [
            ("Name or service not known", "DNS has no such name", true),
            ("No address associated with hostname", "DNS has the name without an address", true),
            ("Temporary failure in name resolution", "DNS failed, or did not answer", false),
            ("Non-recoverable failure in name resolution", "DNS refused to answer", false),
            ("Too many open files (os error 24)", "the resolver failed", false),
        ] {
            let said = Trouble::said(&words);
            assert_eq!(said.to_string(), format!("{meaning} (`{words}`)"));
            assert_eq!(said.hint().contains("headless Service"), missing, "{words}");
        }
    }

    #[test]
    fn a_slow_no_is_no_knowledge() {
        let slow = Trouble::Said { words: "Name or service not known".to_owned(), slow: true };
        assert!(
            slow.to_string()
                .ends_with("(`Name or service not known`), after a server did not answer in time")
        );
        assert!(slow.hint().contains("network policies"), "{}", slow.hint());
    }
}
