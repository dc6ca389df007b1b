#!/usr/bin/env python3
"""Makes projects with sealed environments, written by sealed.py and not by envctl.

    documents.py make FOLDER COUNT SEED     COUNT random environments, their identities, and expected.json
    documents.py fixtures FOLDER            the project that is kept in tests/fixtures/format-1
"""
import json
import pathlib
import random
import subprocess
import sys

from sealed import Document, b64, encoded

SUFFIXES = ("-next", "-previous", "-journal")


# Identities.


def identity(path):
    """Makes an identity and gives its recipient."""
    path.unlink(missing_ok=True)
    subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
    path.chmod(0o600)
    return subprocess.run(["age-keygen", "-y", path], check=True, stdout=subprocess.PIPE).stdout.decode().strip()


def ssh_identity(path):
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    text = " ".join(path.with_suffix(".pub").read_text().split()[:2])
    path.with_suffix(".pub").unlink()
    return text


STYLES = (Document.usual, Document.subtables, Document.dotted, Document.crlf)


# Values.

NASTY = [
    "", " ", "x", "=", "'", '"', "\\", "$HOME", "${NAME}", "$(id)", "`id`", "a b", " a ", "#", "a#b", "\n", "\r", "\r\n", "\t",
    "two\nlines", "ends\n", "\n\n", "'\n'", '"""', "'''", "\\n", "%s%n", "true", "1", "1e9", "null", "2026-01-01", "é", "日本語",
    "🔑", "\u202e", "\ufeff", "\x1b[31m", "\x7f", "\u0085", "\u2028", "postgresql://shop:p%40ss@db:5432/shop", "{\"a\": 1}",
    "-----BEGIN X-----\nAAAA\n-----END X-----\n", "\u0080", "a\u0080", "e\u0301",
]  # fmt: skip
BORDERS = [0, 1, 62, 63, 64, 65, 127, 128, 959, 960, 1022, 1023, 1024, 1025, 1055, 1056, 2047, 2048, 4095, 4096, 16383, 65535]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/ \n\"'\\$"


def random_value(chance):
    """Text without NUL: what every command of the program passes on."""
    match chance.randrange(4):
        case 0 | 1:
            return chance.choice(NASTY).encode()
        case 2:
            length = max(0, chance.choice(BORDERS) + chance.randint(-1, 1))
            return "".join(chance.choices(LETTERS, k=length)).encode()
        case _:
            points = [chance.choice([chance.randint(1, 127), chance.randint(160, 0xD7FF), chance.randint(0x10000, 0x10FFFF)])]
            return "".join(map(chr, points * chance.randint(1, 40))).encode()


def random_name(chance):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcxyz0123456789"
    return "V" + "".join(chance.choices(letters, k=chance.choice([1, 3, 8, 20])))


def names(chance, count):
    found = {}
    while len(found) < count:
        name = random_name(chance)
        found.setdefault(name.lower(), name)
    return list(found.values())


def make(folder, count, seed):
    """A project of random environments, each with variables of its own out of one schema."""
    chance, folder = random.Random(seed), pathlib.Path(folder)
    project = chance.randbytes(16).hex()
    (folder / "environments").mkdir(parents=True, exist_ok=True)
    (folder / "schemas").mkdir(exist_ok=True)
    people = {name: identity(folder / f"{name}.txt") for name in ("alice", "bob", "deploy")}
    vocabulary = names(chance, 12)
    schema = [f"[variables.{name}]\nsecret = true\nrequired = false\nmin_length = 0\n" for name in vocabulary]
    (folder / "schemas" / "api.toml").write_text("\n".join(schema))
    recipients = "".join(f'{name} = "{key}"\n' for name, key in people.items())
    config = f'[project]\nname = "shop"\nid = "{project}"\ndefault_environment = "e0"\n\n[recipients]\n{recipients}'
    (folder / "envctl.toml").write_text(config)
    expected = {}
    for number in range(count):
        environment = f"e{number}"
        values = {name: random_value(chance) for name in chance.sample(vocabulary, chance.randrange(7))}
        readers = ["alice", *chance.sample(["bob", "deploy"], chance.randrange(3))]
        document = Document(
            chance, project, environment, {name: people[name] for name in sorted(readers)}, values,
            generation=chance.choice([1, 1, 2, 5]),
        )  # fmt: skip
        text = chance.choice(STYLES)(document)
        (folder / "environments" / f"{environment}.toml").write_bytes(text.encode())
        expected[environment] = encoded(values)
    (folder / "expected.json").write_text(json.dumps(expected))


