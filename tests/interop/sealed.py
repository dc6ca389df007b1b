#!/usr/bin/env python3
"""Writes and reads sealed environments, format 1, without a line of envctl: the other side of the tests.

    sealed.py read PROJECT IDENTITY      every sealed environment of a project as JSON: {environment: {NAME: base64}}
    sealed.py recover PROJECT IDENTITY   the same, read by docs/recover.py
    sealed.py steps PROJECT ENVIRONMENT IDENTITY PREVIOUS
                                         what is computed on the way, in hex; PREVIOUS is the data key before

Needs Python 3.11, the PyPI package `cryptography`, and the command `age`. The format is described in docs/format.md;
documents.py writes whole projects with what is here.
"""
import base64
import contextlib
import datetime
import hashlib
import hmac
import io
import json
import pathlib
import re
import runpy
import subprocess
import sys
import tomllib

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

LARGEST = 1024 * 1024


class Refused(Exception):
    """The document is not of the format, or not the one that was sealed."""


def check(condition, why):
    if not condition:
        raise Refused(why)


# Bytes.


def b64(data):
    return base64.b64encode(data).decode().rstrip("=")


def unb64(text):
    check(isinstance(text, str) and len(text) % 4 != 1 and re.fullmatch(r"[A-Za-z0-9+/]*", text), "base64")
    data = base64.b64decode(text + "==="[: -len(text) % 4])
    check(b64(data) == text, "base64 with bits left over")
    return data


def u32(number):
    return number.to_bytes(4, "big")


def u64(number):
    return number.to_bytes(8, "big")


def lp(data):
    data = data.encode() if isinstance(data, str) else data
    return u32(len(data)) + data


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac256(key, data):
    return hmac.digest(key, data, "sha256")


def derive(key, use, salt=b""):
    """HKDF-SHA-256 of 32 bytes (RFC 5869): one block. Without a salt it is 32 zeros, and HMAC pads the empty key to that."""
    return hmac256(hmac256(salt, key), use + b"\x01")


def size_class(length):
    """What a padded value is long: 64, 128 … 1,024, then the lengths of Padmé, with as many bits as the exponent has."""
    if length <= 1024:
        return (length + 63) // 64 * 64
    exponent = length.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return (length + step - 1) // step * step


def padded(value):
    return (value + b"\x80").ljust(size_class(len(value) + 1), b"\0")


def unpadded(plain):
    end = plain.rfind(b"\x80")
    check(end >= 0 and plain == padded(plain[:end]), "padding")
    return plain[:end]


# Data keys, values, seals.


class Key:
    """A data key."""

    def __init__(self, key):
        self.key = key

    def seal(self, place, value, nonce):
        """`place` is project, environment and the whole key in [secrets]."""
        cipher = ChaCha20Poly1305(derive(self.key, b"envctl/value/v1", nonce))
        return b"\x01" + nonce + cipher.encrypt(bytes(12), padded(value), self.bound(place))

    def open(self, place, sealed):
        check(len(sealed) > 1 + 24 + 16 and sealed[0] == 1, "a value of another version")
        cipher = ChaCha20Poly1305(derive(self.key, b"envctl/value/v1", sealed[1:25]))
        try:
            value = unpadded(cipher.decrypt(bytes(12), sealed[25:], self.bound(place)))
        except Exception as error:
            raise Refused("a value does not open") from error
        check(len(value) <= LARGEST, "a value is too long")
        return value

    @staticmethod
    def bound(place):
        return b"envctl/value/v1\0" + b"".join(map(lp, place))

    def lineage(self, generation, new):
        """The proof that `new` follows this key as that generation."""
        text = b"envctl/lineage/v1\0" + u64(generation) + sha256(new.key)
        return b64(hmac256(derive(self.key, b"envctl/lineage/v1"), text))

    def mac(self, seal, secrets, age_file):
        """The seal over the document."""
        return b64(hmac256(derive(self.key, b"envctl/seal/v1"), self.sealed_text(seal, secrets, age_file)))

    @staticmethod
    def sealed_text(seal, secrets, age_file):
        text = b"envctl/seal/v1\0" + u32(seal["format"]) + lp(seal["project"]) + lp(seal["environment"])
        text += bytes([seal["protected"]]) + u64(seal["generation"]) + u64(seal["revision"])
        text += lp(seal.get("lineage", "")) + lp(sha256(age_file)) + u32(len(seal["recipients"]))
        for name in sorted(seal["recipients"]):
            text += lp(name) + lp(seal["recipients"][name])
        text += u32(len(secrets))
        for name in sorted(secrets):
            entry = secrets[name]
            text += lp(name) + lp(unb64(entry["enc"])) + u64(entry["since"]) + lp(entry["rotated"].isoformat())
        return text


