//! What NCCL, NVSHMEM and UCX are told. What a user set wins, variable by variable.

use super::candidates::Candidate;
use super::drivers;
use super::index::{Addressing, Asks, nccl_is_right, ucx_is_right};
use super::libraries::range::Range;
use super::libraries::told::{self, NCCL, NVSHMEM, Names, Told};
use super::libraries::{Library, nccl, nvshmem, ucx};
use super::options::{Options, UcxTcp};
use super::plan::{Concern, Decision, Variable, Warning};
use crate::inventory::{Family, Gid, GidType};
use prefill_core::environment as env;
use prefill_core::environment::Environment;

/// Every variable that may be decided about.
pub(super) const MANAGED: [&str; 20] = [
    env::NCCL_IB_HCA,
    env::NCCL_IB_GID_INDEX,
    env::NCCL_IB_ADDR_FAMILY,
    env::NCCL_IB_ADDR_RANGE,
    env::NCCL_IB_ROCE_VERSION_NUM,
    env::NCCL_SOCKET_IFNAME,
    env::NVSHMEM_HCA_LIST,
    env::NVSHMEM_HCA_PREFIX,
    env::NVSHMEM_HCA_PE_MAPPING,
    env::NVSHMEM_IB_GID_INDEX,
    env::NVSHMEM_IB_ADDR_FAMILY,
    env::NVSHMEM_IB_ADDR_RANGE,
    env::NVSHMEM_IB_ROCE_VERSION_NUM,
    env::NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME,
    env::UCX_NET_DEVICES,
    env::UCX_IB_GID_INDEX,
    env::UCX_IB_ROCE_SUBNETS,
    env::UCX_TLS,
    env::GLOO_SOCKET_IFNAME,
    env::NCCL_NET,
];

/// Decisions, as they are taken.
pub(super) struct Variables<'e> {
    pub(super) environment: &'e Environment,
    /// Who owns NCCL's settings, where a vendor's plug-in does.
    pub(super) nccl_owner: Option<String>,
    /// The user's lists that name devices which are not used: (variable, device).
    pub(super) beyond: Vec<(Library, String)>,
    pub(super) decided: Vec<Variable>,
    pub(super) warnings: Vec<Warning>,
}

impl<'e> Variables<'e> {
    pub(super) fn new(environment: &'e Environment) -> Self {
        let nccl_owner = nccl::owner(environment);
        Self { environment, nccl_owner, beyond: Vec::new(), decided: Vec::new(), warnings: Vec::new() }
    }

    /// Sets `name`, unless the user did, or somebody else owns it.
    pub(super) fn set(&mut self, name: &'static str, value: String, reason: impl Into<String>) {
        if let Some(user) = self.environment.get(name) {
            let reason = "set by the user, which wins".to_owned();
            self.decided.push(Variable { name, decision: Decision::Kept(user.to_owned()), reason });
        } else if let (Some(owner), true) = (&self.nccl_owner, name.starts_with("NCCL_")) {
            let reason = format!("{owner} sets what NCCL needs");
            self.withhold(name, reason);
        } else {
            self.decided.push(Variable { name, decision: Decision::Set(value), reason: reason.into() });
        }
    }

    /// What is there with nothing in it and was not decided about is no better than what was.
    pub(super) fn remove_empty(&mut self) {
        for name in MANAGED.into_iter().filter(|name| self.environment.is_empty(name)) {
            if !self.decided.iter().any(|one| one.name == name) {
                self.withhold(name, "nothing is to be said by it");
            }
        }
    }

    /// Leaves `name` as it is.
    pub(super) fn withhold(&mut self, name: &'static str, reason: impl Into<String>) {
        let (decision, reason) = match self.environment.get(name) {
            Some(user) => (Decision::Kept(user.to_owned()), "set by the user, which wins".to_owned()),
            None if self.environment.is_empty(name) => (Decision::Removed, reason.into()),
            None => (Decision::Withheld, reason.into()),
        };
        self.decided.push(Variable { name, decision, reason });
    }

