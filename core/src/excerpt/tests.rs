use super::{command_line, excerpt, excerpt_at, excerpt_of_line, excerpt_of_word, excerpt_of_words, value};

#[test]
fn a_quotation_is_one_line_without_secrets() {
    for (text, want) in [
        ("export HF_TOKEN=hf_abcdefghijkl", "export HF_TOKEN=***"),
        ("export PRIVATE_KEY=x", "export PRIVATE_KEY=***"),
        ("vllm --max-num-batched-tokens 8192", "vllm --max-num-batched-tokens 8192"),
        ("ulimit  -l\n unlimited", "ulimit -l unlimited"),
        ("a\u{7}b", "ab"),
    ] {
        assert_eq!(excerpt(text), want);
    }
}

#[test]
fn a_secret_is_known_by_what_stands_before_the_quotation() {
    let text = "vllm serve m --api-key \"a $b\" --port 1\nnext";
    let at = |from: &str| text.find(from).unwrap();
    assert_eq!(excerpt_at(text, at("$b")..text.len()), "*** --port 1 next");
    assert_eq!(excerpt_at(text, at(" m ")..at("a $b")), "m --api-key ***");
    assert_eq!(excerpt_of_line(text, at("--port")), "--port 1");
    assert_eq!(excerpt_of_line("KEY=\"a\nb\" c", 7), "*** c");
}

#[test]
fn words_are_whole() {
    let words = ["env", "HF_TOKEN=two words", "--api-key", "a b", "c", "--port", "8000"];
    assert_eq!(excerpt_of_words(words), "env HF_TOKEN=*** --api-key *** *** --port 8000");
    assert_eq!((excerpt_of_word(&words, 4).as_str(), excerpt_of_word(&words, 6).as_str()), ("***", "8000"));
}

#[test]
fn a_command_line_is_whole_but_for_its_secrets() {
    let words = [
        "vllm",
        "--max-num-batched-tokens",
        "8192",
        "--tokenizer",
        "/mnt/tok",
        "--enable-prompt-tokens-details",
        "--api-key",
        "k1",
        "k2",
        "--kv-transfer-config",
        r#"{"kv_connector": "X", "extra": {"password": "p4ss", "n": 1}}"#,
        "--hf-token=hf_abcdefghijkl",
        "a b",
    ];
    assert_eq!(
        command_line(words),
        "vllm --max-num-batched-tokens 8192 --tokenizer /mnt/tok --enable-prompt-tokens-details --api-key '***' '***' \
         --kv-transfer-config '{\"kv_connector\": \"X\", \"extra\": {\"password\": \"***\", \"n\": 1}}' \
         '--hf-token=***' 'a b'"
    );
}

#[test]
fn a_value_shows_what_it_is_but_no_password() {
    assert_eq!(value("http://me:pw@proxy:1, TOKEN=x"), "http://***@proxy:1, TOKEN=x");
}

#[test]
fn at_most_120_characters() {
    let long = excerpt(&"é ".repeat(200));
    assert_eq!(long.chars().count(), 120);
    assert!(long.ends_with('…'));
    let long = excerpt(&format!("{} HF_TOKEN=marker", "x".repeat(105)));
    assert!(long.chars().count() == 118 && long.ends_with("HF_TOKEN=***"), "{long}");
}
