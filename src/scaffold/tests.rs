//! New projects from varied files: what is public comes back byte for byte, what is secret is in no file.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Input, Scaffold, scaffold};
use crate::dotenv;
use crate::kind::Kind;
use crate::secret::Secret;
use crate::source::SourceMap;

const ID: &str = "0123456789abcdef0123456789abcdef";

fn make(files: &[(&str, &str)]) -> Scaffold {
    let mut map = SourceMap::default();
    let inputs = files.iter().map(|(environment, text)| Input {
        environment: (*environment).to_owned(),
        parsed: dotenv::parse(text, map.add_closed(".env", *text)),
    });
    let inputs = inputs.collect();
    scaffold("shop", ID, None, inputs)
}

fn file<'a>(made: &'a Scaffold, path: &str) -> &'a str {
    let found = made.files.iter().find(|(name, _)| name == path);
    found.map_or("", |(_, text)| text)
}

fn table(made: &Scaffold, path: &str, key: &str) -> toml::Table {
    let all: toml::Table = toml::from_str(file(made, path)).unwrap();
    all.get(key).and_then(|one| one.as_table()).cloned().unwrap_or_default()
}

/// What envctl delivers, by the rules of DESIGN 3.3.
fn deliver(values: &toml::Table, local: &BTreeMap<String, &Secret>, name: &str) -> String {
    let text = match values.get(name).unwrap() {
        toml::Value::String(text) => text.clone(),
        toml::Value::Table(_) => return String::from_utf8(local[name].expose().to_vec()).unwrap(),
        other => return other.to_string(),
    };
    let (mut out, mut rest) = (String::new(), text.as_str());
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("$${") {
            out.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let (inner, after) = after.split_once('}').unwrap();
            match inner.strip_suffix(":uri") {
                Some(inner) => {
                    for byte in deliver(values, local, inner).bytes() {
                        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                            out.push(byte.into());
                        } else {
                            out.extend(["%", &format!("{byte:02X}")]);
                        }
                    }
                }
                None => out.push_str(&deliver(values, local, inner)),
            }
            rest = after;
        } else {
            out.push(first);
            rest = rest.strip_prefix(first).unwrap();
        }
    }
    out
}

/// All values of an environment as delivered; checks them against the schema on the way.
fn delivered(made: &Scaffold, environment: &str) -> BTreeMap<String, String> {
    let schema = table(made, "schemas/app.toml", "variables");
    let values = table(made, &format!("environments/{environment}.toml"), "values");
    let local = made.local.iter().filter(|one| one.environment == environment);
    let local: BTreeMap<_, _> = local.map(|one| (one.name.clone(), &one.value)).collect();
    let mut all = BTreeMap::new();
    for name in values.keys() {
        let value = deliver(&values, &local, name);
        let declared = &schema[name];
        let kind = declared.get("type").map_or("string", |one| one.as_str().unwrap());
        let kind = Kind::from_name(kind).unwrap();
        if kind == Kind::List {
            let items = Kind::from_name(declared["items"].as_str().unwrap()).unwrap();
            assert!(value.split(',').all(|item| items.accepts(item)), "{name}");
        } else {
            assert!(kind.accepts(&value), "{name} is no {}", kind.name());
        }
        assert!(!value.is_empty());
        let secret = declared.get("secret").is_some();
        if secret && !values[name].is_table() {
            assert!(values[name].as_str().unwrap().contains("${"), "{name}");
        }
        all.insert(name.clone(), value);
    }
    all
}

fn told(made: &Scaffold) -> String {
    made.decisions.iter().flat_map(|one| [one.text.clone(), ": ".into(), one.names.join(", "), "\n".into()]).collect()
}