# The age file.


def wrapped(key, recipients):
    """The armored age file with a data key."""
    chosen = [word for recipient in recipients for word in ("-r", recipient)]
    line = f"envctl-data-key-1 {b64(key.key)}\n"
    return subprocess.run(["age", "-a", *chosen], input=line.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()


def unwrapped(armored, identity):
    run = subprocess.run(["age", "-d", "-i", identity], input=armored.encode(), capture_output=True, check=False)
    check(run.returncode == 0, "age does not open the key")
    line = re.fullmatch(rb"envctl-data-key-1 ([A-Za-z0-9+/]{43})\n", run.stdout)
    check(line, "no data key in the age file")
    return Key(unb64(line[1].decode()))


def binary(armored):
    lines = armored.strip("\n").rstrip(" \t\n").split("\n")
    check(lines[0] == "-----BEGIN AGE ENCRYPTED FILE-----" and lines[-1] == "-----END AGE ENCRYPTED FILE-----", "armor")
    body = lines[1:-1]
    check(body and {len(line) for line in body[:-1]} <= {64} and 1 <= len(body[-1]) <= 64, "lines of the armor")
    text = "".join(body)
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused("base64 of the armor") from error
    check(base64.b64encode(data).decode() == text, "base64 of the armor")
    return data


# Reading.


def counter(value):
    return type(value) is int and 1 <= value < 2**63


def checked(document, project, environment):
    """[seal] and [secrets] of a document that keeps every rule for which no key is needed."""
    seal, secrets = document.get("seal"), document.get("secrets", {})
    check(isinstance(seal, dict) and isinstance(secrets, dict), "no seal")
    check(type(seal.get("format")) is int and seal["format"] == 1, "another format")
    keys = ["format", "project", "environment", "protected", "generation", "key", "revision", "mac", "recipients"]
    check(sorted(seal) == sorted(keys + ["lineage"] * (seal.get("generation") != 1)), "keys of [seal]")
    check(seal["project"] == project and seal["environment"] == environment, "sealed elsewhere")
    check(seal["protected"] is document.get("protected", False), "protected")
    check(counter(seal["generation"]) and counter(seal["revision"]), "counters")
    check(len(unb64(seal["mac"])) == 32 and len(unb64(seal.get("lineage", seal["mac"]))) == 32, "proofs")
    recipients = seal["recipients"]
    check(isinstance(recipients, dict) and recipients and len(set(recipients.values())) == len(recipients), "recipients")
    for name, recipient in recipients.items():
        check(re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name), "name of a recipient")
        check(isinstance(recipient, str) and 0 < len(recipient.encode()) <= 2048, "recipient")
    for name, entry in secrets.items():
        check(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}(-next|-previous|-journal)?", name), "name of an entry")
        check(isinstance(entry, dict) and sorted(entry) == ["enc", "rotated", "since"], "keys of an entry")
        check(counter(entry["since"]) and entry["since"] <= seal["generation"], "since")
        check(type(entry["rotated"]) is datetime.date, "rotated")
    check(len({name.lower() for name in secrets}) == len(secrets), "names alike")
    clear = [document.get("values", {}), *document.get("for", {}).values()]
    check(not any(name in table for name in secrets for table in clear), "sealed and in clear")
    return seal, secrets


