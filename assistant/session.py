"""Conversations as a whole: who may say what, one turn at a time, kept before it is confirmed.

Every method is synchronous and may be called from any thread; a web server runs them in workers.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from assistant.agent import Agent, Draft, run_turn
from assistant.changes import ASSISTANT, Changes, Settled, answer_in, awaited
from assistant.codes import Codes
from assistant.desk.aid import Aid
from assistant.desk.desk import Desk, Rules
from assistant.desk.proposals import Proposals
from assistant.desk.states import PEOPLES
from assistant.errors import AisleError, BadInput, Conflict, ModelError, NotFound
from assistant.events import (
    CardsShown,
    Event,
    ReplyPiece,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from assistant.grounding import language_of
from assistant.identity import Doors, Visits
from assistant.messages import readable
from assistant.offers import is_upset, offers_person
from assistant.orders.book import OrderBook
from assistant.phrases import phrase
from assistant.reply import compose
from assistant.shop.catalogue import SampleShopper
from assistant.shop.schema import ShopInfo
from assistant.store import MAX_QUANTITY, Store
from assistant.tokens import sign_token
from assistant.tools.context import Context, Shop
from assistant.tools.handoff import summarise
from assistant.tools.order_changes import outcome
from assistant.types import (
    Cart,
    Conversation,
    Handoff,
    Language,
    Piece,
    Shopper,
    Turn,
)

log = logging.getLogger(__name__)


class Session:
    """The door to everything a shopper can do; each call says which shopper."""

    def __init__(
        self,
        shop: Shop,
        store: Store,
        visits: Visits,
        agent: Agent,
        doors: Doors,
        *,
        demo: bool,
        confirm_within: timedelta = timedelta(minutes=15),
        rules: Rules | None = None,
    ) -> None:
        self.demo = demo
        self.desk = Desk(shop, store, rules or Rules())
        self._doors = doors
        self._shop = shop
        self._store = store
        self._visits = visits
        self._orders = OrderBook(shop.catalogue, store.database)
        self._changes = Changes(store, self._orders, confirm_within)
        self.proposals = Proposals(self.desk, self._orders, self._changes)
        self.aid = Aid(shop, store, self._orders, agent, self.desk)
        self._agent = agent
        self._ready = threading.Event()

    @property
    def info(self) -> ShopInfo:
        return self._shop.catalogue.info

    @property
    def model(self) -> str:
        return self._agent.model.name

    def ready(self) -> bool:
        return self._ready.is_set()

    def open(self) -> None:
        """Take over from a process that may have been killed in the middle of replies."""
        interrupted = self._store.interrupt_running()
        if interrupted:
            log.warning("%d replies were cut off when the server last stopped", interrupted)
        self._ready.set()

    def close(self) -> None:
        self._ready.clear()
        self._agent.model.close()
        if self._doors.codes:
            self._doors.codes.close()
        self._store.close()

    # --- who is speaking ---

    def visit(self, token: str | None) -> tuple[str, Shopper]:
        return self._visits.visit(token)

    def samples(self) -> list[SampleShopper]:
        return self._shop.catalogue.sample_shoppers() if self.demo else []

    def demo_token(self, customer_id: str) -> str:
        """A token as a shop's site would sign it, for a sample shopper of a demonstration."""
        tokens = self._doors.tokens
        if not (self.demo and self._doors.demo_secret and tokens):
            raise BadInput("sign in on the shop's own site; choosing a shopper is off here")
        self.customer(customer_id)
        return sign_token(
            self._doors.demo_secret, customer_id, tokens.audience, tokens.issuer, tokens.longest
        )

    def sign_in(self, visit: str, token: str) -> tuple[str, Shopper]:
        """Speak as the customer of a token that the shop's site signed, under a new visit."""
        if self._doors.tokens is None:
            raise BadInput(
                "signing in by token is not set up here; "
                "give the setting 'identity_secret' or 'identity_keys'"
            )
        return self._visits.sign_in(visit, self._doors.tokens.customer_of(token))

    @property
    def sends_codes(self) -> bool:
        return self._doors.codes is not None

    def send_code(self, visit: str, address: str) -> None:
        """Mail a one-time code to the address, if it is a customer's; it is not said whether."""
        self._codes().send(visit, address)

    def sign_in_by_code(self, visit: str, code: str) -> tuple[str, Shopper]:
        """Speak as the customer to whom this browser had a code sent, under a new visit."""
        return self._visits.sign_in(visit, self._codes().customer_of(visit, code))

    def _codes(self) -> Codes:
        if self._doors.codes is None:
            raise BadInput("codes by mail are not set up here; give the setting 'mail'")
        return self._doors.codes

    def sign_out(self, token: str) -> Shopper:
        return self._visits.sign_out(token)

    def customer(self, customer_id: str) -> Shopper:
        """The shopper with this customer id; raises NotFound for one that does not exist."""
        self._shop.catalogue.check_customer(customer_id)
        return Shopper(f"customer:{customer_id}", customer_id)

    # --- conversations ---

    def start(self, shopper: Shopper, language: Language = "en") -> Conversation:
        return self._store.start(shopper, language)

    def latest(self, shopper: Shopper) -> Conversation | None:
        return self._store.latest(shopper.key)

    def conversation(self, shopper: Shopper, conversation_id: str) -> Conversation:
        return self._store.conversation(shopper.key, conversation_id)

    def handle(
        self,
        shopper: Shopper,
        conversation_id: str,
        text: str,
        cancel: threading.Event | None = None,
    ) -> Iterator[Event]:
        """Answer a message, streaming events; setting `cancel` ends the turn as `stopped`.

        The message is stored before the first event, and the whole turn in one transaction before
        the last. Raises BadInput for a message that cannot be one, NotFound for a conversation
        that is not this shopper's, Conflict while another turn of it runs.

        Where a person has the conversation the message is kept for them, and a TurnFinished with
        it is all that happens. A turn from which the conversation is taken ends as `stopped`.
        """
        text = readable(text)
        conversation = self._store.conversation(shopper.key, conversation_id)
        yes = answer_in(text)
        waiting = awaited(conversation) if yes is not None else None
        if yes is not None and waiting is not None:
            return self._say(shopper, conversation, waiting, text, yes=yes)
        turn = self._begin(shopper, conversation, text)
        if turn.kind == "message":
            return iter((TurnFinished(turn),))
        return self._run(shopper, conversation, turn, cancel or threading.Event())

    def answer(
        self, shopper: Shopper, conversation_id: str, change_id: str, *, yes: bool
    ) -> Iterator[Event]:
        """Say yes or no to a change that was shown, streaming events; a yes makes it, once.

        Raises NotFound for a conversation or a change that is not this shopper's, Conflict while
        another turn runs.
        """
        conversation = self._store.conversation(shopper.key, conversation_id)
        by = self._changes.proposed_by(shopper, conversation_id, change_id)
        if by == ASSISTANT and conversation.state in PEOPLES:
            raise Conflict(
                "this conversation is a colleague's now; tell them what you want done",
                "此对话现由同事处理；请告诉他们您的需求",
            )
        said = phrase(conversation.language, "yes" if yes else "no")
        return self._say(shopper, conversation, change_id, said, yes=yes)

    def _begin(
        self, shopper: Shopper, conversation: Conversation, text: str, answers: str = ""
    ) -> Turn:
        now = self._shop.catalogue.clock.now()
        return self._store.begin_turn(
            shopper.key, conversation.conversation_id, text, now, answers=answers
        )

    def _say(
        self, shopper: Shopper, conversation: Conversation, change_id: str, text: str, *, yes: bool
    ) -> Iterator[Event]:
        """The turn of a yes or a no. The model has no part in it."""
        if self._changes.proposed_by(shopper, conversation.conversation_id, change_id) != ASSISTANT:
            answered = self._answer_colleague(shopper, conversation, change_id, text, yes=yes)
            if answered is not None:
                return iter((TurnFinished(answered),))
        turn = self._begin(shopper, conversation, text, change_id)
        if turn.kind == "message":
            return iter((TurnFinished(turn),))
        return self._settle(shopper, conversation, turn, yes=yes)

    def _settle(
        self, shopper: Shopper, conversation: Conversation, turn: Turn, *, yes: bool
    ) -> Iterator[Event]:
        draft = Draft(turn)
        draft.mark("first_event")
        language = language_of(turn.text, conversation.language)
        told = self._outcome_teller(shopper, conversation, draft)
        stored = False
        try:
            yield TurnStarted(turn.turn_id, turn.text)
            finished = self._changes.answer(
                shopper, conversation.conversation_id, turn, yes=yes, told=told
            )
            stored = True
            yield CardsShown(turn.turn_id, (), finished.citations, finished.orders)
            for piece in finished.pieces:
                yield ReplyPiece(turn.turn_id, piece)
            yield TurnFinished(finished)
        except (Exception, GeneratorExit) as error:
            if stored:
                raise
            reference = self._record(error)
            failed = replace(
                turn, status="stopped" if isinstance(error, GeneratorExit) else "failed"
            )
            self._store.finish_turn(shopper.key, conversation.conversation_id, failed)
            if isinstance(error, GeneratorExit):
                raise
            message = phrase(language, "change_failed", reference=reference)
            yield TurnFailed(failed, reference, message)

    def _answer_colleague(
        self, shopper: Shopper, conversation: Conversation, change_id: str, text: str, *, yes: bool
    ) -> Turn | None:
        """The message that answers what a colleague proposed, as kept; None where the assistant
        has the conversation, so that the outcome is the assistant's to say."""
        now = self._shop.catalogue.clock.now()
        turn_id = secrets.token_urlsafe(16)
        turn = Turn(turn_id, text, at=now, kind="message", answers=change_id)
        told = self._outcome_teller(shopper, conversation, Draft(turn))
        return self._changes.answer_colleague(
            shopper, conversation.conversation_id, turn, yes=yes, told=told
        )

    def _outcome_teller(
        self, shopper: Shopper, conversation: Conversation, draft: Draft
    ) -> Callable[[Settled], Turn]:
        """Makes the draft of an answer the turn that says what came of it."""
        text = draft.turn.text
        language = language_of(text, conversation.language)
        context = self._context(shopper, conversation, text, language)

        def told(settled: Settled) -> Turn:
            result = outcome(context, settled)
            draft.show(result)
            for piece in compose(self._agent.writer, context, [result], threading.Event()):
                draft.say(piece)
            return draft.finish("finished")

        return told

    def _context(
        self, shopper: Shopper, conversation: Conversation, text: str, language: Language
    ) -> Context:
        past = [each for each in conversation.turns if each.status != "running"]
        return Context(self._shop, self._store, shopper, language, text, past, orders=self._orders)

    def _run(
        self, shopper: Shopper, conversation: Conversation, turn: Turn, cancel: threading.Event
    ) -> Iterator[Event]:
        draft = Draft(replace(turn, model=self._agent.model.name))
        language = language_of(turn.text, conversation.language)
        context = self._context(shopper, conversation, turn.text, language)
        stored = False
        try:
            draft.mark("first_event")
            yield TurnStarted(turn.turn_id, turn.text)
            seen = draft.turn
            for event in self._answer(context, draft, cancel):
                if not self._store.may_answer(conversation.conversation_id, turn.turn_id):
                    # A person has it now: what the shopper has not seen is never said.
                    cancel.set()
                    draft.turn = seen
                    draft.finish("stopped")
                    break
                yield event
                seen = draft.turn
            kept = self._finish(shopper, conversation, draft.turn)
            stored = True
            yield TurnFinished(kept)
        except (Exception, GeneratorExit) as error:
            if stored:
                raise
            failed = draft.finish("stopped" if isinstance(error, GeneratorExit) else "failed")
            reference = self._record(error)
            kept = self._finish(shopper, conversation, failed)
            if isinstance(error, GeneratorExit):
                raise
            if kept.status != failed.status:
                yield TurnFinished(kept)
                return
            message = (
                f"{error.message} ({reference})"
                if isinstance(error, ModelError)
                else phrase(context.language, "failed", reference=reference)
            )
            yield TurnFailed(failed, reference, message)

    def _answer(self, context: Context, draft: Draft, cancel: threading.Event) -> Iterator[Event]:
        yield from run_turn(self._agent, context, draft, cancel)
        if draft.turn.status == "finished" and offers_person(context.turns, draft.turn):
            yield draft.say(Piece("text", context.phrase("offer_person")))

    def _finish(self, shopper: Shopper, conversation: Conversation, turn: Turn) -> Turn:
        return self._changes.keep(shopper, conversation.conversation_id, turn)

    def _record(self, error: BaseException) -> str:
        reference = secrets.token_hex(4)
        if isinstance(error, GeneratorExit):
            log.info("turn %s: its listener went away", reference)
        elif isinstance(error, AisleError):
            log.error("turn %s failed: %s", reference, error)
        else:
            log.error("turn %s failed", reference, exc_info=error)
        return reference

    def rate(self, shopper: Shopper, conversation_id: str, turn_id: str, rating: int) -> None:
        """Thumbs up (1), down (-1) or taken back (0)."""
        self._store.rate(shopper.key, conversation_id, turn_id, rating)

    def ask_for_person(self, shopper: Shopper, conversation_id: str) -> Conversation:
        """Let the conversation wait for a colleague, without asking the model."""
        conversation = self._store.conversation(shopper.key, conversation_id)
        turns = conversation.turns
        context = self._context(shopper, conversation, "", conversation.language)
        upset = bool(turns) and is_upset(turns[-1].text)
        handoff = Handoff("upset" if upset else "asks_for_a_person", summarise(context))
        self._store.ask_for_person(shopper.key, conversation_id, handoff)
        return self._store.conversation(shopper.key, conversation_id)

    def stop_waiting(self, shopper: Shopper, conversation_id: str) -> Conversation:
        """Go on with the assistant; raises Conflict once a colleague has the conversation."""
        self._store.stop_waiting(shopper.key, conversation_id)
        return self._store.conversation(shopper.key, conversation_id)

    # --- the cart ---

    def cart(self, shopper: Shopper) -> Cart:
        return Context(self._shop, self._store, shopper, "en", "").cart()

    def set_quantity(self, shopper: Shopper, product_id: str, quantity: int) -> Cart:
        """Hold `quantity` of a product, 0 to take it out; raises NotFound, BadInput."""
        product = self._shop.catalogue.product(product_id)
        if product is None and quantity:
            raise NotFound(f"no product {product_id!r} in {self.info.name}")
        if not 0 <= quantity <= MAX_QUANTITY:
            raise BadInput(
                f"quantity {quantity!r} cannot be held; give a number from 0 to {MAX_QUANTITY}"
            )
        if product and quantity and not product.in_stock:
            raise BadInput(f"{product.title!r} is out of stock")
        self._store.set_quantity(shopper.key, product_id, quantity)
        return self.cart(shopper)