#[test]
fn a_project_from_nothing() {
    let made = make(&[]);
    let paths: Vec<_> = made.files.iter().map(|(path, _)| path.as_str()).collect();
    let expected = [
        "envctl.toml",
        "schemas/app.toml",
        "environments/dev.toml",
        "environments/staging.toml",
        "environments/prod.toml",
    ];
    assert_eq!(paths, expected);
    for (path, text) in &made.files {
        toml::from_str::<toml::Table>(text).expect(path);
    }
    let project = table(&made, "envctl.toml", "project");
    assert_eq!(project["id"].as_str(), Some(ID));
    let prod: toml::Table = toml::from_str(file(&made, "environments/prod.toml")).unwrap();
    assert_eq!(prod["protected"].as_bool(), Some(true));
    assert!(table(&made, "environments/dev.toml", "values")["SESSION_SECRET"].is_table());
}

#[test]
fn every_variety_comes_back() {
    let text = "# Where it listens\nPORT=8080\nDEBUG=true\nWORKERS=4\nZIP=00501\nBIG=9999999999999999999\nNEG=-0\n\
        RATIO=0.50\nNAME='Shop \"of\" all'\nMOTD=\"one\\ntwo\\r\\n\\tthree\"\nPATHS=C:\\dir\\new\n\
        HTML='<b>${NOT}</b> $${X} $1'\nEMO=🦀é\u{2028}\nAPI=https://api.example/v1\nADMIN=alice@example.com\n\
        ORIGINS=https://a.example,https://b.example\nEMPTY=\nAPI_TOKEN=\nSTRIPE_KEY=sk_test_0123456789\n\
        NEXT_PUBLIC_URL=https://a.example\nTLS_KEY=\"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n\"\n\
        PASSWORD=changeme\nTRICKY=\"'''\"\nTAB=a\tb\nUUID=8c0d6f5e-2b7a-4c1d-9e3f-0a1b2c3d4e5f\nDOLLAR='$'\n";
    let made = make(&[("dev", text)]);
    let mut map = SourceMap::default();
    let parsed = dotenv::parse(text, map.add_closed("x", text));
    let delivered = delivered(&made, "dev");
    for entry in &parsed.entries {
        let value = delivered.get(&entry.name).map_or("", String::as_str);
        assert_eq!(value, entry.value, "{}", entry.name);
    }
    assert!(made.skipped.is_empty());
    let schema = table(&made, "schemas/app.toml", "variables");
    assert_eq!(schema["PORT"]["description"].as_str(), Some("Where it listens"));
    assert_eq!(schema["EMPTY"]["required"].as_bool(), Some(false));
    assert_eq!(schema["API_TOKEN"]["secret"].as_bool(), Some(true));
    assert_eq!(schema["NEXT_PUBLIC_URL"]["exposure"].as_str(), Some("public"));
    let values = table(&made, "environments/dev.toml", "values");
    assert!(values["PORT"].is_integer() && values["DEBUG"].is_bool() && values["ZIP"].is_str());
    let secrets: Vec<_> = made.local.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(secrets, ["STRIPE_KEY", "TLS_KEY", "PASSWORD"]);
    assert_eq!(
        told(&made),
        "secret, kept in the local store of dev because the name says so: PASSWORD\n\
         secret, kept in the local store of dev because the value has the form of a known kind of token: STRIPE_KEY\n\
         secret, kept in the local store of dev because the value is a private key: TLS_KEY\n\
         probably a placeholder, kept all the same; a protected environment refuses it: PASSWORD\n\
         no value, so declared as optional: EMPTY\n\
         no value, so declared as optional; secret because the name says so: API_TOKEN\n"
    );
    for (path, text) in &made.files {
        assert!(!text.contains("sk_test_") && !text.contains("MIIB"), "{path}");
    }
}