    /// The lists of HCAs.
    pub(super) fn lists(&mut self, kept: &[Candidate<'_>], tcp: &[&str], options: &Options) {
        self.nccl_list(kept);
        self.nvshmem_list(kept);
        self.ucx_list(kept, tcp, options);
    }

    fn nccl_list(&mut self, kept: &[Candidate<'_>]) {
        let numbered = kept.iter().any(|one| one.port.number != 1 || one.device.ports.len() > 1);
        let names: Vec<String> =
            kept.iter().map(|one| if numbered { one.label() } else { one.device.name.clone() }).collect();
        if names.len() > nccl::MOST {
            let count = names.len();
            let text =
                format!("`{}`: NCCL uses at most {} ports, {count} are there", env::NCCL_IB_HCA, nccl::MOST);
            self.warnings.push(Warning::new(Concern::TooMany(Library::Nccl), text));
        }
        let reason = format!("{}; `=` makes NCCL compare whole names, not beginnings", ports(names.len()));
        self.set(env::NCCL_IB_HCA, format!("={}", names.join(",")), reason);
    }

    fn nvshmem_list(&mut self, kept: &[Candidate<'_>]) {
        if self.environment.get(env::NVSHMEM_HCA_PE_MAPPING).is_some() {
            let reason =
                format!("the user set `{}`, which NVSHMEM drops beside a list", env::NVSHMEM_HCA_PE_MAPPING);
            self.withhold(env::NVSHMEM_HCA_LIST, reason);
            return;
        }
        let usable: Vec<&Candidate<'_>> = kept.iter().filter(|one| drivers::has_ibgda(one)).collect();
        let Some(prefix) = common_text(&usable) else {
            let reason = if usable.is_empty() {
                "its IBGDA transport knows mlx5 devices only"
            } else {
                "the names have no text in common, which NVSHMEM asks for"
            };
            for name in [env::NVSHMEM_HCA_LIST, env::NVSHMEM_HCA_PREFIX] {
                self.withhold(name, reason);
            }
            return;
        };
        if usable.len() > nvshmem::MOST {
            let reason = format!("NVSHMEM takes at most {} ports, {} are there", nvshmem::MOST, usable.len());
            let text = format!("`{}`: {reason}", env::NVSHMEM_HCA_LIST);
            self.warnings.push(Warning::new(Concern::TooMany(Library::Nvshmem), text));
            self.withhold(env::NVSHMEM_HCA_LIST, reason);
            return;
        }
        let labels: Vec<String> = usable.iter().map(|one| one.label()).collect();
        let reason = format!("{} with IBGDA", ports(labels.len()));
        self.set(env::NVSHMEM_HCA_LIST, labels.join(","), reason);
        if prefix != nvshmem::PREFIX {
            let reason = format!("NVSHMEM passes over names without `{}` otherwise", nvshmem::PREFIX);
            self.set(env::NVSHMEM_HCA_PREFIX, prefix, reason);
        }
    }

    fn ucx_list(&mut self, kept: &[Candidate<'_>], tcp: &[&str], options: &Options) {
        if let Some(transports) = ucx::without_rdma(self.environment) {
            let reason = format!("`{}` is `{transports}`, which has no RDMA transport", env::UCX_TLS);
            self.withhold(env::UCX_NET_DEVICES, reason);
            return;
        }
        let mut devices: Vec<String> = kept.iter().map(Candidate::label).collect();
        let count = ports(devices.len());
        devices.extend(tcp.iter().map(|&name| name.to_owned()));
        if devices.len() > ucx::MOST {
            let reason = format!("UCX takes at most {} devices, {} are there", ucx::MOST, devices.len());
            let text = format!("`{}`: {reason}", env::UCX_NET_DEVICES);
            self.warnings.push(Warning::new(Concern::TooMany(Library::Ucx), text));
            self.withhold(env::UCX_NET_DEVICES, reason);
            return;
        }
        let beside = match (tcp, options.ucx_tcp) {
            ([], UcxTcp::None) => "no TCP interface beside them (`--ucx-tcp=none`)".to_owned(),
            ([], _) => "no TCP interface was found to put beside them".to_owned(),
            (names, _) => {
                let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
                format!("{names} beside them, because the list hides TCP and NIXL connects to itself")
            }
        };
        self.set(env::UCX_NET_DEVICES, devices.join(","), format!("{count}; {beside}"));
    }

    /// The variables that say which GID.
    pub(super) fn gids(&mut self, kept: &[Candidate<'_>], addressing: &Addressing, asks: &Asks<'_>) {
        let roce: Vec<&Candidate<'_>> = kept.iter().filter(|one| one.by_gid()).collect();
        let mixed = roce.len() != kept.len();
        let (nccl, nvshmem, ucx) = match addressing {
            Addressing::Choose { nccl, nvshmem, ucx, .. } => (*nccl, *nvshmem, ucx.clone()),
            _ => (None, None, Vec::new()),
        };
        let settled = !matches!(addressing, Addressing::Nothing(_));
        let best = roce.iter().find_map(|one| one.best()).filter(|_| settled);
        if best.is_some_and(|gid| gid.kind == Some(GidType::V1)) {
            let text = "only RoCE v1 GIDs are used, which no router forwards";
            self.warnings.push(Warning::new(Concern::VersionOne, text));
        }
        self.chooser(Library::Nccl, &NCCL, &roce, addressing, nccl, mixed);
        if kept.iter().any(drivers::has_ibgda) {
            self.chooser(Library::Nvshmem, &NVSHMEM, &roce, addressing, nvshmem, mixed);
        }
        self.ucx(&roce, addressing, &ucx, mixed, asks.known);
    }

    /// NCCL, or NVSHMEM, which has NCCL's algorithm.
    fn chooser(
        &mut self,
        library: Library,
        names: &Names,
        roce: &[&Candidate<'_>],
        addressing: &Addressing,
        range: Option<Range>,
        mixed: bool,
    ) {
        let told = Told::of(library, self.environment);
        let best = roce.iter().find_map(|one| one.best());
        let settled = !matches!(addressing, Addressing::Nothing(_));
        let right = || nccl_is_right(roce, names, self.environment, range);
        match &told {
            Told::Narrowed(name) if settled && right() => {
                self.withhold(
                    names.index,
                    format!("the user set `{name}`, by which it chooses the right ones"),
                );
            }
            Told::Narrowed(name) if settled => {
                let list = wrong(roce, |one, best| {
                    nccl::choose(one.port, told::rule(names, self.environment, best, range))
                });
                let text = format!("`{name}` is the user's, and with it the library takes {list}");
                self.warnings.push(Warning::new(Concern::Astray, text));
                self.index(names.index, addressing, mixed);
            }
            Told::Automatic if settled && !right() => {
                let list = wrong(roce, |one, best| {
                    nccl::choose(one.port, told::rule(names, self.environment, best, range))
                });
                let text = format!("`{}` lets the library choose, and it takes {list}", names.index);
                self.warnings.push(Warning::new(Concern::Astray, text));
                self.index(names.index, addressing, mixed);
            }
            _ => self.index(names.index, addressing, mixed),
        }
        let Some(best) = best.filter(|_| settled && told != Told::Index) else { return };
        if best.family() == Family::Ipv6 {
            self.set(names.family, "AF_INET6".to_owned(), "the GIDs are IPv6 ones; IPv4 is the default");
        }
        if best.kind == Some(GidType::V1) {
            self.set(names.version, "1".to_owned(), "the GIDs are RoCE v1; 2 is the default");
        }
        if let Some(range) = range {
            self.set(names.range, range.to_string(), "the indices differ; only the right GIDs are in it");
        }
    }

    fn ucx(
        &mut self,
        roce: &[&Candidate<'_>],
        addressing: &Addressing,
        subnets: &[Range],
        mixed: bool,
        known: bool,
    ) {
        let settled = !matches!(addressing, Addressing::Nothing(_));
        let told = Told::of(Library::Ucx, self.environment);
        let theirs = ucx::subnets(self.environment);
        if settled
            && matches!(told, Told::Automatic | Told::Narrowed(_))
            && !ucx_is_right(roce, known, &theirs)
        {
            let list = wrong(roce, |one, _| ucx::choose(one.port, known, true, &theirs).unwrap_or(0));
            let name = if told == Told::Automatic { env::UCX_IB_GID_INDEX } else { env::UCX_IB_ROCE_SUBNETS };
            let text = format!("`{name}` is the user's, and with it UCX takes {list}");
            self.warnings.push(Warning::new(Concern::Astray, text));
        }
        match told {
            Told::Narrowed(name) => {
                let value = self.environment.get(name).unwrap_or_default();
                self.withhold(env::UCX_IB_GID_INDEX, format!("`{name}` is `{value}`, and UCX refuses both"));
            }
            _ => self.index(env::UCX_IB_GID_INDEX, addressing, mixed),
        }
        if !subnets.is_empty() && told == Told::Nothing {
            let list = subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            self.set(env::UCX_IB_ROCE_SUBNETS, list, "the indices differ; only the right GIDs are in it");
        }
    }

    fn index(&mut self, name: &'static str, addressing: &Addressing, mixed: bool) {
        if let Some(index) = self.inherited(name) {
            if mixed && name == env::UCX_IB_GID_INDEX {
                self.withhold(name, "an InfiniBand port is used: UCX would apply the index to it too");
            } else {
                self.set(name, index, format!("as `{}`, which the user set", env::NCCL_IB_GID_INDEX));
            }
            return;
        }
        match addressing {
            Addressing::Nothing(reason) => self.withhold(name, reason),
            Addressing::Index(index) => match self.beyond(name) {
                Some(reason) => self.withhold(name, reason),
                None => self.set(name, index.to_string(), "every port has its best GID there"),
            },
            Addressing::Choose { indices, .. } if !mixed => {
                self.withhold(name, format!("the ports differ ({indices}), and one index is applied to all"));
            }
            Addressing::Choose { .. } => {
                self.withhold(name, "an InfiniBand port is used: an index would be applied to it too");
            }
        }
    }

    /// An index is judged on the ports that are used. Where the user's own list names others, it says nothing of those.
    fn beyond(&self, name: &str) -> Option<String> {
        let (library, device) = self.beyond.iter().find(|(library, _)| library.index_variable() == name)?;
        let list = library.list_variable();
        Some(format!("`{list}` is the user's and names `{device}`, on which no index was judged"))
    }

    /// The user's index for NCCL is the default of the other two, as in KServe's script.
    fn inherited(&self, name: &str) -> Option<String> {
        let index = nccl::index_for_all(self.environment)?;
        (name != env::NCCL_IB_GID_INDEX).then(|| index.to_string())
    }
}

/// The entries that are taken, of each port where `chosen` is not as good as the best.
fn wrong(roce: &[&Candidate<'_>], chosen: impl Fn(&Candidate<'_>, &Gid) -> u32) -> String {
    let one = |candidate: &&Candidate<'_>| {
        let best = candidate.best()?;
        let index = chosen(candidate, best);
        (index != best.index)
            .then(|| format!("entry {index} on `{}`, where {} is right", candidate.label(), best.index))
    };
    roce.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}

fn ports(count: usize) -> String {
    if count == 1 { "1 port".to_owned() } else { format!("{count} ports") }
}

/// The text that the names of all have in common: `mlx5` where all have that, else the longest.
fn common_text(candidates: &[&Candidate<'_>]) -> Option<String> {
    let names: Vec<&str> = candidates.iter().map(|one| one.device.name.as_str()).collect();
    let (first, rest) = names.split_first()?;
    if names.iter().all(|name| name.contains(nvshmem::PREFIX)) {
        return Some(nvshmem::PREFIX.to_owned());
    }
    let starts: Vec<usize> = first.char_indices().map(|(at, _)| at).chain([first.len()]).collect();
    let pieces = starts.iter().flat_map(|&from| starts.iter().map(move |&to| (from, to)));
    let mut best = "";
    for (from, to) in pieces {
        let Some(piece) = first.get(from..to) else { continue };
        if piece.len() > best.len() && rest.iter().all(|name| name.contains(piece)) {
            best = piece;
        }
    }
    // One name alone: a pod with `ibp0` and another with `ibp1` are to be told the same.
    let best =
        if rest.is_empty() { best.trim_end_matches(|letter: char| letter.is_ascii_digit()) } else { best };
    (!best.is_empty()).then(|| best.to_owned())
}
