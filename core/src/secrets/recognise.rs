//! Values that are secrets by their own looks, whatever they are called.

/// What tokens of well-known services begin with.
const STARTS: [&str; 14] = [
    "hf_",
    "sk-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "nvapi-",
    "xoxb-",
    "xoxp-",
    "pypi-",
    "AKIA",
];
/// Shorter ones are names of something.
const SHORTEST: usize = 8;
/// How a JSON Web Token begins, `{"` in base64, and how long its shortest is.
const WEB_TOKEN: &str = "eyJ";
const SHORTEST_WEB_TOKEN: usize = 20;

/// Whether `run`, of letters, digits, `_`, `-` and `.`, is a token.
pub(super) fn is_token(run: &str) -> bool {
    STARTS.iter().any(|start| run.starts_with(start) && run.len() > start.len() + SHORTEST)
        || (run.starts_with(WEB_TOKEN) && run.len() > SHORTEST_WEB_TOKEN)
}

/// How long user and password of a URL are; `rest` is what stands behind `://`.
pub(super) fn user(rest: &str) -> Option<usize> {
    let authority = rest.find(|letter: char| ends_url(letter) || "/?#".contains(letter));
    let authority = &rest[..authority.unwrap_or(rest.len())];
    match authority.split_once(':') {
        None => authority.rfind('@'),
        // A password may hold what would end it, unescaped. So what looks like a port in front of a path with an
        // `@` in it may be the beginning of one.
        Some(_) => rest[..rest.find(ends_url).unwrap_or(rest.len())].rfind('@'),
    }
}

fn ends_url(letter: char) -> bool {
    letter.is_whitespace() || "\"'<>`".contains(letter)
}