#[test]
fn references_become_templates() {
    let text = "DB_USER=app\nDB_PASSWORD=p@ss/w0rd\nDB_HOST=db:5432\nURL_A=\"postgres://${DB_USER}:${DB_PASSWORD}@${DB_HOST}/x\"\n\
        COPY=$DB_USER\nSINGLE='${DB_USER}'\nPARTS=\"a${MISSING}b${X:-d}c$(id)\"\nDOUBLED=$${DB_USER}\n\
        CIRCLE=${ROUND}\nROUND=${CIRCLE}\nSELF=${SELF}/x\nBASE=https://a.example/p\nSUB=${BASE}/sub\nMIXED_KEY=abcd1234${DB_PASSWORD}\n\
        BAD=postgres://u:hunter2@${DB_HOST}/${DB_PASSWORD}\nVITE_A=${DB_PASSWORD}\nUSER_PASSWORD=${DB_USER}\n";
    let made = make(&[("dev", text)]);
    let all = delivered(&made, "dev");
    let expected = [
        ("URL_A", "postgres://app:p%40ss%2Fw0rd@db:5432/x"),
        ("COPY", "app"),
        ("SINGLE", "${DB_USER}"),
        ("PARTS", "a${MISSING}b${X:-d}c$(id)"),
        ("DOUBLED", "$${DB_USER}"),
        ("CIRCLE", "${ROUND}"),
        ("SELF", "${SELF}/x"),
        ("SUB", "https://a.example/p/sub"),
        ("MIXED_KEY", "abcd1234${DB_PASSWORD}"),
        ("BAD", "postgres://u:hunter2@${DB_HOST}/${DB_PASSWORD}"),
        ("VITE_A", "p@ss/w0rd"),
        ("USER_PASSWORD", "${DB_USER}"),
    ];
    for (name, value) in expected {
        assert_eq!(all[name], value, "{name}");
    }
    let values = table(&made, "environments/dev.toml", "values");
    let template = "postgres://${DB_USER}:${DB_PASSWORD:uri}@${DB_HOST}/x";
    assert_eq!(values["URL_A"].as_str(), Some(template));
    for name in ["MIXED_KEY", "BAD", "USER_PASSWORD"] {
        assert!(values[name].is_table(), "{name}");
    }
    let schema = table(&made, "schemas/app.toml", "variables");
    assert!(schema["VITE_A"].get("exposure").is_none() && schema["VITE_A"].get("secret").is_some());
    let told = told(&made);
    for line in [
        "secret, made from other variables with a secret among them: VITE_A\n",
        "secret, made from other variables with a secret among them, percent-encoded inside of the address: URL_A\n",
        "made from other variables, and changing with them: COPY, SUB\n",
        "secret, so not taken apart: a `$` in it stays text: MIXED_KEY, BAD, USER_PASSWORD\n",
        "`${…}` kept as text, as no variable of that name has a value in the file: PARTS\n",
        "`${…}` kept as text, as it leads back to itself or grows without end: CIRCLE, ROUND, SELF\n",
        "looks secret, so not declared public in spite of the name: VITE_A\n",
    ] {
        assert!(told.contains(line), "{line}{told}");
    }
    let follows = |name: &str, other: &str| made.followed.contains(&("dev".into(), name.into(), other.into()));
    assert!(follows("COPY", "DB_USER") && follows("URL_A", "DB_HOST"));
    assert!(!follows("SINGLE", "DB_USER") && !follows("MIXED_KEY", "DB_PASSWORD"));
}

#[test]
fn what_cannot_be_declared_is_skipped_with_a_reason() {
    let made = make(&[("dev", "A=1\nENV=dev\na.b=2\ndb_url=x\nDB_URL=y\nLD_PRELOAD=z\nB='1\n"), ("../x", "C=1\n")]);
    let skipped: Vec<_> = made.skipped.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(skipped, ["ENV", "DB_URL", "LD_PRELOAD", "C"]);
    assert!(made.skipped.iter().any(|one| one.reason.contains("APP_ENV")));
    assert!(made.files.iter().all(|(path, _)| !path.contains("..")));
}

