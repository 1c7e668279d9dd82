//! The `vllm serve` flags that the launcher writes itself, in every spelling vLLM accepts.
//!
//! vLLM's parser takes `_` for `-` in long flags, `--flag=value` and `--flag value`, and lets the
//! last of a repeated flag win (`vllm/utils/argparse_utils.py`, checked with 0.32.0).

use std::str::FromStr;

/// A flag that the launcher owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owned {
    /// `--model`
    Model,
    /// `--served-model-name`
    ServedModelName,
    /// `--port`
    Port,
    /// `--tensor-parallel-size`
    Tensor,
    /// `--pipeline-parallel-size`
    Pipeline,
    /// `--data-parallel-size`
    Data,
    /// `--data-parallel-size-local`
    DataLocal,
    /// `--data-parallel-start-rank`
    StartRank,
    /// `--data-parallel-rank`, which also means external load balancing
    Rank,
    /// `--data-parallel-address`
    LeaderAddress,
    /// `--data-parallel-rpc-port`
    DataRpcPort,
    /// `--data-parallel-hybrid-lb`
    HybridLoadBalancing,
    /// `--data-parallel-external-lb`
    ExternalLoadBalancing,
    /// `--enable-expert-parallel`
    Expert,
    /// `--headless`
    Headless,
    /// `--api-server-count`
    ApiServerCount,
    /// `--disable-uvicorn-access-log`
    AccessLogOff,
    /// `--disable-access-log-for-endpoints`
    AccessLogExcept,
    /// `--shutdown-timeout`
    ShutdownTimeout,
    /// `--ssl-certfile`
    TlsCertificate,
    /// `--ssl-keyfile`
    TlsKey,
    /// `--enable-ssl-refresh`
    TlsRefresh,
}

/// How many words belong to a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None; `--no-…` turns it off.
    Switch,
    /// One.
    One,
    /// All up to the next flag, at least one.
    Many,
}

/// Long name without dashes, short name without dash, how many words, which flag.
const OWNED: [(&str, &str, Takes, Owned); 22] = [
    ("model", "", Takes::One, Owned::Model),
    ("served-model-name", "", Takes::Many, Owned::ServedModelName),
    ("port", "", Takes::One, Owned::Port),
    ("tensor-parallel-size", "tp", Takes::One, Owned::Tensor),
    ("pipeline-parallel-size", "pp", Takes::One, Owned::Pipeline),
    ("data-parallel-size", "dp", Takes::One, Owned::Data),
    ("data-parallel-size-local", "dpl", Takes::One, Owned::DataLocal),
    ("data-parallel-start-rank", "dpr", Takes::One, Owned::StartRank),
    ("data-parallel-rank", "dpn", Takes::One, Owned::Rank),
    ("data-parallel-address", "dpa", Takes::One, Owned::LeaderAddress),
    ("data-parallel-rpc-port", "dpp", Takes::One, Owned::DataRpcPort),
    ("data-parallel-hybrid-lb", "dph", Takes::Switch, Owned::HybridLoadBalancing),
    ("data-parallel-external-lb", "dpe", Takes::Switch, Owned::ExternalLoadBalancing),
    ("enable-expert-parallel", "ep", Takes::Switch, Owned::Expert),
    ("headless", "", Takes::Switch, Owned::Headless),
    ("api-server-count", "asc", Takes::One, Owned::ApiServerCount),
    ("disable-uvicorn-access-log", "", Takes::Switch, Owned::AccessLogOff),
    ("disable-access-log-for-endpoints", "", Takes::One, Owned::AccessLogExcept),
    ("shutdown-timeout", "", Takes::One, Owned::ShutdownTimeout),
    ("ssl-certfile", "", Takes::One, Owned::TlsCertificate),
    ("ssl-keyfile", "", Takes::One, Owned::TlsKey),
    ("enable-ssl-refresh", "", Takes::Switch, Owned::TlsRefresh),
];