def opened(path, identity_file):
    """The values of a sealed environment of a project."""
    project = tomllib.loads((path.parent.parent / "envctl.toml").read_text())["project"]["id"]
    seal, secrets = checked(tomllib.loads(path.read_bytes().decode()), project, path.stem)
    key = unwrapped(seal["key"], identity_file)
    check(hmac.compare_digest(key.mac(seal, secrets, binary(seal["key"])), seal["mac"]), "the seal does not match")
    return {name: key.open((project, path.stem, name), unb64(entry["enc"])) for name, entry in secrets.items()}


def recovered(path, identity_file):
    """The same by docs/recover.py, whose lines are words of a shell."""
    script = pathlib.Path(__file__).resolve().parents[2] / "docs" / "recover.py"
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape", newline="")
    sys.argv = [str(script), str(path), identity_file]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()) as told:
        runpy.run_path(str(script), run_name="__main__")
    check("seal verified" in told.getvalue(), "the script does not say that the seal was verified")
    out.flush()
    lines = re.compile(r"""([A-Za-z_][A-Za-z0-9_-]*)=((?:'[^']*'|"'"|[^'"\s])*)\n""")
    text, values, at = out.buffer.getvalue().decode("utf-8", "surrogateescape"), {}, 0
    while at < len(text):
        line = lines.match(text, at)
        check(line, "a line that is no assignment")
        value = re.sub(r"""'([^']*)'|"(')\"""", lambda quoted: quoted[1] or quoted[2] or "", line[2])
        values[line[1]], at = value.encode("utf-8", "surrogateescape"), line.end()
    return values


def read_all(read, project, identity_file):
    paths = sorted(pathlib.Path(project).glob("environments/*.toml"))
    sealed = [path for path in paths if "seal" in tomllib.loads(path.read_bytes().decode())]
    return {path.stem: encoded(read(path, identity_file)) for path in sealed}


def encoded(values):
    return {name: base64.b64encode(value).decode() for name, value in sorted(values.items())}


def steps(project, environment, identity_file, previous):
    """What an implementer can compare with: of the example in docs/format.md."""
    path = pathlib.Path(project) / "environments" / f"{environment}.toml"
    opened(path, identity_file)
    document = tomllib.loads(path.read_text())
    seal, secrets, age_file = document["seal"], document["secrets"], binary(document["seal"]["key"])
    key, previous = unwrapped(seal["key"], identity_file), Key(bytes.fromhex(previous))
    check(previous.lineage(seal["generation"], key) == seal["lineage"], "lineage")
    yield "data key", key.key
    yield "fingerprint", derive(key.key, b"envctl/fingerprint/v1")[:16]
    for name, entry in sorted(secrets.items()):
        nonce = unb64(entry["enc"])[1:25]
        yield f"{name}: nonce", nonce
        yield f"{name}: key", derive(key.key, b"envctl/value/v1", nonce)
        yield f"{name}: associated data", Key.bound((seal["project"], environment, name))
    text = Key.sealed_text(seal, secrets, age_file)
    yield "SHA-256 of the age file", sha256(age_file)
    yield f"SHA-256 of S ({len(text)} bytes)", sha256(text)
    yield "seal key", derive(key.key, b"envctl/seal/v1")
    yield "mac", unb64(seal["mac"])
    yield "lineage key", derive(previous.key, b"envctl/lineage/v1")
    yield "lineage", unb64(seal["lineage"])


# Writing.


