//! Tables of names and values, and what is made of them.

use super::{infer, values::random};
use crate::kind::Kind;

#[test]
fn secrets() {
    let table = [
        ("STRIPE_KEY", "x"),
        ("SECRET", ""),
        ("API_TOKEN", ""),
        ("DB_PASSWORD", "1234"),
        ("MYSQL_PWD", "a"),
        ("PGPASSWORD", "a"),
        ("RABBITMQ_DEFAULT_PASS", "guest"),
        ("SMTP_PW", "a"),
        ("apiKey", "a"),
        ("dbPassword", "x"),
        ("SENTRY_DSN", "https://h.example/1"),
        ("SLACK_WEBHOOK_URL", "https://hooks.example/x"),
        ("BASIC_AUTH", "a:b"),
        ("HASH_SALT", "abc"),
        ("COOKIE_ENCRYPTION", "abcd1234"),
        ("CONNECTION_STRING", "Server=x"),
        ("DATABASE_URL", "postgres://localhost/app"),
        ("AWS_SECRET_ACCESS_KEY", "null"),
        ("APP_KEYS", "a,b"),
        ("OTEL_HEADERS", "a=b"),
        ("PRIVATE_KEY", "x"),
        ("SSL_PRIVATE", "x"),
        ("PASSPHRASE", "y"),
        ("LDAP_PASS", "false"),
        ("PUBLIC_AWS_SECRET_ACCESS_KEY", "null"),
        ("VITE_DB_PASSWORD", "abc"),
        ("REFRESH_TOKENS", "a,b"),
        ("REDIS_URL", "****"),
        // by value
        ("CACHE", "redis://:pw@cache:6379"),
        ("A", "https://u:p@h/"),
        ("A", "postgres://u:p/a?s#s@h/db"),
        ("A", "sk_test_abcdefgh12345678"),
        ("A", "ghp_0123456789abcdefghijABCDEFGHIJ"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("A", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"),
        ("A", "base64:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ"),
        ("A", "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----"),
        ("A", "$2b$12$abcdefghijklmnopqrstuv"),
        ("A", "b7f3a09c1d5e8842b7f3a09c1d5e8842"),
        ("A", "Zk3uQ9vXw2LpTy8RmN4bHs6D"),
        ("A", "p7+Qm2/xVt9Kd3RzW8sLb1Yc5Ng6Hf0Jq4Ua=="),
        ("A_URL", "https://hooks.example/services/T0A1B2C3D/B4E5F6G7H/k9Lm3Nq7Rs2Tu8Vw4Xy1Za6B"),
        ("A_URL", "https://h.example/x?api_key=abc"),
        ("A", "Server=db;User Id=u;Password=pw"),
        ("A", "{\"client_secret\":\"abc\"}"),
        ("REDIS_ARGS", "--requirepass abc --port 1"),
        ("A", "Authorization: Bearer abcdefgh"),
        ("NEXT_PUBLIC_X", "sk_live_abcdefgh12345678"),
        ("VITE_X", "https://u:p@h"),
        ("A", "x\nDB_PASSWORD=abc"),
        ("A_FILE", "https://9f8e7d6c5b4a39281706f5e4d3c2b1a0@h.example/1"),
    ];
    for (name, value) in table {
        assert!(infer(name, value).secret, "{name}={value}");
    }
}

#[test]
fn public_ones() {
    let table = [
        ("PORT", "80"),
        ("ENABLE_SSH_PASSWORD", "false"),
        ("MAX_OUTPUT_TOKENS", "2048"),
        ("PW_SMTP_FROM", "x"),
        ("API_TOKEN_EXPIRATION_YEARS", "40"),
        ("DATABASE_URL", "sqlite:///%kernel.dir%/data/test.sqlite"),
        ("VITE_MAP_TOKEN", "abc"),
        ("NEXT_PUBLIC_DISABLE_PASSWORD_SIGNIN", ""),
        ("TOKEN_TTL", "3600"),
        ("PASSWORD_MIN_LENGTH", "8"),
        ("SECRET_NAME", "prod/db"),
        ("JWT_PUBLIC_KEY", "x"),
        ("TLS_KEY_PATH", "/etc/tls/key.pem"),
        ("DB_PASSWORD_FILE", "/run/secrets/db"),
        ("AUTH_MODE", "oidc"),
        ("AUTH_ENABLED", "true"),
        ("AUTH_URL", "https://login.example/authorize"),
        ("AWS_ACCESS_KEY_ID", "null"),
        ("MAIL_ENCRYPTION", "tls"),
        ("REQUIRE_PASSWORD", "true"),
        ("SALT_ROUNDS", "10"),
        ("USE_TOKEN", "1"),
        ("NEXT_PUBLIC_POSTHOG_KEY", "phc_ab"),
        ("VITE_SITE_KEY", "abc"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_1"),
        ("KEYCLOAK", "x"),
        ("MONKEY", "y"),
        ("COOKIE_NAME", "sid"),
        ("APP_NAME", "Shop"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/app/google.json"),
        ("DATABASE_URL", "sqlite:///app.db"),
        ("CACHE_URL", "redis://cache:6379/0"),
        ("MODEL", "meta-llama/Llama-3.1-8B-Instruct"),
        ("CLASS", "App\\Http\\Middleware\\EncryptCookies"),
        ("SESSION_DRIVER", "database"),
        ("DIR", "/usr/share/nginx/html/static/uploads"),
        ("IMAGE", "ghcr.io/example/worker:nightly-2024-01-02"),
        ("HOSTS", "localhost,127.0.0.1"),
        ("COMMIT_SHA", "b7f3a09c1d5e8842b7f3a09c1d5e8842b7f3a09c"),
        ("TENANT_ID", "8c0d6f5e-2b7a-4c1d-9e3f-0a1b2c3d4e5f"),
        ("EMAIL", "alice.in.wonderland@mail.example.com"),
        ("FMT", "YYYY-MM-DDTHH:mm:ss.SSSZ"),
        ("BACKEND", "django.core.mail.backends.smtp.EmailBackend"),
        ("OPTS", "--max-old-space-size=4096 --enable-source-maps"),
        ("URL", "postgres@db.internal.example.com:5432"),
    ];
    for (name, value) in table {
        let guess = infer(name, value);
        assert!(!guess.secret, "{name}={value}: {}", guess.reason);
    }
}

#[test]
fn types() {
    use Kind as K;
    let table = [
        ("DEBUG", "true", K::Boolean),
        ("DEBUG", "True", K::String),
        ("DEBUG", "1", K::Integer),
        ("PORT", "8000", K::Port),
        ("DB_PORT", "70000", K::Integer),
        ("N", "007", K::String),
        ("N", "-3", K::Integer),
        ("N", "1.0", K::String),
        ("N", "+1", K::String),
        ("API_VERSION", "2", K::String),
        ("RATE", "0.5", K::Number),
        ("RATE", "1", K::Number),
        ("X_URL", "https://a.example/b", K::Url),
        ("X_URL", "a.example", K::String),
        ("FROM", "alice@example.com", K::Email),
        ("ID", "8c0d6f5e-2b7a-4c1d-9e3f-0a1b2c3d4e5f", K::Uuid),
        ("J", "{\"a\": 1}", K::Json),
        ("J", "{a}", K::String),
        ("J", "[1]", K::Json),
        ("ORIGINS", "https://a.example,https://b.example", K::List),
        ("ALLOWED_HOSTS", "a.example,b.example", K::List),
        ("ORIGINS", "https://a.example, https://b.example", K::String),
        ("CACHE_TTL", "30s", K::Duration),
        ("DB_HOST", "127.0.0.1", K::String),
        ("PUBLIC_IP", "127.0.0.1", K::Ip),
        ("K", "", K::String),
        ("API_KEY", "123456", K::String),
        ("DATABASE_URL", "postgres://u:p@h/d", K::Url),
        ("BIG", "99999999999999999999", K::String),
        ("A_PORT", "", K::String),
        ("A", "true ", K::String),
    ];
    for (name, value, kind) in table {
        let guess = infer(name, value);
        assert_eq!(guess.kind, kind, "{name}={value}");
        assert!(value.is_empty() || kind == K::List || kind.accepts(value), "{name}");
    }
    assert_eq!(infer("ORIGINS", "https://a.example,https://b.example").items, Some(K::Url));
    assert!(infer("NEXT_PUBLIC_URL", "https://a.example").exposure_public);
}

#[test]
fn words_are_not_random() {
    for text in [
        "SomeRandomStringOf32CharsExactly",
        "internationalization-library",
        "application/x-www-form-urlencoded",
        "com.example.app.MainActivity",
    ] {
        assert!(!random(text), "{text}");
    }
    for text in ["qzxkvbwpmtrgdhnlsfjc", "AbCdEfGhIjKlMnOpQrSt", "a1b2c3d4e5f6a7b8c9d0", "x-9f8e7d6c5b4a3928-y"] {
        assert!(random(text), "{text}");
    }
}