#[test]
fn environments_share_one_schema() {
    let made = make(&[
        ("dev", "A=1\nONLY_DEV=x\nCACHE_URL=redis://cache\nN=1\nM=1\n"),
        ("prod", "A=\nCACHE_URL=redis://:pw@cache\nN=1.5\nM=x\nRATE=1\n"),
        ("test", "A=2\nCACHE_URL=redis://cache\nN=2\nM=2\n"),
    ]);
    let schema = table(&made, "schemas/app.toml", "variables");
    let required = |name: &str| schema[name].get("required_in").map(ToString::to_string);
    assert_eq!(required("A").as_deref(), Some("[\"dev\", \"test\"]"));
    assert_eq!(required("ONLY_DEV").as_deref(), Some("[\"dev\"]"));
    assert_eq!(required("N"), None);
    assert_eq!(schema["CACHE_URL"]["secret"].as_bool(), Some(true));
    assert_eq!(schema["CACHE_URL"]["type"].as_str(), Some("url"));
    assert!(schema["M"].get("type").is_none());
    // Secret in one environment is secret in all.
    assert_eq!(made.local.len(), 3);
    for environment in ["dev", "prod", "test"] {
        delivered(&made, environment);
    }
}

#[test]
fn alike_decisions_of_several_environments_are_one() {
    let text = "A_PASSWORD=0123456789abcdef\nB=b\nC=${B}\n";
    let made =
        make(&[("dev", text), ("qa", text), ("prod", "A_PASSWORD=x0123456789abcdef\nC=c\nD_PASSWORD=changeme\n")]);
    assert_eq!(
        told(&made),
        "secret, kept in the local store of dev, qa and prod because the name says so: A_PASSWORD\n\
         secret, kept in the local store of prod because the name says so: D_PASSWORD\n\
         made from other variables, and changing with them (dev and qa): C\n\
         probably a placeholder, kept all the same; a protected environment refuses it (prod): D_PASSWORD\n"
    );
}

#[test]
fn comments_with_credentials_stay_behind() {
    let text = "# The old password was abc\nA=1\n# see https://u:pw@h.example/\nB=1\n# like hunter22x\nC_KEY=hunter22x\n\
        # Password of the mail server\nD_PASSWORD=x\n# token: abc\nE=1\n# \u{202e}evil\u{7}\nF=1\n";
    let made = make(&[("dev", text)]);
    let schema = table(&made, "schemas/app.toml", "variables");
    for name in ["A", "B", "C_KEY", "E"] {
        assert!(schema[name].get("description").is_none(), "{name}");
    }
    assert_eq!(schema["D_PASSWORD"]["description"].as_str(), Some("Password of the mail server"));
    assert_eq!(schema["F"]["description"].as_str(), Some("evil"));
}

#[test]
fn references_that_grow_are_left_alone() {
    let mut text = String::from("A0=0123456789\n");
    for index in 1..40 {
        let before = index - 1;
        text.extend([format!("A{index}=${{A{before}}}${{A{before}}}\n")]);
    }
    assert!(delivered_size(&make(&[("dev", &text)])) < 2_000_000);
}

fn delivered_size(made: &Scaffold) -> usize {
    delivered(made, "dev").values().map(String::len).sum()
}

proptest! {
    #[test]
    fn any_file_makes_a_project(text in "([A-D]_?(KEY|URL|PORT)?=('|\"|)[a-zA-Z0-9$\\{\\}:/@#\\\\=. é\u{7f}]{0,24}('|\"|)\n){0,8}", other in "\\PC{0,40}") {
        let made = make(&[("dev", &text), ("prod", &other)]);
        for (path, text) in &made.files {
            prop_assert!(toml::from_str::<toml::Table>(text).is_ok(), "{}", path);
        }
        delivered(&made, "dev");
        delivered(&made, "prod");
        let again = make(&[("dev", &text), ("prod", &other)]);
        prop_assert_eq!(made.files, again.files);
        prop_assert_eq!(made.decisions, again.decisions);
    }
}
