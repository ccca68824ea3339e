"""Tokens as a shop's site would sign them, and as those would who are not the shop."""

import base64
import hmac
import http.server
import json
import stat
import threading
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from assistant import tokens as module
from assistant.errors import BadInput, SignInRefused, StorageError
from assistant.tokens import KeySet, Secret, Tokens, own_secret, sign_token

SECRET = "the secret that the shop's site shares with Aisle"
LIFE = timedelta(minutes=10)
HS = Tokens(Secret(SECRET), "HS256", "aisle", "shop", LIFE)


def claims(**changes):
    now = datetime.now(UTC)
    known = {"sub": "7", "aud": "aisle", "iss": "shop", "iat": now, "exp": now + LIFE, **changes}
    return {key: value for key, value in known.items() if value is not None}


def signed(secret=SECRET, algorithm="HS256", headers=None, **changes):
    return jwt.encode(claims(**changes), secret, algorithm=algorithm, headers=headers)


def ago(minutes):
    return datetime.now(UTC) - timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def rsa_keys():
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


def key_set(keys):
    found = []
    for name, key in keys.items():
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        found.append({**jwk, "kid": name, "use": "sig", "alg": "RS256"})
    return json.dumps({"keys": found})


def by_hand(header, signature):
    """A token that no library would sign, put together from its parts."""

    def part(raw):
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    body = {**claims(), "iat": int(ago(0).timestamp()), "exp": int(ago(-5).timestamp())}
    said = ".".join(part(json.dumps(each).encode()) for each in (header, body))
    return f"{said}.{part(signature(said.encode()))}"


def unsigned():
    return by_hand({"alg": "none", "typ": "JWT"}, lambda _: b"")


def test_a_token_of_the_shop_says_who_it_is():
    assert HS.customer_of(signed()) == "7"
    assert HS.customer_of(sign_token(SECRET, "7", "aisle", "shop", LIFE)) == "7"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (lambda: signed(exp=ago(1), iat=ago(5)), "expired"),
        (lambda: signed(secret="another secret, which is long enough too"), "not signed"),
        (lambda: signed()[:-4] + "AAAA", "not signed"),
        (unsigned, "'none'"),
        (lambda: signed(secret=SECRET * 2, algorithm="HS512"), "'HS512'"),
        (lambda: signed(aud="billing"), "another service"),
        (lambda: signed(iss="evil.example"), "another site"),
        (lambda: signed(iat=ago(-30), exp=ago(-35)), "future"),
        (lambda: signed(exp=ago(-60 * 24)), "longer than 600 seconds"),
        (lambda: signed(sub=None), "lacks 'sub'"),
        (lambda: signed(exp=None), "lacks 'exp'"),
        (lambda: signed(iat=None), "lacks 'iat'"),
        (lambda: signed(iss=None), "lacks 'iss'"),
        (lambda: signed(sub=""), "names no customer"),
        (lambda: signed(sub="7\n"), "names no customer"),
        (lambda: "", "not signed"),
        (lambda: "7", "not signed"),
        (lambda: "\ud800.a.b", "not signed"),
        (lambda: "a" * 20_000, "too long"),
    ],
)
def test_any_other_token_is_refused_with_its_one_reason(token, said):
    given = token()
    with pytest.raises(SignInRefused, match=said) as refused:
        HS.customer_of(given)
    assert refused.value.status == 401
    assert "\n" not in refused.value.message
    assert len(given) < 3 or given not in refused.value.message


def test_a_key_set_checks_rs256_and_nothing_else(tmp_path, rsa_keys):
    ours, theirs = rsa_keys
    path = tmp_path / "keys.json"
    path.write_text(key_set({"2024": ours}))
    tokens = Tokens(KeySet(str(path)), "RS256", "aisle", "shop", LIFE)
    named = {"kid": "2024"}
    assert tokens.customer_of(signed(ours, "RS256", named)) == "7"
    for bad in (
        signed(theirs, "RS256", named),
        signed(ours, "RS256", {"kid": "2023"}),
        signed(ours, "RS256"),
        unsigned(),
        forged_with_the_public_key(ours),
    ):
        with pytest.raises(SignInRefused):
            tokens.customer_of(bad)


def forged_with_the_public_key(key):
    """The old trick: sign with HS256, the public key (which everybody has) as the secret."""
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return by_hand(
        {"alg": "HS256", "kid": "2024"}, lambda said: hmac.digest(public, said, "sha256")
    )


def test_a_key_set_at_an_address_is_fetched_when_needed_but_not_for_every_forgery(
    rsa_keys, monkeypatch
):
    served = {"body": key_set({"a": rsa_keys[0]}), "asked": 0}

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            served["asked"] += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(served["body"].encode())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            keys = KeySet(f"http://127.0.0.1:{server.server_port}/jwks")
            tokens = Tokens(keys, "RS256", "aisle", "shop", LIFE)
            for _ in range(3):
                assert tokens.customer_of(signed(rsa_keys[0], "RS256", {"kid": "a"})) == "7"
            for number in range(20):
                with pytest.raises(SignInRefused):
                    tokens.customer_of(signed(rsa_keys[1], "RS256", {"kid": f"b{number}"}))
            assert served["asked"] == 1
            # The shop changes its key: a minute later the new one is known, the old one is not.
            served["body"] = key_set({"b": rsa_keys[1]})
            monkeypatch.setattr(module, "_FETCH_EVERY", 0.0)
            assert tokens.customer_of(signed(rsa_keys[1], "RS256", {"kid": "b"})) == "7"
            with pytest.raises(SignInRefused):
                tokens.customer_of(signed(rsa_keys[0], "RS256", {"kid": "a"}))
        finally:
            server.shutdown()
            thread.join()
    with pytest.raises(StorageError, match="identity_keys"):
        tokens.customer_of(signed(rsa_keys[0], "RS256", {"kid": "c"}))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"keys": []}', '{"keys": 5}', '"x"'])
def test_a_file_that_is_no_key_set_is_named(tmp_path, text):
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"keys\.json"):
        KeySet(str(path))
    with pytest.raises(BadInput, match=r"nowhere\.json"):
        KeySet(str(tmp_path / "nowhere.json"))


def test_a_key_set_is_not_fetched_in_the_clear():
    with pytest.raises(BadInput, match="https"):
        KeySet("http://shop.example/jwks")


def test_a_short_secret_is_no_secret():
    with pytest.raises(BadInput, match="6 bytes") as refused:
        Secret("hunter")
    assert "hunter" not in refused.value.message


def test_the_demonstrations_key_is_made_once_and_is_its_owners(tmp_path):
    path = tmp_path / "home" / "demo.key"
    secret = own_secret(path)
    assert own_secret(path) == secret
    assert len(secret) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
