use super::is_secret;

#[test]
fn secrets_in_every_spelling() {
    for name in [
        "HF_TOKEN",
        "--hf-token",
        "hfToken",
        "HFToken",
        "hf.token",
        "HUGGING_FACE_HUB_TOKEN",
        "HF_TOKEN_2",
        "TOKEN1",
        "authtoken",
        "API_TOKENS",
        "my_api_key",
        "--api-key",
        "--api_key",
        "--api-k",
        "--hf-tok",
        "apiKey",
        "APIKEY",
        "X-Api-Key",
        "NGC_API_KEY",
        "VLLM_API_KEY",
        "API_KEYS",
        "PRIVATE_KEY",
        "privateKey",
        "privkey",
        "AWS_SECRET_ACCESS_KEY",
        "awsSecretAccessKey",
        // Half of the pair, and of no use to a reader.
        "AWS_ACCESS_KEY_ID",
        "SSH_HOST_KEY_DATA",
        "OPENAI_KEY",
        "key",
        // The value may be the key itself; vLLM's own flag for the file is `--ssl-keyfile`.
        "--tls-key",
        "secret",
        "client_secret",
        "clientSecret",
        "kubernetesSecretName",
        "PASSWORD",
        "DB_PASSWORD",
        "DBPASSWORD",
        "PassWord",
        "DB_PASS",
        "dbpass",
        "PASSWD",
        "DB_PWD",
        // The shell's directory, but a password elsewhere.
        "PWD",
        "--ssl-keyfile-password",
        "passphrase",
        "credentials",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "creds",
        "bearer",
        "Authorization",
        "Proxy-Authorization",
        "X-Auth",
        "BASIC_AUTH",
        "Cookie",
        "GITHUB_PAT",
        "JWT",
        "WIFI_PSK",
        // The token itself stands there by mistake.
        "HF_TOKEN_PATH",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "PRIVATE_KEY_FILE",
    ] {
        assert!(is_secret(name), "{name}");
    }
}

#[test]
fn names_that_only_look_like_it() {
    for name in [
        "",
        "--",
        "--tokenizer",
        "--tokenizer-mode",
        "TOKENIZER_MODE",
        "TOKENIZERS_PARALLELISM",
        "--max-num-batched-tokens",
        "MAX_TOKENS",
        "maxTokens",
        "--enable-prompt-tokens-details",
        "--return-tokens-as-token-ids",
        "--long-prefill-token-threshold",
        "eos_token_id",
        "--ssl-keyfile",
        "--ssl-certfile",
        "--allow-credentials",
        "SSL_KEY_FILE",
        "PGPASSFILE",
        "KEY_CACHE",
        "--kv-cache-dtype",
        "PUBLIC_KEY",
        "cache_key",
        "keys",
        "monkey",
        "pass_config",
        "--pass-through",
        "bypass",
        "PATH",
        "pattern",
        "author",
        "secure",
        "TOKEN_SERVICE_HOST",
        "AUTH_PORT_80_TCP_ADDR",
        "VLLM_ADDITIONAL_ARGS",
        "https_proxy",
        "NCCL_IB_HCA",
    ] {
        assert!(!is_secret(name), "{name}");
    }
}

/// As the table has them: flags that the launcher writes or people often give.
#[test]
fn no_flag_of_the_table_is_one() {
    let table: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vllm-versions/table.json")).unwrap();
    let flags = table["flags"].as_object().unwrap();
    let masked: Vec<&str> = flags.keys().map(String::as_str).filter(|flag| is_secret(flag)).collect();
    assert_eq!(masked, [] as [&str; 0]);
}
