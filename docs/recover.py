#!/usr/bin/env python3
"""recover.py ENVIRONMENT.toml IDENTITY_FILE: verifies a sealed environment (format.md), prints NAME=value lines for a POSIX shell.
Needs Python 3.11, the command `age`, and `cryptography` of PyPI. If anything is wrong, nothing is printed and the status is not 0."""
import base64, hashlib, hmac, shlex, struct, subprocess, sys, tomllib
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

number = lambda form, *numbers: struct.pack(">" + form, *numbers)  # I: 4 bytes, Q: 8, B: 1, the highest first
part = lambda data: number("I", len(data)) + data
unb64 = lambda text: base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
derive = lambda salt, info: HKDF(SHA256(), 32, salt, info).derive(key)
document = tomllib.load(open(sys.argv[1], "rb"))
seal, secrets = document["seal"], sorted((n, e["since"], e["rotated"], unb64(e["enc"])) for n, e in document.get("secrets", {}).items())
age = subprocess.run(["age", "-d", "-i", sys.argv[2]], input=seal["key"].encode(), stdout=subprocess.PIPE, check=True)
key = unb64(age.stdout.decode().removeprefix("envctl-data-key-1 ").removesuffix("\n"))
place = part(seal["project"].encode()) + part(seal["environment"].encode())
text = b"envctl/seal/v1\0" + number("I", seal["format"]) + place + number("BQQ", seal["protected"], seal["generation"], seal["revision"])
text += part(seal.get("lineage", "").encode()) + part(hashlib.sha256(base64.b64decode(seal["key"].split("-----")[2])).digest())
text += number("I", len(seal["recipients"])) + b"".join(part(word.encode()) for one in sorted(seal["recipients"].items()) for word in one)
text += number("I", len(secrets)) + b"".join(part(n.encode()) + part(enc) + number("Q", since) + part(str(day).encode()) for n, since, day, enc in secrets)
if not hmac.compare_digest(hmac.digest(derive(None, b"envctl/seal/v1"), text, "sha256"), unb64(seal["mac"])):
    sys.exit("the seal does not match: this file was changed by somebody without its key")
if seal["protected"] != document.get("protected", False) or not document.get("values", {}).keys().isdisjoint(n for n, *_ in secrets):
    sys.exit("the seal matches and is contradicted beside it: `protected`, or a name that is in [values] too")
bound = lambda name: b"envctl/value/v1\0" + place + part(name.encode())
values = [(n, ChaCha20Poly1305(derive(enc[1:25], b"envctl/value/v1")).decrypt(bytes(12), enc[25:], bound(n))) for n, _, _, enc in secrets]
print("seal verified:", seal["environment"], "of project", seal["project"], "at revision", seal["revision"], file=sys.stderr)
sys.stdout.buffer.write(b"".join(f"{n}={shlex.quote(v[: v.rindex(0x80)].decode('utf-8', 'surrogateescape'))}\n".encode("utf-8", "surrogateescape") for n, v in values))