/// One owned flag as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<'a> {
    /// Which flag.
    pub flag: Owned,
    /// The word that names it, for messages.
    pub word: &'a str,
    /// Its values; none for a switch.
    pub values: Vec<&'a str>,
    /// Positions of the words that hold the values.
    pub positions: Vec<usize>,
    /// False for `--no-…`.
    pub on: bool,
}

impl Given<'_> {
    /// Its value as a whole number that vLLM takes: one from [`Owned::least`]; `None` for anything else.
    pub fn number<T: FromStr + PartialOrd + From<u16>>(&self) -> Option<T> {
        let value = self.values.first()?.trim().parse().ok();
        value.filter(|number| *number >= T::from(self.flag.least()))
    }
}

impl Owned {
    /// The least number that vLLM takes for this flag (`vllm/config/parallel.py`; ports begin at 1).
    pub fn least(self) -> u16 {
        match self {
            Owned::DataLocal
            | Owned::StartRank
            | Owned::Rank
            | Owned::ApiServerCount
            | Owned::ShutdownTimeout => 0,
            _ => 1,
        }
    }
}

/// `vllm serve` arguments, sorted into owned flags and the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted<'a> {
    /// Owned flags in the order given.
    pub owned: Vec<Given<'a>>,
    /// Positions of all other words, in the order given.
    pub rest: Vec<usize>,
}

/// A flag that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagError<'a> {
    /// The flag's word.
    pub word: &'a str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Sorts `words` (what follows `vllm serve`) into owned flags and the rest.
pub fn sort<'a>(words: &[&'a str]) -> Result<Sorted<'a>, FlagError<'a>> {
    let mut sorted = Sorted::default();
    let mut at = 0;
    while let Some(&word) = words.get(at) {
        at += 1;
        let (name, inline) = word.split_once('=').map_or((word, None), |(n, v)| (n, Some(v)));
        let Some((takes, flag, on)) = find(name) else {
            sorted.rest.push(at - 1);
            continue;
        };
        let problem = |problem| FlagError { word, problem };
        let mut values = Vec::new();
        let mut positions = Vec::new();
        match (takes, inline) {
            (Takes::Switch, None) => {}
            (Takes::Switch, Some(_)) => return Err(problem("takes no value")),
            (_, Some(value)) => {
                values.push(value);
                positions.push(at - 1);
            }
            (Takes::One | Takes::Many, None) => {
                while let Some(&value) = words.get(at).filter(|value| !is_flag(value)) {
                    values.push(value);
                    positions.push(at);
                    at += 1;
                    if takes == Takes::One {
                        break;
                    }
                }
                if values.is_empty() {
                    return Err(problem("has no value"));
                }
            }
        }
        sorted.owned.push(Given { flag, word, values, positions, on });
    }
    Ok(sorted)
}

/// Whether the parser takes `word` for a flag: it starts with a dash and is not a negative number.
pub fn is_flag(word: &str) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let Some(rest) = name.strip_prefix('-') else { return false };
    !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') && !rest.contains(' ')
}

/// The owned flag that `word` abbreviates: vLLM's parser takes any unambiguous beginning of a name.
pub fn abbreviated(word: &str) -> Option<&'static str> {
    let name = word.split_once('=').map_or(word, |(name, _)| name).strip_prefix("--")?;
    if name.is_empty() || find(&word[..name.len() + 2]).is_some() {
        return None;
    }
    let begins = |known: &&str| known.len() > name.len() && same(name, &known[..name.len()]);
    OWNED.iter().map(|(known, ..)| *known).find(begins)
}

/// Whether `word` gives the long flag `name` (without dashes), in any spelling.
pub fn names(word: &str, name: &str) -> bool {
    let given = word.split_once('=').map_or(word, |(given, _)| given);
    given.strip_prefix("--").is_some_and(|given| same(given, name))
}

