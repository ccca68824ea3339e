"""The chat in a shop's own page, of another origin and with a strict Content-Security-Policy."""

import contextlib
import http.server
import shutil
import ssl
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from assistant.errors import BadInput
from assistant.tokens import sign_token
from assistant.web.api import create_app
from tests.tinyapp import SECRET, tiny_tokens
from tests.web.colleagues import PASSWORD
from tests.web.serving import running

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser

PAGE = """<!doctype html><title>Shop</title><h1>A shop's page</h1>
<script src="{chat}/aisle/widget.js" data-token="{token}" async></script>"""
POLICY = "default-src 'none'; script-src {chat}; frame-src {chat}"


@contextlib.contextmanager
def a_shops_site(chat, token="", certificate=None):
    """The site of the shop itself, elsewhere; yields its address."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = PAGE.format(chat=Site.chat, token=token).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Security-Policy", POLICY.format(chat=Site.chat))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    Site.chat = chat
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            scheme = "https" if certificate else "http"
            yield f"{scheme}://127.0.0.1:{server.server_port}", Site
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def shops_page(chromium):
    contexts = []

    def open_(address):
        context = chromium.new_context(locale="en-US")
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text)
                if said.type == "error" and "favicon" not in said.text
                and "favicon" not in (said.location or {}).get("url", "") else None)  # fmt: skip
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()


def test_one_tag_puts_the_chat_into_a_page_with_a_strict_policy(open_session, shops_page):
    session, _ = open_session({"tool": "search_products", "query": "pasta"})
    session.desk.staff.add("Ann", PASSWORD, "agent")
    tokens = tiny_tokens()
    token = sign_token(SECRET, "1", tokens.audience, tokens.issuer, tokens.longest)
    with (
        a_shops_site("", token) as (site, handler),
        running(session, page=True, origins=[site]) as chat,
    ):
        handler.chat = chat
        page = shops_page(site)
        button = page.get_by_role("button", name="Chat with us")
        button.click()
        frame = page.frame_locator("iframe")
        expect(frame.locator("#aisle.ready")).to_be_visible(timeout=20_000)
        expect(frame.locator("#aisle-who")).to_contain_text("Household 1")
        frame.get_by_role("button", name="Talk to a person").click()
        expect(frame.locator("#aisle-waiting")).to_be_visible()
        page.reload()
        expect(frame.locator("#aisle-waiting")).to_be_visible(timeout=20_000)
        expect(button).to_have_attribute("aria-expanded", "true")
        button.click()
        expect(page.locator("iframe")).to_be_hidden()
        with httpx.Client(base_url=f"{chat}/api/v1/desk") as ann:
            ann.post("/login", json={"name": "Ann", "password": PASSWORD})
            conversation = ann.post("/next").json()["conversation_id"]
            ann.post(f"/conversations/{conversation}/reply", json={"text": "hello"})
        expect(page.get_by_role("button", name="Chat with us (1 new)")).to_be_visible()
        page.get_by_role("button", name="Chat with us (1 new)").click()
        expect(frame.locator(".said.staff")).to_contain_text("hello")
        expect(button).to_have_attribute("aria-label", "Chat with us")
        assert page.complaints == []


def test_a_page_that_is_not_allowed_shows_no_chat(open_session, shops_page):
    session, _ = open_session({"tool": "reply"})
    with a_shops_site("") as (site, handler), running(session, page=True) as chat:
        handler.chat = chat
        page = shops_page(site)
        page.get_by_role("button", name="Chat with us").click()
        page.wait_for_timeout(1_000)
        assert any("frame-ancestors" in said for said in page.complaints)


def test_only_the_shoppers_page_may_be_framed(open_session):
    session, _ = open_session({"tool": "reply"})
    with running(session, page=True, origins=["https://shop.example"]) as chat:
        policies = {
            path: httpx.get(chat + path, follow_redirects=True).headers["Content-Security-Policy"]
            for path in ("/", "/staff", "/api/v1/me")
        }
    assert policies["/"].endswith("frame-ancestors 'self' https://shop.example")
    assert policies["/staff"].endswith("frame-ancestors 'self'")
    assert policies["/api/v1/me"].endswith("frame-ancestors 'self'")
    with pytest.raises(BadInput, match=r"'shop\.example'"):
        create_app(session, ["shop.example"])


def test_the_demonstrations_page_signs_its_customer_in(serve, shops_page):
    address, _, _ = serve({"tool": "reply"}, page=True)
    page = shops_page(f"{address}/aisle/demo.html")
    page.get_by_role("button", name="Chat with us").click()
    frame = page.frame_locator("iframe")
    expect(frame.locator("#aisle.ready")).to_be_visible(timeout=20_000)
    page.get_by_label("Signed in as").select_option("1")
    expect(frame.locator("#aisle-who")).to_contain_text("Household 1")
    assert page.complaints == []


@pytest.fixture
def certificate(tmp_path):
    """A certificate that the test signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        made.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return file


@pytest.fixture
def blocking_chromium(chromium):
    """A browser that blocks other sites' cookies, as browsers come to do."""
    browser = chromium.browser_type.launch(
        executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
        args=["--no-sandbox", "--test-third-party-cookie-phaseout"],
    )
    yield browser
    browser.close()


def test_in_a_frame_of_another_site_the_visit_stays_where_cookies_are_blocked(
    open_session, blocking_chromium, certificate
):
    session, _ = open_session({"tool": "search_products", "query": "pasta"})
    with (
        a_shops_site("", certificate=certificate) as (site, handler),
        running(session, page=True, origins=[site], certificate=certificate) as chat,
    ):
        handler.chat = chat
        context = blocking_chromium.new_context(locale="en-US", ignore_https_errors=True)
        page = context.new_page()
        page.goto(site)
        page.get_by_role("button", name="Chat with us").click()
        frame = page.frame_locator("iframe")
        expect(frame.locator("#aisle.ready")).to_be_visible(timeout=20_000)
        frame.get_by_label("Write a message").fill("do you have pasta?")
        frame.get_by_label("Write a message").press("Enter")
        expect(frame.locator(".turn")).to_contain_text("Spaghetti", timeout=20_000)
        page.reload()
        expect(frame.locator(".turn")).to_contain_text("do you have pasta?", timeout=20_000)
        (cookie,) = (each for each in context.cookies() if each["name"] == "aisle_visit")
        assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
        assert "127.0.0.1" in cookie["partitionKey"]
        # By itself the chat is another visit: what is in the frame stays in it.
        alone = context.new_page()
        alone.goto(chat)
        expect(alone.locator("#aisle.ready")).to_be_visible(timeout=20_000)
        expect(alone.locator(".turn")).to_have_count(0)
        context.close()


def test_the_cookie_says_no_more_than_it_has_to(open_session, certificate):
    session, _ = open_session({"tool": "reply"})

    def cookie(origins, **options):
        with running(session, origins=origins, **options) as chat:
            answer = httpx.get(f"{chat}/api/v1/me", verify=False)
            again = httpx.get(f"{chat}/api/v1/me", verify=False, cookies=answer.cookies)
            assert "set-cookie" not in again.headers
            return set(answer.headers["set-cookie"].split("; ")[1:])

    always = {"Max-Age=15552000", "Path=/", "HttpOnly"}
    shop = ["https://shop.example"]
    assert cookie([]) == cookie(shop) == always | {"SameSite=Lax"}
    assert cookie([], certificate=certificate) == always | {"SameSite=Lax", "Secure"}
    framed = always | {"SameSite=None", "Secure", "Partitioned"}
    assert cookie(shop, certificate=certificate) == framed
