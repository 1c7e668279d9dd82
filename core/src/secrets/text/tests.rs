use super::Secrets;
use crate::secrets::MASK;

fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    for secret in Secrets::new(text) {
        out += &text[at..secret.start];
        out += MASK;
        at = secret.end;
    }
    out + &text[at..]
}

#[track_caller]
fn all(rows: &[(&str, &str)]) {
    for (text, want) in rows {
        assert_eq!(masked(text), *want, "{text}");
    }
}

#[test]
fn variables() {
    all(&[
        ("export my_api_key=\"x y\" z", "export my_api_key=*** z"),
        ("API_KEY='x y' z", "API_KEY=*** z"),
        ("API_KEY=a\"b c\"'d e' z", "API_KEY=*** z"),
        ("API_KEY=a\\ b z", "API_KEY=*** z"),
        ("API_KEY=$(cat \"a b\" c) z", "API_KEY=*** z"),
        ("API_KEY=(a b) z", "API_KEY=*** z"),
        ("API_KEY+=x z", "API_KEY+=*** z"),
        ("API_KEY=!x z", "API_KEY=*** z"),
        ("API_KEY = two words\nnext", "API_KEY = ***\nnext"),
        ("API_KEY=\nOTHER=1", "API_KEY=\nOTHER=1"),
        ("API_KEY \"x y\" z", "API_KEY *** z"),
        ("docker run -e HF_TOKEN=x -e 'DB_PASS=x y' img", "docker run -e HF_TOKEN=*** -e 'DB_PASS=***' img"),
        ("$(echo HF_TOKEN=x)", "$(echo HF_TOKEN=***"),
        ("echo $HF_TOKEN ${HF_TOKEN} $(HF_TOKEN) x", "echo $HF_TOKEN ${HF_TOKEN} $(HF_TOKEN) x"),
        ("x ${HF_TOKEN:-a b} y", "x ${HF_TOKEN*** y"),
        ("[ \"$HF_TOKEN\" = x ]", "[ \"$HF_TOKEN\" = *** ]"),
        ("[[ ${HF_TOKEN} == \"x y\" ]]", "[[ ${HF_TOKEN} == *** ]]"),
        ("read TOKEN <<< \"x y\" z", "read TOKEN <<< *** z"),
        ("cat > token <<EOF\nx\nEOF", "cat > token ***"),
        ("export HF_TOKEN\nvllm serve", "export HF_TOKEN\nvllm serve"),
        ("export HF_TOKEN && vllm serve", "export HF_TOKEN && vllm serve"),
        ("MAX_TOKENS=8 KEY_CACHE=x", "MAX_TOKENS=8 KEY_CACHE=x"),
    ]);
}

#[test]
fn flags() {
    all(&[
        ("vllm --api-key abc -tp 4", "vllm --api-key *** -tp 4"),
        ("vllm --api-key a 'b c' --port 1", "vllm --api-key *** --port 1"),
        ("vllm --api-key \\\n a \\\n --port 1", "vllm --api-key \\\n *** \\\n --port 1"),
        ("vllm --api-key a | tee x", "vllm --api-key *** | tee x"),
        ("x --api-key=\"a b\" c", "x --api-key=*** c"),
        ("x --api-key --port 1", "x --api-key --port 1"),
        ("x --ssl-keyfile-password s3 --env=HF_TOKEN=zzz", "x --ssl-keyfile-password *** --env=HF_TOKEN=***"),
        ("x --tokenizer a --max-num-batched-tokens 8192", "x --tokenizer a --max-num-batched-tokens 8192"),
        ("[\"--api-key\", \"x\", \"--port\"]", "[\"--api-key\", *** \"--port\"]"),
        ("curl -u me:pw host", "curl -u *** host"),
        ("curl -ume:pw host", "curl -ume*** host"),
        ("python -u x.py", "python -u x.py"),
    ]);
}

#[test]
fn objects_and_headers() {
    all(&[
        ("{\"api_key\":\"QW\", \"n\": 1}", "{\"api_key\":\"***\", \"n\": 1}"),
        ("{\"password\": \"a\\\"b\", \"n\": 1}", "{\"password\": \"***\", \"n\": 1}"),
        ("{\"a\": {\"apiKey\": {\"x\": \"}\"}, \"n\": 1}}", "{\"a\": {\"apiKey\": ***, \"n\": 1}}"),
        (
            "--x \"{\\\"token\\\": \\\"a b\\\", \\\"n\\\": 1}\"",
            "--x \"{\\\"token\\\": \\\"***\\\", \\\"n\\\": 1}\"",
        ),
        ("{'token': 'a b'}", "{'token': '***'}"),
        ("{\"name\": \"HF_TOKEN\", \"value\": \"a b\"}", "{\"name\": \"HF_TOKEN\", \"value\": \"***\"}"),
        ("- name: HF_TOKEN\n  value: a b\n- x", "- name: HF_TOKEN\n  value: ***\n- x"),
        ("password: a b\nport: 1", "password: ***\nport: 1"),
        ("password: |\n  a\n  b", "password: ***"),
        ("os.environ[\"TOKEN\"] = \"a b\" # c", "os.environ[\"TOKEN\"] = \"***\" # c"),
        ("curl -H 'Authorization: Bearer abc' host", "curl -H 'Authorization: ***' host"),
        ("curl -H \"X-Api-Key:a b\" host", "curl -H \"X-Api-Key:***\" host"),
        ("curl -H Authorization:Bearer abc", "curl -H Authorization:***"),
        ("curl -H Bearer abc", "curl -H Bearer ***"),
        ("Authorization: Basic a b", "Authorization: ***"),
    ]);
}

#[test]
fn secrets_by_their_looks() {
    all(&[
        ("echo sk-0123456789abcdef", "echo ***"),
        ("x=hf_abcdefghijkl;y", "x=***;y"),
        ("a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x-_y b", "a *** b"),
        ("pip install https://me:pw@host/x", "pip install https://***@host/x"),
        ("https_proxy=http://me:p/w@proxy:1", "https_proxy=http://***@proxy:1"),
        ("http://host:80/a@b", "http://***@b"),
        ("https://host/?token=abc&x=1", "https://host/?token=***"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- x", "*** x"),
        ("/models/hf_7b sk-learn", "/models/hf_7b sk-learn"),
    ]);
}