fn find(name: &str) -> Option<(Takes, Owned, bool)> {
    if let Some(long) = name.strip_prefix("--") {
        let exact = OWNED.iter().find(|(known, ..)| same(long, known));
        if let Some(&(_, _, takes, flag)) = exact {
            return Some((takes, flag, true));
        }
        let off = long.strip_prefix("no-").or_else(|| long.strip_prefix("no_"))?;
        let &(_, _, takes, flag) = OWNED.iter().find(|(known, _, takes, flag)| {
            *takes == Takes::Switch && *flag != Owned::Headless && same(off, known)
        })?;
        return Some((takes, flag, false));
    }
    let short = name.strip_prefix('-').filter(|short| !short.is_empty())?;
    let &(_, _, takes, flag) = OWNED.iter().find(|(_, known, ..)| *known == short)?;
    Some((takes, flag, true))
}

fn same(given: &str, known: &str) -> bool {
    given.len() == known.len()
        && given.bytes().zip(known.bytes()).all(|(g, k)| g == k || (g == b'_' && k == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned<'a>(words: &[&'a str]) -> Vec<(Owned, Vec<&'a str>, bool)> {
        let sorted = sort(words).map(|s| s.owned).unwrap_or_default();
        sorted.into_iter().map(|given| (given.flag, given.values, given.on)).collect()
    }

    #[test]
    fn every_spelling_is_the_same_flag() {
        for words in [
            &["--tensor-parallel-size", "4"][..],
            &["--tensor-parallel-size=4"],
            &["--tensor_parallel_size", "4"],
            &["--tensor_parallel-size=4"],
            &["-tp", "4"],
            &["-tp=4"],
        ] {
            assert_eq!(owned(words), [(Owned::Tensor, vec!["4"], true)], "{words:?}");
        }
    }

    #[test]
    fn a_switch_can_be_turned_off() {
        assert_eq!(owned(&["--no-enable-expert-parallel"]), [(Owned::Expert, vec![], false)]);
        assert_eq!(owned(&["--no_data_parallel_hybrid_lb"]), [(Owned::HybridLoadBalancing, vec![], false)]);
    }

    #[test]
    fn names_run_up_to_the_next_flag() {
        let words = ["--served-model-name", "a", "b", "--max-model-len", "4096", "-tp", "2"];
        let sorted = sort(&words).unwrap_or_default();
        assert_eq!(sorted.owned[0].values, ["a", "b"]);
        assert_eq!(sorted.owned[1].values, ["2"]);
        assert_eq!(sorted.rest, [3, 4]);
    }

    #[test]
    fn what_is_not_owned_keeps_its_order_and_spelling() {
        let words = ["--kv_transfer_config", "{\"kv_role\":\"kv_both\"}", "--trust-remote-code", "-O3"];
        assert_eq!(sort(&words).map(|s| s.rest), Ok(vec![0, 1, 2, 3]));
    }

    /// The table is made from the list above: it must have been made anew since.
    #[test]
    fn the_newest_vllm_takes_every_name() {
        let table: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vllm-versions/table.json")).unwrap();
        for (long, short, ..) in OWNED {
            for word in [format!("--{long}"), format!("-{short}")] {
                let taken = table["flags"][&word].as_str().is_some_and(|letters| letters.ends_with('y'));
                assert!(taken || word == "-", "{word}");
            }
        }
    }

    #[test]
    fn abbreviations_are_found() {
        assert_eq!(abbreviated("--por=9"), Some("port"));
        assert_eq!(abbreviated("--tensor_parallel"), Some("tensor-parallel-size"));
        for other in ["--port", "--data-parallel-size", "--max-model-len", "-tp", "--model-impl", "--"] {
            assert_eq!(abbreviated(other), None, "{other}");
        }
    }

    #[test]
    fn a_flag_without_its_value_is_an_error() {
        assert_eq!(
            sort(&["--port", "--headless"]),
            Err(FlagError { word: "--port", problem: "has no value" })
        );
        assert_eq!(
            sort(&["--headless=1"]),
            Err(FlagError { word: "--headless=1", problem: "takes no value" })
        );
    }
}