# Fixtures.

FIXTURES = """\
# Fixtures of the sealed format, version 1

Written by `tests/interop/documents.py fixtures`, not by envctl, and never written again: every later version has to read them.
`expected.json` has the values, in base64. The identities are throw-away; they open nothing else. `alice.txt` opens every
file, `bob.txt` and the SSH key `deploy` some.
"""


def fixtures(folder):
    chance, folder = random.SystemRandom(), pathlib.Path(folder)
    project = chance.randbytes(16).hex()
    for name in ("environments", "schemas"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    people = {name: identity(folder / f"{name}.txt") for name in ("alice", "bob")}
    people["deploy"] = ssh_identity(folder / "deploy")
    alice = {"alice": people["alice"]}
    both = alice | {"bob": people["bob"]}
    usual = {
        "API_KEY": b"sk-" + b64(chance.randbytes(24)).encode(),
        "DB_PASSWORD": b"correct horse; battery 'staple' $HOME",
        "EMPTY": b"",
        "TEXT": "zwei\nZeilen, \u00fc\n".encode(),
    }
    sizes = {f"SIZE_{n}": bytes(97 + i % 26 for i in range(n)) for n in (0, 62, 63, 64, 1022, 1023, 1024, 1087, 4095, 20000)}
    rotating = {"API_KEY": b"the old one", "API_KEY-next": b"the new one", "API_KEY-journal": b'{"step":"stage"}'}
    plan = {
        "first": (alice, usual, {}, Document.usual),
        "people": (both | {"deploy": people["deploy"]}, usual, {}, Document.usual),
        "later": (both, usual, {"generation": 4}, Document.usual),
        "parent": (both, {"API_KEY": b"inherited", "EMPTY": b""}, {"top": "protected = true\nabstract = true\n\n"}, Document.usual),
        "child": (both, {"DB_PASSWORD": b"own"}, {"generation": 2, "top": 'extends = "parent"\nprotected = true\n\n'}, Document.usual),
        "crlf": (both, usual, {"generation": 2}, Document.crlf),
        "spelling": (both, usual, {"generation": 3}, Document.subtables),
        "dotted": (both, usual, {"generation": 2}, Document.dotted),
        "nothing": (both, {}, {}, Document.usual),
        "sizes": (alice, sizes, {}, Document.usual),
        "rotating": (both, rotating, {}, Document.usual),
    }
    names = sorted({name for _, values, _, _ in plan.values() for name in values if not name.endswith(SUFFIXES)})
    schema = [f"[variables.{name}]\nsecret = true\nrequired = false\nmin_length = 0\n" for name in names]
    (folder / "schemas" / "api.toml").write_text("\n".join(schema))
    recipients = "".join(f'{name} = "{key}"\n' for name, key in people.items())
    config = f'[project]\nname = "shop"\nid = "{project}"\ndefault_environment = "first"\n\n[recipients]\n{recipients}'
    (folder / "envctl.toml").write_text(config)
    expected = {}
    for environment, (readers, values, more, style) in plan.items():
        document = Document(chance, project, environment, readers, values, **more)
        (folder / "environments" / f"{environment}.toml").write_bytes(style(document).encode())
        expected[environment] = encoded(values)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    (folder / "README.md").write_text(FIXTURES)


def main():
    match sys.argv[1:]:
        case ["make", folder, count, seed]:
            make(folder, int(count), seed)
        case ["fixtures", folder]:
            fixtures(folder)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