class Document:
    """An environment to be written; `keys` has a data key for each generation."""

    def __init__(self, chance, project, environment, recipients, values, **more):
        self.chance, self.environment, self.values = chance, environment, values
        self.keys = [Key(chance.randbytes(32)) for _ in range(more.get("generation", 1))]
        self.top = more.get("top", "")
        self.age_file = wrapped(self.keys[-1], recipients.values())
        generation = len(self.keys)
        self.seal = {"format": 1, "project": project, "environment": environment}
        self.seal |= {"protected": "protected = true" in self.top, "generation": generation}
        if generation > 1:
            self.seal["lineage"] = self.keys[-2].lineage(generation, self.keys[-1])
        self.seal |= {"revision": generation + chance.randrange(90), "recipients": recipients}
        self.secrets = {name: self.entry(name, value) for name, value in values.items()}
        self.seal["mac"] = self.keys[-1].mac(self.seal, self.secrets, binary(self.age_file))

    def entry(self, name, value):
        place = (self.seal["project"], self.environment, name)
        sealed = self.keys[-1].seal(place, value, self.chance.randbytes(24))
        day = datetime.date(2026, 1, 1) + datetime.timedelta(self.chance.randrange(300))
        return {"enc": b64(sealed), "since": self.chance.randint(1, len(self.keys)), "rotated": day}

    def usual(self):
        """As envctl writes it."""
        text = self.top + ("[secrets]\n" if self.secrets else "")
        for name, entry in self.secrets.items():
            text += f'{name} = {{ enc = "{entry["enc"]}", since = {entry["since"]}, rotated = {entry["rotated"]} }}\n\n'
        seal = self.seal
        text += f'[seal]\nformat = 1\nproject = "{seal["project"]}"\nenvironment = "{seal["environment"]}"\n'
        text += f"protected = {str(seal['protected']).lower()}\ngeneration = {seal['generation']}\n"
        text += f'key = """\n{self.age_file}"""\n'
        text += f'lineage = "{seal["lineage"]}"\n' if "lineage" in seal else ""
        text += f'revision = {seal["revision"]}\nmac = "{seal["mac"]}"\n\n[seal.recipients]\n'
        return text + "".join(f'{name} = "{recipient}"\n' for name, recipient in seal["recipients"].items())

    def subtables(self):
        """Other tables, other strings, other numbers, another order; the same document."""
        seal, text = self.seal, self.top + "# the seal first\n"
        text += "[seal.recipients]\n" + "".join(f'"{name}"   = \'{key}\'\n' for name, key in seal["recipients"].items())
        text += f"[seal]\nmac='{seal['mac']}' # proof\nrevision = +{seal['revision']}\n"
        text += f"lineage = '''\\\n{seal['lineage']}'''\n".replace("\\\n", "\n") if "lineage" in seal else ""
        text += f"key = '''{self.age_file}'''\ngeneration = 0b{seal['generation']:b}\n"
        text += f"protected = {str(seal['protected']).lower()}\n\"environment\" = \"\\u{ord(self.environment[0]):04x}{self.environment[1:]}\"\n"
        text += f'project = """{seal["project"]}"""\nformat = 0x01\n'
        for name in sorted(self.secrets, reverse=True):
            entry = self.secrets[name]
            text += f"\n[ secrets . '{name}' ]\nrotated = {entry['rotated']}\nsince = 0o{entry['since']:o}\n"
            half = len(entry["enc"]) // 2
            text += f'enc = """\\\n    {entry["enc"][:half]}\\\n    {entry["enc"][half:]}"""\n'
        return text

    def dotted(self):
        """Dotted keys."""
        seal, text = self.seal, self.top
        for name, entry in self.secrets.items():
            for key, value in (("since", entry["since"]), ("enc", f'"{entry["enc"]}"'), ("rotated", entry["rotated"])):
                text += f"secrets.{name}.{key} = {value}\n"
        for key in ("format", "generation", "revision"):
            text += f"seal.{key} = {seal[key]}\n"
        text += f"seal.protected = {str(seal['protected']).lower()}\nseal.key = '''\n{self.age_file}\n \t\n'''\n"
        for key in ("project", "environment", "lineage", "mac"):
            text += f'seal.{key} = "{seal[key]}"\n' if key in seal else ""
        recipients = ", ".join(f'{name} = "{key}"' for name, key in seal["recipients"].items())
        return text + f"seal.recipients = {{ {recipients} }}\n"

    def crlf(self):
        return self.usual().replace("\n", "\r\n")


def main():
    match sys.argv[1:]:
        case ["read", project, identity_file]:
            print(json.dumps(read_all(opened, project, identity_file)))
        case ["recover", project, identity_file]:
            result = read_all(recovered, project, identity_file)
            print(json.dumps(result))
        case ["steps", project, environment, identity_file, previous]:
            for what, data in steps(project, environment, identity_file, previous):
                print(f"{what + ':':36} {data.hex()}")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
